import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayLoad } from '../../../../test/status-fixture.ts';
import { effectiveRebalance } from '../../../resources/autoscaling.ts';
import type { GatewayLoad } from './gateway-load.ts';
import { planRebalance } from './rebalance.ts';

const on = effectiveRebalance({ mode: 'On' });
const load = (pod: string, connections: number, change: Partial<GatewayLoad> = {}) =>
  gatewayLoad(connections, { pod, host: `at ${pod}`, ...change });

test('only the excess above the tolerance of the mean is shed, at most a part per minute', () => {
  const orders = planRebalance(on, [load('a', 30_000), load('b', 30_000), load('c', 0)], true);
  assert.deepEqual(orders, [
    { pod: 'a', host: 'at a', count: 600, maxPerSecond: 10 },
    { pod: 'b', host: 'at b', count: 600, maxPerSecond: 10 },
  ]);
  const near = planRebalance({ ...on, maxPercentPerMinute: 100 }, [load('a', 1_300), load('b', 700)], true);
  assert.deepEqual(near, [{ pod: 'a', host: 'at a', count: 100, maxPerSecond: 2 }]);
});

test('within the tolerance, alone, or with a few connections, nothing moves', () => {
  assert.deepEqual(planRebalance(on, [load('a', 1_199), load('b', 801)], true), []);
  assert.deepEqual(planRebalance(on, [load('a', 5_000)], true), []);
  assert.deepEqual(planRebalance(on, [load('a', 12), load('b', 0)], true), []);
});

test('off unless asked for, and never while something else moves or does not answer', () => {
  const uneven = [load('a', 5_000), load('b', 0)];
  assert.equal(effectiveRebalance().mode, 'Off');
  assert.deepEqual(planRebalance(effectiveRebalance(), uneven, true), []);
  assert.deepEqual(planRebalance(on, uneven, false), []);
});

test('an order in progress is waited for, and cancelled when it must not go on', () => {
  const gateways = [load('a', 5_000, { shedRemaining: 20 }), load('b', 0)];
  assert.deepEqual(planRebalance(on, gateways, true), []);
  const cancelled = [{ pod: 'a', host: 'at a', count: 0, maxPerSecond: 1 }];
  assert.deepEqual(planRebalance(on, gateways, false), cancelled);
  assert.deepEqual(planRebalance(effectiveRebalance(), gateways, true), cancelled);
});

test('gateways that do not receive count for nothing', () => {
  const gateways = [
    load('a', 1_000),
    load('b', 1_000),
    load('starting', 0, { receives: false }),
    load('old', 9_000, { selected: false }),
  ];
  assert.deepEqual(planRebalance(on, gateways, true), []);
});

test('repeated orders bring gateways within the tolerance, and then end', () => {
  let counts = [3_000, 3_000, 0, 0];
  let minutes = 0;
  for (; minutes < 500; minutes++) {
    const orders = planRebalance(
      on,
      counts.map((connections, i) => load(String(i), connections)),
      true,
    );
    if (orders.length === 0) break;
    let moved = 0;
    for (const { pod, count } of orders) {
      counts[Number(pod)] = (counts[Number(pod)] ?? 0) - count;
      moved += count;
    }
    // Clients reconnect through the Service, which spreads them evenly.
    counts = counts.map((connections) => connections + moved / counts.length);
  }
  assert.ok(minutes > 10 && minutes < 200, `${minutes} minutes`);
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
  assert.ok(Math.max(...counts) <= mean * 1.2 + 10, counts.join(', '));
});
