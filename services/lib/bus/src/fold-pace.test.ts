import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decodeFolded,
  encodeFolded,
  FoldPace,
  LARGE_RECORD_BYTES,
  REST_MS,
  UNFOLDED_BYTES,
  UNFOLDED_MS,
} from './fold-pace.ts';

const KIB = 1_024;

/** Four records of 32 KiB in partitions 0 to 3, at positions 1 to 4, appended at 0, 10, 20, 30 ms. */
function fullPace(): FoldPace {
  const pace = new FoldPace();
  for (let i = 0; i < 4; i++) pace.appended(i, i + 1, 32 * KIB, i * 10);
  return pace;
}

describe('the pace of large records', () => {
  test('there is room until a window is not folded; what is folded makes room', () => {
    const pace = new FoldPace();
    for (let i = 0; i < 3; i++) pace.appended(i, i + 1, 32 * KIB, 0);
    assert.equal(pace.hasRoom(0), true);
    pace.appended(3, 4, 32 * KIB, 0);
    assert.equal(pace.bytes, UNFOLDED_BYTES);
    assert.equal(pace.hasRoom(0), false);
    pace.folded(2, 2, 0);
    assert.equal(pace.hasRoom(0), false, 'partition 2 is folded to before its record');
    pace.folded(2, 3, 0);
    assert.equal(pace.hasRoom(0), true);
    assert.equal(pace.bytes, 96 * KIB);
  });

  test('after a full window they rest for as long as its last record took, and not after one with room', () => {
    const pace = fullPace();
    pace.folded(3, 4, 60);
    assert.equal(pace.bytes, 96 * KIB);
    assert.equal(pace.hasRoom(89), false);
    assert.equal(pace.roomIn(60), 30);
    assert.equal(pace.hasRoom(90), true);
    pace.folded(2, 3, 95);
    assert.equal(pace.hasRoom(95), true, 'it had room before');
    pace.appended(2, 5, 128 * KIB, 100);
    pace.folded(2, 5, 100 + 2 * REST_MS);
    assert.equal(pace.roomIn(100 + 2 * REST_MS), REST_MS, 'a slow round costs no more than this');
  });

  test('small records do not count', () => {
    const pace = new FoldPace();
    for (let i = 0; i < 1_000; i++) pace.appended(0, i + 1, LARGE_RECORD_BYTES - 1, 0);
    assert.equal(pace.bytes, 0);
  });

  test('without announcements a record counts for a while', () => {
    const pace = fullPace();
    assert.equal(pace.roomIn(30), UNFOLDED_MS - 30);
    assert.equal(pace.hasRoom(UNFOLDED_MS - 1), false);
    assert.equal(pace.hasRoom(UNFOLDED_MS), true);
    assert.equal(pace.bytes, 96 * KIB);
    assert.equal(pace.hasRoom(UNFOLDED_MS + 30), true);
    assert.equal(pace.bytes, 0);
  });

  test('an announcement that arrives before the acknowledgement counts', () => {
    const pace = new FoldPace();
    pace.folded(5, 100, 0);
    pace.appended(5, 100, 32 * KIB, 0);
    assert.equal(pace.bytes, 0);
    pace.appended(5, 101, 32 * KIB, 0);
    assert.equal(pace.bytes, 32 * KIB);
  });

  test('a recreated log counts from 1 again', () => {
    const pace = new FoldPace();
    pace.folded(5, 1_000_000, 0);
    pace.folded(5, 1, 0);
    pace.appended(5, 2, 32 * KIB, 0);
    assert.equal(pace.bytes, 32 * KIB);
  });

  test('announcements survive the wire; foreign bytes announce nothing', () => {
    const folded = new Map([
      [0, 1],
      [63, 2 ** 50],
    ]);
    assert.deepEqual(decodeFolded(encodeFolded(folded)), [...folded]);
    for (const text of ['', '{}', '[1]', '[[64,1]]', '[[-1,1]]', '[[0,"1"]]', '[[0,1.5]]', 'null']) {
      assert.deepEqual(decodeFolded(Buffer.from(text)), [], text);
    }
  });
});
