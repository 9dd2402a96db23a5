import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsumerCursor, PartitionCursor } from '@im/store';
import { ConsumerWatch, fairShare, freePartitions, slowest, withConsumerProgress } from './ownership.ts';

const consumer = (id: string, renewals: number, aliveAt: number, applied = 0): [string, ConsumerCursor] => [
  id,
  { consumer: id, owner: id, renewals, aliveAt, applied, appliedTime: applied, sessions: [] },
];
const partition = (n: number, of: string, applied = 0): PartitionCursor => ({
  partition: n,
  consumer: of,
  fence: 1,
  applied,
  appliedTime: applied,
});

test('a consumer is dead after a lease of silence by our clock, whatever its clock shows', () => {
  const watch = new ConsumerWatch(3_000);
  for (const aliveAt of [0, 10 ** 15]) {
    const id = `a${aliveAt}`;
    assert.deepEqual([...watch.dead(new Map([consumer(id, 1, aliveAt)]), 0)], []);
    assert.deepEqual([...watch.dead(new Map([consumer(id, 1, aliveAt)]), 2_999)], []);
    assert.deepEqual([...watch.dead(new Map([consumer(id, 2, aliveAt)]), 3_500)], []);
    assert.deepEqual([...watch.dead(new Map([consumer(id, 2, aliveAt)]), 6_499)], []);
    assert.deepEqual([...watch.dead(new Map([consumer(id, 2, aliveAt)]), 6_500)], [id]);
  }
});

test('free are those never taken, given back, or of a dead or unknown consumer', () => {
  const cursors = {
    partitions: [partition(0, ''), partition(1, 'a'), partition(2, 'b'), partition(3, 'gone')],
    consumers: new Map([consumer('a', 1, 0), consumer('b', 1, 0)]),
    epoch: 0,
  };
  assert.deepEqual(
    freePartitions(cursors, new Set(['b'])).map((p) => p.partition),
    [0, 2, 3],
  );
});

test('shares are fair and cover everything', () => {
  for (const live of [1, 2, 3, 5, 64, 100]) assert.ok(fairShare(64, live) * live >= 64);
  assert.equal(fairShare(64, 0), 64);
});

test('progress is the further one of partition and consumer, and the slowest partition decides', () => {
  const consumers = new Map([consumer('a', 1, 0, 50)]);
  assert.equal(withConsumerProgress(partition(0, 'a', 20), consumers).applied, 50);
  assert.equal(withConsumerProgress(partition(0, 'a', 70), consumers).applied, 70);
  assert.equal(
    slowest({ partitions: [partition(0, 'a', 70), partition(1, '', 40)], consumers, epoch: 0 })?.applied,
    40,
  );
  assert.equal(
    slowest({ partitions: [partition(0, 'a', 70), partition(1, '', 0)], consumers, epoch: 0 }),
    undefined,
  );
});

test('consumers that own nothing expire when they were silent for long, whatever their clocks show', () => {
  const watch = new ConsumerWatch(100);
  const at = (beat: number) => ({
    partitions: [partition(0, 'owning')],
    consumers: new Map([
      consumer('owning', 1, 0),
      consumer('idle', 1, 10 ** 15),
      consumer('beating', beat, 0),
    ]),
    epoch: 0,
  });
  watch.dead(at(1).consumers, 0);
  watch.dead(at(2).consumers, 1_000);
  assert.deepEqual(watch.expired(at(2), 1_999), []);
  assert.deepEqual(watch.expired(at(2), 2_000), ['idle']);
});
