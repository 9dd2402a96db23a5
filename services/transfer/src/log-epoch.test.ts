import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogEntry } from '@im/bus';
import { DEFAULT_TENANT } from '@im/contract';
import type { PartitionCursor } from '@im/store';
import { markOf, positionsSetBack, toPosition } from './log-epoch.ts';

/** A log with one entry every 10 ms from 1,000 on, at positions 1 to `last`. */
const logUntil = (last: number) => ({
  entryAt: async (position: number): Promise<LogEntry | undefined> => {
    if (position > last) return undefined;
    const timeMs = 990 + position * 10;
    return { tenant: DEFAULT_TENANT, partition: 0, position, timeMs, record: new Uint8Array(0) };
  },
  firstSince: async (timeMs: number): Promise<LogEntry | undefined> => {
    const position = Math.max(1, Math.ceil((timeMs - 1_000) / 10) + 1);
    if (position > last) return undefined;
    return { tenant: DEFAULT_TENANT, partition: 0, position, timeMs, record: new Uint8Array(0) };
  },
});
const info = (createdMs: number, lastPosition: number) => ({
  createdMs,
  lastPosition,
  firstPosition: 1,
  bytes: 0,
  maxBytes: 0,
});
const at = (partition: number, applied: number, appliedTime: number): PartitionCursor => ({
  partition,
  applied,
  appliedTime,
  consumer: '',
  fence: 1,
});

test('records from before a log was set back and later ones are distinguished by time', async () => {
  // Folded up to 1,495 under epoch 0; the log was set back to 30 entries and has 80 now.
  const found = await positionsSetBack(logUntil(80), info(900, 80), 1, [
    at(0, 50, 1_495),
    at(1, 0, 0),
    at(2, toPosition(1, 7), 1_060),
    at(3, 80, 5_000),
  ]);
  assert.deepEqual(
    [...found],
    [
      [0, toPosition(1, 50)],
      [3, toPosition(1, 80)],
    ],
  );
});

test('a recreated log holds nothing old', async () => {
  assert.equal((await positionsSetBack(logUntil(80), info(2_000, 80), 1, [at(0, 50, 1_495)])).size, 0);
});

test('a log that still holds the record that was folded last was folded up to there, whatever the times', async () => {
  const record = new Uint8Array(0);
  const progressUntil = (timeMs: number) => ({ ...at(0, 50, 1_600), mark: markOf(50, { timeMs, record }) });
  const [held, lost] = await Promise.all(
    [progressUntil(1_490), progressUntil(1_491)].map((stand) =>
      positionsSetBack(logUntil(80), info(900, 80), 1, [stand]),
    ),
  );
  assert.deepEqual([...(held ?? [])], [[0, toPosition(1, 50)]]);
  assert.deepEqual([...(lost ?? [])], [[0, toPosition(1, 61)]]);
});
