import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import { encode, make } from '@im/protocol';
import type { CountedRow } from '@im/store';
import type { ReadRecord } from './batch.ts';
import type { Conversations } from './conversations.ts';
import { Counted } from './counted.ts';
import type { Conversation } from './fold.ts';
import { foldBatch, ROWS_EXPECTED_MS } from './fold-batch.ts';
import type { TransferMetrics } from './metrics.ts';
import { ContradictionError } from './row-writer.ts';

const T = 1_800_000_000_000;
const msgData = encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: 'x', seq: 0 }));
const keyOf = (position: number) => new Uint8Array(16).fill(position);
const metrics = { records: { inc() {} } } as unknown as TransferMetrics;
const noDuplicates = { seen: () => false };

function read(position: number, timeMs = T): ReadRecord {
  const record = make('log.Record', {
    tenant: DEFAULT_TENANT,
    dedupKey: keyOf(position),
    sendID: 'a',
    recvID: 'b',
    sessionType: 1,
    entries: [make('log.Entry', { conversationID: 'si_a_b', stored: true, userIDs: ['b'], msgData })],
  });
  const place = { tenant: DEFAULT_TENANT, partition: 1, position, timeMs };
  const entry = { ...place, record: new Uint8Array() };
  return { ...place, fence: 1, generation: 1, delivered: false, entry, record };
}

/** A conversation that has counted positions 1 to 3, and whose rows are the ones of these positions. */
function counted(positions: readonly number[]): Conversations {
  const rows: CountedRow[] = positions.map((position) => ({
    position,
    seq: position,
    timeMs: T,
    dedupKey: keyOf(position),
  }));
  const isWhole = positions.length === 3;
  const conversation: Conversation = {
    max: 3,
    src: 3,
    maxTime: T,
    counted: new Counted('si_a_b', 3, 0, { rows, isWhole }),
  };
  return { get: () => conversation } as unknown as Conversations;
}

test('what was counted before and has its row is delivered again, and what follows gets the next seq', () => {
  const batch = foldBatch([read(2), read(3), read(4)], counted([1, 2, 3]), noDuplicates, metrics, T + 1_000);
  assert.equal(batch.deliveries().length, 3);
  assert.deepEqual(
    batch.rows.map(({ row }) => row.seq),
    [4],
  );
});

test('a young record that was counted and has no row is not passed over', () => {
  const fold = () => foldBatch([read(2), read(3)], counted([1, 2]), noDuplicates, metrics, T + 1_000);
  assert.throws(fold, (error: unknown) => {
    assert.ok(error instanceof ContradictionError);
    assert.deepEqual(error.unit, { tenant: DEFAULT_TENANT, conversation: 'a_b' });
    return true;
  });
});

test('a row that has been gone for long is gone: the record delivers nothing, and uses no seq', () => {
  const now = T + ROWS_EXPECTED_MS + 1;
  const batch = foldBatch([read(2), read(3), read(4, now)], counted([1, 2]), noDuplicates, metrics, now);
  assert.equal(batch.deliveries().length, 2);
  assert.deepEqual(
    batch.rows.map(({ row }) => row.seq),
    [4],
  );
});
