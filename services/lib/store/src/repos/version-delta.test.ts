import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CHANGE,
  compareStamps,
  deltaOf,
  INFO_ENTRY,
  KEPT_ENTRIES,
  type LogEntry,
  MAX_DELTA,
  SORT_ENTRY,
  type VersionStamp,
} from './version-delta.ts';

const ID = '6b0478b0cd2d5c117b1647a3';
const now: VersionStamp = { versionID: ID, version: 9 };
const entry = (e: string, s: LogEntry['s'], v: number): LogEntry => ({ e, s, v });

describe('where a client stands', () => {
  const cases: readonly [string, VersionStamp, ReturnType<typeof compareStamps>][] = [
    ['no versionID', { versionID: '', version: 9 }, 'full'],
    ['version 0', { versionID: ID, version: 0 }, 'full'],
    ['a zero ObjectID', { versionID: '0'.repeat(24), version: 9 }, 'full'],
    ['23 digits', { versionID: ID.slice(1), version: 9 }, 'full'],
    ['not hexadecimal', { versionID: `${ID.slice(1)}g`, version: 9 }, 'full'],
    ['another log', { versionID: `${ID.slice(1)}0`, version: 9 }, 'full'],
    ['the same place', now, 'equal'],
    ['the same place in capitals', { versionID: ID.toUpperCase(), version: 9 }, 'equal'],
    ['behind', { versionID: ID, version: 8 }, 'behind'],
    ['ahead', { versionID: ID, version: 10 }, 'full'],
  ];
  for (const [name, known, expected] of cases) {
    test(name, () => assert.equal(compareStamps(now, known), expected));
  }
});

describe('what a client misses', () => {
  test('the entries after its version, by state, without the special ones', () => {
    const entries = [
      entry('old', CHANGE.Insert, 3),
      entry('gone', CHANGE.Delete, 5),
      entry(SORT_ENTRY, CHANGE.Update, 6),
      entry('new', CHANGE.Insert, 7),
      entry(INFO_ENTRY, CHANGE.Update, 8),
      entry('changed', CHANGE.Update, 9),
    ];
    assert.deepEqual(deltaOf(now, entries, { versionID: ID, version: 4 }), {
      stamp: now,
      full: false,
      insert: ['new'],
      update: ['changed'],
      delete: ['gone'],
      sortVersion: 6,
      infoChanged: true,
    });
  });

  test('nothing when it is up to date', () => {
    const delta = deltaOf(now, [entry('a', CHANGE.Insert, 9)], now);
    assert.equal(delta.full, false);
    assert.deepEqual([delta.insert, delta.update, delta.delete], [[], [], []]);
  });

  const many = (n: number) => Array.from({ length: n }, (_, i) => entry(`u${i}`, CHANGE.Insert, 9));
  test('200 entries are a delta', () => {
    assert.equal(deltaOf(now, many(MAX_DELTA), { versionID: ID, version: 8 }).insert.length, 200);
  });
  test('201 entries, special ones counted, need a full synchronization', () => {
    const entries = [...many(MAX_DELTA), entry(SORT_ENTRY, CHANGE.Update, 9)];
    const delta = deltaOf(now, entries, { versionID: ID, version: 8 });
    assert.equal(delta.full, true);
    assert.deepEqual(delta.insert, []);
  });
  test('a client that misses a dropped entry misses more than a delta holds', () => {
    const kept = Array.from({ length: KEPT_ENTRIES }, (_, i) => entry(`u${i}`, CHANGE.Insert, 10 + i));
    const current = { versionID: ID, version: 9 + KEPT_ENTRIES };
    assert.equal(deltaOf(current, kept, { versionID: ID, version: 9 }).full, true);
    assert.equal(deltaOf(current, kept, { versionID: ID, version: 10 }).full, false);
  });
});
