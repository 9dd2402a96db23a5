import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogEntry } from '@im/bus';
import { DEFAULT_TENANT } from '@im/contract';
import { createMetrics, silentLogger } from '@im/process';
import { decode, encode, MSG_STATUS, make } from '@im/protocol';
import type { DeadLetter, GroupCommitWriter, InsertOutcome, NewMsgRow } from '@im/store';
import { Batch, readRecord } from './batch.ts';
import { transferMetrics } from './metrics.ts';
import type { Repos } from './repos.ts';
import { ContradictionError, RowWriter } from './row-writer.ts';

const writer: GroupCommitWriter = {
  sessionId: new Uint8Array(16),
  write: async () => false,
  writeAllOrNone: async () => false,
  close: async () => undefined,
};

/** Repositories that answer `outcome` to rows with content, and remember what they were given. */
function fakes(outcome: InsertOutcome) {
  const rows: NewMsgRow[] = [];
  const letters: DeadLetter[] = [];
  const applied: unknown[] = [];
  const repos = {
    fold: { commit: async () => false },
    rows: {
      insert: async (list: readonly NewMsgRow[]) =>
        list.map((row) => {
          if (row.msgData !== undefined && outcome.kind !== 'stored') return outcome;
          rows.push(row);
          return { kind: 'stored' };
        }),
    },
    conversationSeqs: { apply: async (updates: readonly unknown[]) => applied.push(...updates) },
    deadLetters: { add: async (letter: DeadLetter) => letters.push(letter) },
  } as unknown as Repos;
  return { repos, rows, letters, applied };
}

function batchOfOne(): Batch {
  const record = make('log.Record', {
    dedupKey: Buffer.alloc(16, 1),
    tenant: DEFAULT_TENANT,
    sendID: 'a',
    recvID: 'b',
    entries: [
      make('log.Entry', {
        conversationID: 'si_a_b',
        stored: true,
        userIDs: ['b'],
        offlinePush: true,
        msgData: encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: 'x' })),
      }),
    ],
  });
  const entry: LogEntry = {
    tenant: DEFAULT_TENANT,
    partition: 3,
    position: 7,
    timeMs: 5,
    record: encode('log.Record', record),
  };
  const read = readRecord(entry, { position: 7, fence: 1, generation: 1, delivered: false });
  const batch = new Batch();
  const folded = { entry: read.record.entries[0] ?? make('log.Entry'), index: 0, seq: 4, fresh: true };
  batch.add(read, folded);
  batch.effects.entry(DEFAULT_TENANT, read, folded, {
    max: 4,
    src: 7,
    maxTime: 5,
    counted: undefined,
  });
  return batch;
}

const deps = (repos: Repos) => ({
  repos,
  log: silentLogger(),
  metrics: transferMetrics(createMetrics()),
});

test('what the database refuses for good keeps its seq, without content, and becomes a dead letter', async () => {
  const { repos, rows, letters, applied } = fakes({ kind: 'refused', reason: 'too large' });
  const batch = batchOfOne();
  await new RowWriter(deps(repos), writer).write(batch);
  assert.deepEqual(
    rows.map(({ seq, msgData }) => [seq, msgData]),
    [[4, undefined]],
  );
  assert.deepEqual(
    letters.map(({ position, entry, reason }) => [position, entry, reason]),
    [[7, 0, 'too large']],
  );
  assert.equal(applied.length, 1);
  const [delivery] = batch.deliveries().map(({ payload }) => decode('log.Delivery', payload));
  assert.equal(delivery?.seq, 4);
  assert.equal(delivery?.offlinePush, false);
  const message = decode('sdkws.MsgData', delivery?.msgData ?? new Uint8Array(0));
  assert.deepEqual([message.seq, message.status, message.clientMsgID], [4, MSG_STATUS.Deleted, '']);
});

test('another message in its place stops its conversation before anything is delivered', async () => {
  const { repos, applied } = fakes({
    kind: 'conflict',
    existingKey: new Uint8Array(16),
    existingPosition: 2,
  });
  await assert.rejects(
    new RowWriter(deps(repos), writer).write(batchOfOne()),
    (error) => error instanceof ContradictionError && error.unit.conversation === 'a_b',
  );
  assert.deepEqual(applied, []);
});
