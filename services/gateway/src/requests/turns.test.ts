import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

/** Counts iterations of the event loop that end before a promise settles. */
async function iterations(work: Promise<unknown>): Promise<number> {
  let count = 0;
  let on = true;
  const tick = () => {
    count++;
    if (on) setImmediate(tick);
  };
  setImmediate(tick);
  await work;
  on = false;
  return count;
}

test('short work goes on at once, long work a part in each iteration of the event loop', async () => {
  const turns = new Turns(100);
  assert.equal(turns.take(60), undefined);
  assert.equal(turns.take(40), undefined);
  const parts: [number, number][] = [];
  const count = await iterations(
    turns.each(350, (from, to) => {
      parts.push([from, to]);
      return true;
    }),
  );
  assert.deepEqual(parts, [
    [0, 100],
    [100, 200],
    [200, 300],
    [300, 350],
  ]);
  assert.ok(count >= 3, `${count} iterations`);
});

test('callers take turns, and one that ends leaves its place to the others', async () => {
  const turns = new Turns(100);
  const order: string[] = [];
  const long = (name: string, until: number) =>
    turns.each(1_000, (from) => {
      order.push(`${name}${from / 100}`);
      return from < until;
    });
  await Promise.all([long('a', 200), long('b', 0), long('c', 100)]);
  assert.deepEqual(order, ['a0', 'b0', 'c0', 'a1', 'c1', 'a2']);
  assert.equal(turns.waiting, 0);
});

test('more than one iteration handles gets a turn, too', async () => {
  const turns = new Turns(10);
  assert.equal(turns.take(1), undefined);
  await turns.take(50);
  await turns.take(50);
  assert.equal(turns.waiting, 0);
});
