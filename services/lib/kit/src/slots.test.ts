import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots } from './slots.ts';

test('a limited number runs at once, the others in their order, also after a failure', async () => {
  const slots = new Slots(2);
  const started: number[] = [];
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const results = ends.map(({ promise }, i) =>
    slots.use(async () => {
      started.push(i);
      await promise;
      return i;
    }),
  );
  assert.deepEqual([started, slots.waiting], [[0, 1], 2]);
  ends[1]?.reject(new Error('failed'));
  await assert.rejects(async () => results[1], /failed/);
  assert.deepEqual([started, slots.waiting], [[0, 1, 2], 1]);
  for (const { resolve } of ends) resolve();
  assert.deepEqual(await Promise.all([results[0], results[2], results[3]]), [0, 2, 3]);
  assert.equal(slots.waiting, 0);
});
