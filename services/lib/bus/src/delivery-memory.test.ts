import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make } from '@im/protocol';
import { DeliveryMemory } from './delivery-memory.ts';

const at = (conversationID: string, position: number, entry = 0, fence = 1, partition = 0) =>
  make('log.Delivery', { conversationID, position, entry, fence, partition });

test('each place of a conversation passes once, in order, per target', () => {
  const memory = new DeliveryMemory(100);
  const verdicts = [
    ['a', at('c', 5)],
    ['a', at('c', 5)],
    ['a', at('c', 5, 1)],
    ['a', at('c', 4)],
    ['a', at('c', 6)],
    ['b', at('c', 5)],
    ['a', at('d', 1)],
  ] as const;
  assert.deepEqual(
    verdicts.map(([target, delivery]) => memory.judge(target, delivery)),
    ['new', 'copy', 'new', 'copy', 'new', 'new', 'new'],
  );
});

test('a lower fence than seen is stale, per partition', () => {
  const memory = new DeliveryMemory(100);
  assert.equal(memory.judge('a', at('c', 1, 0, 3)), 'new');
  assert.equal(memory.judge('a', at('c', 2, 0, 2)), 'stale');
  assert.equal(memory.judge('a', at('d', 2, 0, 2, 9)), 'new');
  assert.equal(memory.judge('a', at('c', 2, 0, 4)), 'new');
});

test('positions of later epochs are exact', () => {
  const memory = new DeliveryMemory(100);
  const far = 7 * 2 ** 40;
  assert.equal(memory.judge('a', at('c', far + 1)), 'new');
  assert.equal(memory.judge('a', at('c', far + 1, 1)), 'new');
  assert.equal(memory.judge('a', at('c', far + 1, 1)), 'copy');
  assert.equal(memory.judge('a', at('c', far + 2)), 'new');
});

test('it is bounded and keeps what was touched last', () => {
  const memory = new DeliveryMemory(10);
  for (let i = 1; i <= 1_000; i++) {
    assert.equal(memory.judge('a', at(`c${i}`, i)), 'new');
    assert.equal(memory.judge('a', at('always', i)), 'new');
    assert.ok(memory.size <= 20);
  }
  assert.equal(memory.judge('a', at('always', 1_000)), 'copy');
  assert.equal(memory.judge('a', at('c1000', 1_000)), 'copy');
});
