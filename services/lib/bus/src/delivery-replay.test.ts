import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayStart } from './delivery-replay.ts';

const seq = (first_seq: number, last_seq: number, created = 'a') => ({
  created,
  state: { first_seq, last_seq },
});

test('a replay starts behind the last delivery that is known to have arrived', () => {
  assert.deepEqual(replayStart(seq(1, 9), 4, 'a'), { start: 5 });
  assert.deepEqual(replayStart(seq(5, 9), 4, 'a'), { start: 5 });
  assert.deepEqual(replayStart(seq(10, 9), 9, 'a'), { start: 10 });
});

test('a replay of nothing starts behind everything', () => {
  assert.deepEqual(replayStart(seq(1, 9), Number.POSITIVE_INFINITY, ''), { start: 10 });
});

test('a replay knows when what was missed is gone', () => {
  assert.deepEqual(replayStart(seq(6, 9), 4, 'a'), { start: 5, gap: 'expired' });
  assert.deepEqual(replayStart(seq(1, 9, 'b'), 4, 'a'), { start: 1, gap: 'lost' });
  assert.deepEqual(replayStart(seq(1, 3), 4, 'a'), { start: 1, gap: 'lost' });
});
