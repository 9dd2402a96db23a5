import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paceOf, paceOfSteps } from './pace.ts';
import { planSteps, sumOf } from './plan.ts';

const INPUT = {
  steps: [
    { name: 'rpc', pods: 3 },
    { name: 'gateway canary', pods: 0 },
    { name: 'gateway', pods: 4 },
  ],
  connections: 1_000,
  maxPerSecond: 10,
  concurrentDrains: 2,
  gateways: 4,
  drainDeadlineSeconds: 540,
  soakSeconds: 30,
  pace: { secondsPerPod: 5, gateSeconds: 2 },
};

test('pods of a role one after the other, new gateways at once, old ones as their connections move', () => {
  const steps = planSteps(INPUT);
  assert.deepEqual(steps, [
    { name: 'rpc', restarts: 3, reconnects: 0, seconds: 3 * 5 + 32 },
    { name: 'gateway canary', restarts: 0, reconnects: 0, seconds: 5 + 32 },
    { name: 'gateway', restarts: 4, reconnects: 1_000, seconds: 2 * (25 + 5) + 32 },
  ]);
  assert.deepEqual(sumOf(steps), { restarts: 7, reconnects: 1_000, seconds: 47 + 37 + 92 });
  const slow = planSteps({ ...INPUT, connections: 1e6 }).at(-1);
  assert.equal(slow?.seconds, 2 * (540 + 5) + 32, 'no drain outlives its deadline');
});

test('the pace is the mean of the last three upgrades that succeeded and had one, else the default', () => {
  const past = (secondsPerPod: number | undefined, gateSeconds: number, isProbed = true) => ({
    outcome: 'Succeeded',
    fact: { secondsPerPod, gateSeconds },
    proof: isProbed ? {} : undefined,
  });
  assert.deepEqual(paceOf([], true), { secondsPerPod: 8, gateSeconds: 6 });
  assert.deepEqual(paceOf([], false), { secondsPerPod: 8, gateSeconds: 1 });
  const history = [
    past(6, 9),
    past(undefined, 0, false),
    { outcome: 'Succeeded', proof: {} },
    { ...past(88, 88), outcome: 'RolledBack' },
    past(3, 5),
    past(9, 7),
    past(99, 99),
  ];
  assert.deepEqual(paceOf(history, true), { secondsPerPod: 6, gateSeconds: 7 });
  assert.deepEqual(
    paceOf(history, false),
    { secondsPerPod: 6, gateSeconds: 0 },
    'gates without a prober are quick',
  );
});

test('the pace of an upgrade is that of its pods and gates; gateways wait for their connections', () => {
  const at = (startedAt: number, settledAt: number, passedAt: number) => ({
    startedAt: startedAt * 1_000,
    settledAt: settledAt * 1_000,
    passedAt: passedAt * 1_000,
  });
  const steps = [
    { name: 'rpc', pods: 2, ...at(0, 12, 50) },
    { name: 'api', pods: 1, ...at(50, 53, 86) },
    { name: 'gateway canary', pods: 0, ...at(86, 90, 124) },
    { name: 'gateway', pods: 2, ...at(124, 500, 535) },
  ];
  assert.deepEqual(paceOfSteps(steps, 30), { secondsPerPod: 5, gateSeconds: 5 });
  assert.deepEqual(paceOfSteps([{ name: 'rpc', pods: 2, startedAt: 1 }], 30), {}, 'it did not come that far');
  assert.deepEqual(
    paceOfSteps([{ name: 'rpc', ...at(0, 10, 40) }], 30),
    { gateSeconds: 0 },
    'pods were not recorded',
  );
});
