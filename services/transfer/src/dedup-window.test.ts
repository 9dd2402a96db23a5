import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { DedupWindow, GENERATION_MS, windowStart } from './dedup-window.ts';

const key = (n: number) => createHash('sha256').update(String(n)).digest().subarray(0, 16);
const T = 1_000 * GENERATION_MS;

test('a key is a duplicate in its generation and the next, and new after that', () => {
  const window = new DedupWindow();
  assert.equal(window.seen(key(1), T), false);
  assert.equal(window.seen(key(1), T + 1), true);
  const next = new DedupWindow();
  next.seen(key(1), T);
  assert.equal(next.seen(key(1), T + GENERATION_MS), true);
  const skipped = new DedupWindow();
  skipped.seen(key(1), T);
  assert.equal(skipped.seen(key(1), T + 2 * GENERATION_MS), false);
});

test('a worker that begins at the window start judges like one that saw everything', () => {
  const log = Array.from({ length: 5_000 }, (_, i) => ({
    key: key(Math.floor(Math.random() * 800)),
    time: T + i * 700,
  }));
  const all = new DedupWindow();
  const verdicts = log.map((r) => all.seen(r.key, r.time));
  for (const at of [1_000, 2_500, 4_999]) {
    const late = new DedupWindow();
    const from = windowStart(log[at]?.time ?? 0);
    const judged = log.map((r) => (r.time >= from ? late.seen(r.key, r.time) : undefined));
    assert.deepEqual(judged.slice(at), verdicts.slice(at));
  }
});

test('a hundred thousand keys are all found again, and none that was not added', () => {
  const window = new DedupWindow();
  for (let i = 0; i < 100_000; i++) assert.equal(window.seen(key(i), T), false);
  assert.equal(window.size, 100_000);
  for (let i = 0; i < 100_000; i += 7) assert.equal(window.seen(key(i), T), true);
});

test('a key of another length is refused', () => {
  assert.throws(() => new DedupWindow().seen(new Uint8Array(15), T), RangeError);
});
