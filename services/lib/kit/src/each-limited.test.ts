import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { eachLimited } from './each-limited.ts';

test('does all items, never more than the limit at once', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await eachLimited([1, 2, 3, 4, 5, 6, 7], 3, async (n) => {
    most = Math.max(most, ++running);
    await turn();
    running--;
    done.push(n);
  });
  assert.equal(most, 3);
  assert.deepEqual(done, [1, 2, 3, 4, 5, 6, 7]);
});

test('an error ends it and begins nothing new', async () => {
  const started: number[] = [];
  const work = eachLimited([1, 2, 3, 4], 1, async (n) => {
    started.push(n);
    await turn();
    if (n === 2) throw new Error('no');
  });
  await assert.rejects(work, /no/);
  assert.deepEqual(started, [1, 2]);
});

test('items are started at a pace, and all of them', async () => {
  const started: number[] = [];
  const begin = performance.now();
  await eachLimited(
    Array.from({ length: 60 }, (_, i) => i),
    8,
    async (n) => {
      started.push(n);
      await turn();
    },
    { perSecond: 200 },
  );
  assert.deepEqual(
    started,
    Array.from({ length: 60 }, (_, i) => i),
  );
  // A slow machine takes longer, and none is faster. Waits of less than 10 ms are left out: the last one may be.
  assert.ok(performance.now() - begin >= (59 * 1_000) / 200 - 15);
});

test('a call with fewer items than may be worked on at once waits for none after its last', async () => {
  const begin = performance.now();
  await eachLimited([1], 8, async () => {}, { perSecond: 0.001 });
  // The next one would be due after a quarter of an hour.
  assert.ok(performance.now() - begin < 500_000);
});
