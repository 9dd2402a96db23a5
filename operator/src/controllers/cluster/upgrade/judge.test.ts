import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProberStatus, ProcessStatus } from '@im/contract';
import type { UpgradeRecord } from '../../../resources/upgrade-record.ts';
import { lookAt } from './gates.ts';
import { judgeUpgrade, type ObservedStep, type UpgradeObservation } from './judge.ts';

const T0 = 1_000_000;

const prober = (change: Partial<ProberStatus> = {}): ProberStatus => ({
  since: 5,
  judgedUntil: T0,
  sent: 100,
  acknowledged: 100,
  received: 300,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  refused: 0,
  other: 0,
  gaps: [],
  acknowledgeP99Ms: 3,
  findings: [],
  ...change,
});

/** What is observed when the stores are usable. */
function observed(report: ProberStatus | undefined, lagRecords = 0): UpgradeObservation['observation'] {
  const ok = { ok: true as const, detail: {} };
  const transfer = { partitions: 64, lagRecords, parkedTenants: 0, parkedConversations: 0, parkedRecords: 0 };
  const processes = new Map([['t', { transfer } as ProcessStatus]]);
  if (report) processes.set('p', { prober: report } as ProcessStatus);
  return { processes, reports: new Map(), stores: { nats: ok, mongodb: ok, redis: ok, objectStorage: ok } };
}

const record: UpgradeRecord = {
  from: 'r1',
  startedAt: T0,
  baseline: lookAt(prober()),
  steps: [{ name: 'rpc' }, { name: 'api' }],
  plan: { restarts: 4, reconnects: 0, seconds: 80 },
};
const step = (
  name: string,
  state: ObservedStep['state'],
  more: Partial<ObservedStep> = {},
): ObservedStep => ({
  name,
  state,
  message: `${name} is ${state}`,
  ...more,
});

const judge = (change: Partial<UpgradeObservation>) =>
  judgeUpgrade({
    record,
    steps: [step('rpc', 'pending'), step('api', 'pending')],
    observation: observed(prober()),
    oldGateways: [],
    isProbed: true,
    limits: { soakSeconds: 30, stepDeadlineSeconds: 100 },
    paused: false,
    specKey: 'k',
    rollbackAsked: false,
    now: T0,
    ...change,
  });

test('a step begins when the gates behind the one before are passed', () => {
  const first = judge({});
  assert.deepEqual([...first.mayRun], ['rpc']);
  assert.equal(first.record.steps[0]?.startedAt, T0);
  const settled = judge({
    record: first.record,
    steps: [step('rpc', 'settled'), step('api', 'pending')],
    now: T0 + 10_000,
  });
  assert.deepEqual([...settled.mayRun], ['rpc'], 'the prober has not been clean for long enough');
  assert.deepEqual(
    settled.gates.map(({ name, state }) => [name, state]),
    [
      ['StoresReachable', 'Passed'],
      ['LogLag', 'Passed'],
      ['ProberClean', 'Waiting'],
    ],
  );
  const clean = {
    record: settled.record,
    steps: [step('rpc', 'settled'), step('api', 'pending')],
    now: T0 + 45_000,
  };
  const judged = prober({ judgedUntil: T0 + 40_000, acknowledged: 180, sent: 180 });
  const passed = judge({ ...clean, observation: observed(judged) });
  assert.deepEqual([...passed.mayRun], ['rpc', 'api']);
  assert.equal(passed.record.proof?.acknowledged, 80);
  assert.equal(judge({ ...clean, observation: observed(judged, 5_000) }).mayRun.size, 1, 'the log lags');
  const { stores, ...seen } = observed(judged);
  const down = { ok: false as const, reason: 'Unreachable' as const, message: 'refused' };
  assert.equal(
    judge({ ...clean, observation: { ...seen, stores: { ...stores, redis: down } } }).mayRun.size,
    1,
  );
  const done = judge({
    record: passed.record,
    steps: [step('rpc', 'settled'), step('api', 'settled')],
    observation: observed(prober({ judgedUntil: T0 + 90_000 })),
    now: T0 + 50_000,
  });
  assert.equal(done.step, undefined);
});

test('without a prober its gate is skipped, and nothing is proven', () => {
  const {
    gates,
    step: current,
    record: after,
  } = judge({
    record: { ...record, baseline: undefined },
    steps: [step('rpc', 'settled'), step('api', 'settled')],
    observation: observed(undefined),
    isProbed: false,
  });
  assert.equal(current, undefined);
  assert.deepEqual(gates, []);
  assert.equal(after.proof, undefined);
});

test('one lost, duplicated or reordered message fails the upgrade at once, at any step', () => {
  for (const fault of ['lost', 'duplicated', 'reordered', 'other'] as const) {
    const { record: after } = judge({
      observation: observed(prober({ [fault]: 1, findings: [{ at: 1, fault, text: 'x.7' }] })),
    });
    assert.equal(after.failure?.reason, 'MessagesHarmed', fault);
    assert.match(after.failure?.message ?? '', /x\.7/);
  }
  // What was there before the upgrade is not its fault.
  const before = prober({ lost: 3 });
  const old = judge({ record: { ...record, baseline: lookAt(before) }, observation: observed(before) });
  assert.equal(old.record.failure, undefined);
});

test('pods that crash, and steps and gates that take too long, fail it; old gateways may take their time', () => {
  const running = { ...record, steps: [{ name: 'rpc', startedAt: T0 }, { name: 'api' }] };
  const crash = [step('rpc', 'running', { podFault: 'chat-rpc-1 CrashLoopBackOff' }), step('api', 'pending')];
  const at = (seconds: number, steps: readonly ObservedStep[], of: UpgradeRecord = running) =>
    judge({ record: of, steps, now: T0 + seconds * 1_000 }).record.failure;
  assert.equal(at(19, crash), undefined);
  assert.equal(at(21, crash)?.reason, 'PodsFailing');
  const slow = [step('rpc', 'running'), step('api', 'pending')];
  assert.equal(at(99, slow), undefined);
  assert.equal(at(101, slow)?.reason, 'StepDeadlineExceeded');
  const settled = { ...record, steps: [{ name: 'rpc', startedAt: T0, settledAt: T0 }, { name: 'api' }] };
  const waiting = [step('rpc', 'settled'), step('api', 'pending')];
  assert.equal(at(129, waiting, settled), undefined);
  assert.equal(at(131, waiting, settled)?.reason, 'ProberCleanTimeout');
  const drains = { ...record, steps: [{ name: 'gateway', startedAt: T0 }] };
  assert.equal(at(5_000, [step('gateway', 'running')], drains), undefined);
});

test('paused, the step in progress ends and no other begins; a person may end it', () => {
  const begun = { ...record, steps: [{ name: 'rpc', startedAt: T0, passedAt: T0 }, { name: 'api' }] };
  const steps = [step('rpc', 'settled'), step('api', 'pending')];
  const paused = judge({ record: begun, steps, paused: true });
  assert.deepEqual([...paused.mayRun], ['rpc']);
  assert.match(paused.message, /paused before api/);
  assert.equal(
    judge({ record: begun, steps, rollbackAsked: true }).record.failure?.reason,
    'RollbackRequested',
  );
});

test('a prober whose counts begin again is compared with nothing', () => {
  const { record: after } = judge({ observation: observed(prober({ since: 9, acknowledged: 7 })) });
  assert.equal(after.proof?.acknowledged, 7);
});

test('a prober that did not answer at the start is compared with its first answer, however much it found before', () => {
  const unheard = { ...record, baseline: undefined };
  const silent = judge({ record: unheard, observation: observed(undefined) });
  assert.equal(silent.record.baseline, undefined);
  const heard = judge({ record: silent.record, observation: observed(prober({ lost: 3 })) });
  assert.equal(heard.record.failure, undefined, 'found before');
  const later = prober({ lost: 4, acknowledged: 150, judgedUntil: T0 + 9_000 });
  const { record: after } = judge({ record: heard.record, observation: observed(later) });
  assert.equal(after.failure?.reason, 'MessagesHarmed');
  assert.deepEqual([after.proof?.from, after.proof?.until], [T0, T0 + 9_000]);
  assert.deepEqual([after.proof?.lost, after.proof?.acknowledged], [1, 50]);
  // All that a prober counts that began after the upgrade belongs to it.
  const young = judge({ record: unheard, observation: observed(prober({ since: T0 + 1, lost: 1 })) });
  assert.equal(young.record.failure?.reason, 'MessagesHarmed');
});

test('a prober that has yet to read the counts of the one before it takes no proof away', () => {
  const known = judge({ observation: observed(prober({ acknowledged: 180 })) }).record;
  assert.equal(known.proof?.acknowledged, 80);
  const unread = observed(prober({ since: 0, judgedUntil: 0, sent: 0, acknowledged: 0, received: 0 }));
  const judged = judge({ record: known, observation: unread });
  assert.deepEqual(judged.record.proof, known.proof);
  const { baseline: _, ...withoutBaseline } = record;
  assert.equal(judge({ record: withoutBaseline, observation: unread }).record.baseline, undefined);
});
