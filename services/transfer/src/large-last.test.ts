import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT, type TenantId } from '@im/contract';
import { type log, make } from '@im/protocol';
import type { ReadRecord } from './batch.ts';
import { withLargeLast } from './large-last.ts';

const KB = 1_024;
let position = 0;

function read(bytes: number, conversations: readonly string[], more: Partial<log.Record> = {}): ReadRecord {
  const tenant = (more.tenant ?? DEFAULT_TENANT) as TenantId;
  const entries = conversations.map((conversationID) => make('log.Entry', { conversationID, stored: true }));
  const record = make('log.Record', { tenant, entries, ...more });
  const place = { tenant, partition: 1, position: ++position, timeMs: 0 };
  const entry = { ...place, record: new Uint8Array(bytes) };
  return { ...place, fence: 1, generation: 1, delivered: false, entry, record };
}

/** The parts by the places of their records in the batch. */
const partsOf = (records: readonly ReadRecord[]) =>
  withLargeLast(records).map((part) => part.map((record) => records.indexOf(record)));

test('conversations with large records come last, each in the order of the log', () => {
  const records = [
    read(200 * KB, ['a']),
    read(100, ['b']),
    read(100, ['a']),
    read(100, ['c']),
    read(100, ['b']),
  ];
  assert.deepEqual(partsOf(records), [
    [1, 3, 4],
    [0, 2],
  ]);
});

test('a small record in front of a large one of its conversation stays there', () => {
  const records = [read(100, ['a']), read(100, ['b']), read(200 * KB, ['a'])];
  assert.deepEqual(partsOf(records), [[1], [0, 2]]);
});

test('records that join conversations keep all of them in one part', () => {
  const records = [read(100, ['c', 'd']), read(100, ['b', 'c']), read(200 * KB, ['b']), read(100, ['e'])];
  assert.deepEqual(partsOf(records), [[3], [0, 1, 2]]);
});

test('conversations of the same name of two tenants are two', () => {
  const records = [read(200 * KB, ['a']), read(100, ['a'], { tenant: 't2' })];
  assert.deepEqual(partsOf(records), [[1], [0]]);
});

test('a batch stays whole when there is nothing to gain, or when order matters beyond a conversation', () => {
  const flood = read(200 * KB, ['a']);
  for (const records of [
    [read(100, ['b'])],
    [flood],
    [flood, read(100, ['a'])],
    [read(20 * KB, ['a']), read(100, ['b'])],
    [flood, read(100, ['b']), read(100, ['sg_g'], { groupID: 'g', addedUserIDs: ['u'] })],
    [
      flood,
      read(100, ['b']),
      read(100, [], { control: make('log.Control', { conversationID: 'b', minSeq: 3 }) }),
    ],
    [flood, read(100, ['b']), read(100, [], { deletedRecords: ['sg_h'] })],
  ]) {
    assert.deepEqual(partsOf(records), [records.map((_, i) => i)]);
  }
});
