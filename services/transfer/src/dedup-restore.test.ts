import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { DedupBlock, DedupBlockRepo } from '@im/store';
import { DedupRecorder } from './dedup-recorder.ts';
import { coveredUntil, restoreWindow } from './dedup-restore.ts';
import { DedupWindow, GENERATION_MS, windowStart } from './dedup-window.ts';

const key = (n: number) => createHash('sha256').update(String(n)).digest().subarray(0, 16);
const T = 1_000 * GENERATION_MS;
const stretch = (fromMs: number, toMs: number, ...partitions: number[]) => ({ fromMs, toMs, partitions });

test('stretches cover partitions as far as they follow on each other', () => {
  for (const [stretches, partitions, expected] of [
    [[], [1], 0],
    [[stretch(0, 10, 1)], [1], 10],
    [[stretch(5, 20, 1), stretch(0, 10, 1)], [1], 20],
    [[stretch(0, 10, 1), stretch(11, 20, 1)], [1], 10],
    [[stretch(1, 10, 1)], [1], 0],
    [[stretch(0, 10, 1), stretch(0, 5, 2), stretch(5, 30, 1, 2)], [1, 2], 30],
    [[stretch(0, 10, 1, 2), stretch(10, 20, 1)], [1, 2], 10],
    [[stretch(0, 10, 1, 2), stretch(10, 20, 1)], [1], 20],
  ] as const) {
    assert.equal(coveredUntil(stretches, partitions, 0), expected);
  }
});

/** A repository in memory. */
function memoryRepo(blocks: readonly DedupBlock[]): DedupBlockRepo {
  const since = (ms: number) => blocks.filter((block) => block.toMs > ms);
  return {
    add: async () => undefined,
    stretches: async (ms) => since(ms),
    async *blocks(ms) {
      yield* since(ms);
    },
    removeBefore: async () => undefined,
  };
}

test('a worker that takes over by blocks judges like one that saw the whole log', async () => {
  const log = Array.from({ length: 6_000 }, () => ({
    key: key(Math.floor(Math.random() * 900)),
    partition: Math.floor(Math.random() * 4),
    time: T + Math.floor(Math.random() * 3.5 * GENERATION_MS),
  })).sort((a, b) => a.time - b.time);
  // A key belongs to one partition, as it does in the log.
  const record = log.map((r) => ({ ...r, partition: (r.key[0] ?? 0) % 4 }));
  const all = new DedupWindow();
  const verdicts = record.map((r) => all.seen(r.key, r.time));

  // Two workers share the partitions and write blocks of uneven length.
  const blocks: DedupBlock[] = [];
  for (const mine of [
    [0, 1],
    [2, 3],
  ]) {
    const recorder = new DedupRecorder(mine, T);
    for (const [i, r] of record.entries()) {
      if (mine.includes(r.partition)) recorder.note(r.key, r.time);
      const block = i % (50 + 17 * mine.length) === 0 ? recorder.take() : undefined;
      if (block) blocks.push(block);
    }
  }
  for (const at of [1_500, 3_333, 5_900]) {
    const appliedTime = record[at]?.time ?? 0;
    const known = blocks.filter((block) => block.toMs <= appliedTime);
    for (const partitions of [[0, 1, 2, 3], [1, 2], [3]]) {
      const window = new DedupWindow();
      const from = await restoreWindow(window, memoryRepo(known), partitions, {
        fromMs: Math.max(T, windowStart(appliedTime)),
        limitMs: appliedTime - 5_000,
      });
      assert.ok(from > windowStart(appliedTime), 'not everything has to be read');
      for (const [i, r] of record.entries()) {
        if (r.time < from || !partitions.includes(r.partition)) continue;
        const verdict = window.seen(r.key, r.time);
        if (i >= at) assert.equal(verdict, verdicts[i], `record ${i} after a takeover at ${at}`);
      }
    }
  }
});

test('a block may begin long before its first key', () => {
  const recorder = new DedupRecorder([1], 0);
  recorder.note(key(1), T);
  recorder.note(key(2), T + 7);
  assert.deepEqual(
    { ...recorder.take(), keys: undefined },
    {
      fromMs: 0,
      toMs: T + 7,
      partitions: [1],
      baseMs: T,
      keys: undefined,
    },
  );
  recorder.note(key(3), T + 9);
  assert.equal(recorder.take()?.fromMs, T + 7);
  assert.equal(recorder.take(), undefined);
});

test('without blocks, or with a hole, everything is read', async () => {
  const window = new DedupWindow();
  const bounds = { fromMs: T, limitMs: T + 60_000 };
  assert.equal(await restoreWindow(window, memoryRepo([]), [1], bounds), T);
  const late = new DedupRecorder([1], T + 1);
  late.note(key(1), T + 5);
  const block = late.take();
  assert.ok(block);
  assert.equal(await restoreWindow(window, memoryRepo([block]), [1], bounds), T);
  assert.equal(window.size, 0);
});
