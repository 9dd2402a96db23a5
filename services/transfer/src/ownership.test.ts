import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaneCursor, PartitionCursor } from '@im/store';
import {
  fairShare,
  forgottenLanes,
  freePartitions,
  LaneWatch,
  slowest,
  withLaneProgress,
} from './ownership.ts';

const lane = (id: string, beat: number, aliveAt: number, applied = 0): [string, LaneCursor] => [
  id,
  { lane: id, owner: id, beat, aliveAt, applied, appliedTime: applied, sessions: [] },
];
const partition = (n: number, of: string, applied = 0): PartitionCursor => ({
  partition: n,
  lane: of,
  fence: 1,
  applied,
  appliedTime: applied,
});

test('a lane is dead after a lease of silence by our own clock, whatever its clock says', () => {
  const watch = new LaneWatch(3_000);
  const ahead = 10 ** 9;
  assert.deepEqual([...watch.dead(new Map([lane('a', 1, ahead)]), 0, 0)], []);
  assert.deepEqual([...watch.dead(new Map([lane('a', 1, ahead)]), 2_999, 2_999)], []);
  assert.deepEqual([...watch.dead(new Map([lane('a', 2, ahead)]), 3_500, 3_500)], []);
  assert.deepEqual([...watch.dead(new Map([lane('a', 2, ahead)]), 6_500, 6_500)], ['a']);
});

test('a lane that was silent long before we came is dead at once', () => {
  assert.deepEqual([...new LaneWatch(3_000).dead(new Map([lane('a', 1, 0)]), 0, 6_000)], ['a']);
});

test('free are those never taken, given back, or of a dead or unknown lane', () => {
  const cursors = {
    partitions: [partition(0, ''), partition(1, 'a'), partition(2, 'b'), partition(3, 'gone')],
    lanes: new Map([lane('a', 1, 0), lane('b', 1, 0)]),
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

test('progress is the further one of partition and lane, and the slowest partition decides', () => {
  const lanes = new Map([lane('a', 1, 0, 50)]);
  assert.equal(withLaneProgress(partition(0, 'a', 20), lanes).applied, 50);
  assert.equal(withLaneProgress(partition(0, 'a', 70), lanes).applied, 70);
  assert.equal(
    slowest({ partitions: [partition(0, 'a', 70), partition(1, '', 40)], lanes, epoch: 0 })?.applied,
    40,
  );
  assert.equal(
    slowest({ partitions: [partition(0, 'a', 70), partition(1, '', 0)], lanes, epoch: 0 }),
    undefined,
  );
});

test('lanes that own nothing are forgotten when they were silent for long', () => {
  const cursors = {
    partitions: [partition(0, 'owning')],
    lanes: new Map([lane('owning', 1, 0), lane('idle', 1, 0), lane('young', 1, 900)]),
    epoch: 0,
  };
  assert.deepEqual(forgottenLanes(cursors, 500), ['idle']);
});
