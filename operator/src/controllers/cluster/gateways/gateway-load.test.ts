import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import type { Pod, Stored } from '@im/kube';
import { REVISION_LABEL } from '../../../resources/names.ts';
import type { Report } from '../observation/observation.ts';
import { gatewayLoads, isRollingOut } from './gateway-load.ts';

function pod(name: string, change: { ready?: boolean; revision?: string; deleted?: boolean } = {}) {
  const { ready = true, revision = 'r', deleted = false } = change;
  return {
    metadata: {
      name,
      labels: { [REVISION_LABEL]: revision, 'topology.kubernetes.io/zone': 'zone-a' },
      ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    status: { podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as unknown as Stored<Pod>;
}
const report = (at: number, eventLoopDelayMs: number, gateway: object = {}): Report => ({
  at,
  status: { eventLoopDelayMs, gateway: { connections: 5, draining: false, ...gateway } } as ProcessStatus,
});

test('one slow look does not count, half a minute of them does', () => {
  const delays = (values: readonly number[]) => {
    const looks = values.map((delay, i) => report(i * 1_500, delay));
    const observation = { reports: new Map(), looks: new Map([['g', looks]]) };
    return gatewayLoads([pod('g')], observation, 'r')[0]?.eventLoopDelayMs;
  };
  const calm = Array.from({ length: 39 }, () => 5);
  assert.equal(delays([...calm, 900]), 5);
  assert.equal(delays([...calm, ...Array.from({ length: 20 }, () => 900)]), 900);
  assert.equal(delays([]), 0);
});

test('a gateway receives when it is ready and does not drain', () => {
  const reports = new Map([
    ['drains', report(0, 0, { draining: true })],
    ['old', report(0, 0, { shedRemaining: 3 })],
  ]);
  const pods = [
    pod('new'),
    pod('starts', { ready: false }),
    pod('drains'),
    pod('ends', { deleted: true }),
    pod('old', { revision: 'q' }),
  ];
  const loads = gatewayLoads(pods, { reports, looks: new Map() }, 'r');
  assert.deepEqual(
    loads.map(({ receives, draining, selected, connections, shedRemaining }) => [
      receives,
      draining,
      selected,
      connections,
      shedRemaining,
    ]),
    [
      [true, false, true, 0, 0],
      [false, false, true, 0, 0],
      [false, true, true, 5, 0],
      [false, true, true, 0, 0],
      [true, false, false, 5, 3],
    ],
  );
  assert.equal(loads[0]?.zone, 'zone-a');
  assert.equal(isRollingOut(loads), true);
  assert.equal(isRollingOut(loads.slice(0, 4)), false);
});
