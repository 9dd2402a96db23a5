import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUSY_MS, nextLookMs, STUCK_MS, Unchanged } from './pace.ts';

test('a rollout that stands still is looked at more and more rarely', () => {
  assert.equal(nextLookMs(0), BUSY_MS);
  assert.equal(nextLookMs(20_000), 5_000);
  assert.equal(nextLookMs(24 * 3_600_000), STUCK_MS);
});

test('a state is the same since it was first seen', () => {
  const unchanged = new Unchanged();
  assert.equal(unchanged.since('a', 'rpc: 1 of 2', 10), 10);
  assert.equal(unchanged.since('a', 'rpc: 1 of 2', 20), 10);
  assert.equal(unchanged.since('b', 'rpc: 1 of 2', 25), 25);
  assert.equal(unchanged.since('a', 'rpc: 2 of 2', 30), 30);
  unchanged.forget('b');
  assert.equal(unchanged.since('b', 'rpc: 1 of 2', 40), 40);
});
