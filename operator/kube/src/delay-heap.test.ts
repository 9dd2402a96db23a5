import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DelayHeap } from './delay-heap.ts';

function drain(heap: DelayHeap, now = Number.POSITIVE_INFINITY): string[] {
  const keys: string[] = [];
  for (let key = heap.takeDue(now); key !== undefined; key = heap.takeDue(now)) keys.push(key);
  return keys;
}

test('keys come when they are due, the earliest first', () => {
  const heap = new DelayHeap();
  heap.add('c', 30);
  heap.add('a', 10);
  heap.add('b', 20);
  assert.equal(heap.nextAt, 10);
  assert.deepEqual(drain(heap, 20), ['a', 'b']);
  assert.equal(heap.takeDue(29), undefined);
  assert.deepEqual(drain(heap), ['c']);
  assert.equal(heap.nextAt, undefined);
});

test('the earliest of several times for a key counts', () => {
  const heap = new DelayHeap();
  heap.add('a', 10);
  heap.add('a', 50);
  assert.equal(heap.nextAt, 10);
  heap.add('a', 5);
  assert.equal(heap.nextAt, 5);
  assert.equal(heap.size, 1);
});

test('any order of additions and removals leaves the order of times', () => {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 8;
  };
  const heap = new DelayHeap();
  const expected = new Map<string, number>();
  for (let i = 0; i < 5_000; i++) {
    const key = `k${random() % 300}`;
    if (random() % 4 === 0) {
      heap.remove(key);
      expected.delete(key);
    } else {
      const at = random() % 1_000;
      heap.add(key, at);
      expected.set(key, Math.min(at, expected.get(key) ?? at));
    }
  }
  assert.equal(heap.size, expected.size);
  assert.ok(heap.size > 100);
  const order = drain(heap).map((key) => expected.get(key));
  assert.deepEqual(
    order,
    [...expected.values()].sort((a, b) => a - b),
  );
});
