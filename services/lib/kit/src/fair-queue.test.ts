import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from './fair-queue.ts';

const KIB = 1024;

function queueOf(
  ...items: readonly (readonly [key: string, name: string, bytes: number])[]
): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const [key, name, bytes] of items) queue.push(key, name, bytes);
  return queue;
}

test('each flow keeps its order, and small items come in the order of arrival', () => {
  const queue = queueOf(['a', 'a1', 10], ['b', 'b1', 10], ['a', 'a2', 10], ['c', 'c1', 10]);
  assert.deepEqual(queue.take(100, 1_000), ['a1', 'a2', 'b1', 'c1']);
  assert.equal(queue.length, 0);
  assert.equal(queue.bytes, 0);
  assert.deepEqual(queue.take(100, 1_000), []);
});

test('a small item overtakes any number of large ones of other flows', () => {
  const queue = new FairQueue<string>();
  for (let i = 0; i < 100; i++) queue.push(`large${i % 20}`, `l${i}`, 256 * KIB);
  queue.push('small', 's', 100);
  assert.deepEqual(queue.take(1_000, 512 * KIB), ['s'], 'and does not travel with them');
  assert.equal(queue.take(1_000, 512 * KIB).length, 2);
});

test('flows get the same number of bytes, whatever the size of their items', () => {
  const queue = new FairQueue<string>();
  for (let i = 0; i < 20; i++) queue.push('large', 'large', 64 * KIB);
  for (let i = 0; i < 2_000; i++) queue.push('small', 'small', KIB);
  const taken = { large: 0, small: 0 };
  for (let batches = 0; batches < 4; batches++) {
    for (const item of queue.take(1_000, 256 * KIB)) {
      if (item === 'large') taken.large += 64;
      else taken.small += 1;
    }
  }
  assert.ok(Math.abs(taken.large - taken.small) <= 128, JSON.stringify(taken));
});

test('an item larger than a batch comes alone; the number of items is bounded', () => {
  const queue = queueOf(['a', 'huge', 900 * KIB], ['b', 'b1', 300 * KIB]);
  assert.deepEqual(queue.take(10, 512 * KIB), ['b1']);
  assert.deepEqual(queue.take(10, 512 * KIB), ['huge']);
  const many = new FairQueue<number>();
  for (let i = 0; i < 25; i++) many.push('a', i, 1);
  const taken = [...many.take(10, KIB), ...many.take(10, KIB), ...many.take(10, KIB)];
  assert.deepEqual(
    taken,
    Array.from({ length: 25 }, (_, i) => i),
  );
});

test('nothing is lost or doubled, and no flow is reordered, in random traffic', () => {
  const queue = new FairQueue<{ flow: number; n: number }>();
  const pushed = new Map<number, number>();
  const next = new Map<number, number>();
  let left = 0;
  for (let step = 0; step < 5_000; step++) {
    const flow = (step * 7) % 13;
    const n = pushed.get(flow) ?? 0;
    queue.push(flow.toString(), { flow, n }, ((step * 7_919) % 200) * KIB);
    pushed.set(flow, n + 1);
    left++;
    if (step % 3 === 0) {
      for (const item of queue.take(5, 512 * KIB)) {
        assert.equal(item.n, next.get(item.flow) ?? 0);
        next.set(item.flow, item.n + 1);
        left--;
      }
    }
    assert.equal(queue.length, left);
  }
  while (queue.length > 0) {
    for (const item of queue.take(50, 512 * KIB)) {
      assert.equal(item.n, next.get(item.flow) ?? 0);
      next.set(item.flow, item.n + 1);
    }
  }
  assert.deepEqual(next, pushed);
  assert.equal(queue.bytes, 0);
});

test('items above a size stay with what is behind them in their flow; all others come', () => {
  const queue = queueOf(
    ['a', 'a1', 10],
    ['a', 'large', 900],
    ['a', 'a2', 10],
    ['b', 'b1', 10],
    ['c', 'huge', 70 * KIB],
  );
  assert.deepEqual(queue.take(100, 1_000, 100), ['a1', 'b1']);
  assert.deepEqual(queue.take(100, 1_000, 100), []);
  queue.push('d', 'd1', 100);
  assert.deepEqual(queue.take(100, 1_000, 100), ['d1'], 'the size itself still goes');
  assert.deepEqual(queue.take(100, 100 * KIB).sort(), ['a2', 'huge', 'large']);
  assert.equal(queue.length, 0);
  assert.equal(queue.bytes, 0);
});
