import type { LogEntry, LogInfo, MessageLog } from '@im/bus';
import type { Logger } from '@im/process';
import { dedupKeyOf } from '@im/protocol';
import {
  type CursorRepo,
  type Cursors,
  epochOf,
  type PartitionCursor,
  type Progress,
  toPosition,
  toStreamPosition,
} from '@im/store';
import { withConsumerProgress } from './ownership.ts';

export { epochOf, toPosition, toStreamPosition } from '@im/store';

/** Names the record at a position: another one there has another time or another dedup key. */
export function markOf(position: number, { timeMs, record }: Pick<LogEntry, 'timeMs' | 'record'>): string {
  const key = dedupKeyOf(record) ?? record.subarray(0, 16);
  return `${position}:${timeMs}:${Buffer.from(key).toString('base64')}`;
}

/**
 * Whether the log still holds at `applied` what was folded there. A log that lost its tail and grew again beyond it has
 * another record there; the last sequence alone does not show it. True when nothing speaks against it: the progress is of
 * another epoch, was purged, or was written by a version that left no mark.
 */
export async function holdsMark(
  log: Pick<MessageLog, 'entryAt' | 'info'>,
  { firstPosition, lastPosition }: LogInfo,
  epoch: number,
  { applied, mark }: Progress,
): Promise<boolean> {
  const position = toStreamPosition(epoch, applied);
  if (position === 0 || epochOf(applied) !== epoch) return true;
  if (position > lastPosition) return false;
  if (mark === undefined || !mark.startsWith(`${applied}:`) || position < firstPosition) return true;
  const entry = await log.entryAt(position);
  if (entry) return markOf(applied, entry) === mark;
  // Gone: purged since, or never there.
  return position < (await log.info()).firstPosition;
}

/**
 * The log's incarnation: a new one when the stream was recreated, ends before a position that was read, or holds
 * another record where one was read.
 * @param changedIn the incarnation in which a consumer met another record than was counted, if one did.
 */
export async function epochOfLog(
  repo: CursorRepo,
  messages: Pick<MessageLog, 'entryAt' | 'info'>,
  info: LogInfo,
  cursors: Cursors,
  log: Logger,
  changedIn?: number,
): Promise<number> {
  const epoch = await repo.epoch(info.createdMs, changedIn);
  const stands = new Map<string, PartitionCursor>();
  for (const partition of cursors.partitions) {
    const stand = withConsumerProgress(partition, cursors.consumers);
    stands.set(`${stand.applied} ${stand.mark}`, stand);
  }
  for (const stand of stands.values()) {
    if (await holdsMark(messages, info, epoch, stand)) continue;
    log.error(
      { lastPosition: info.lastPosition, applied: stand.applied },
      'the log does not hold what was folded; its positions begin a new epoch',
    );
    return repo.epoch(info.createdMs, epoch);
  }
  return epoch;
}

/** The position in the stream at which a partition's mark stands, whatever the epoch; undefined when it does not. */
async function positionOfMark(
  log: Pick<MessageLog, 'entryAt'>,
  lastPosition: number,
  { applied, mark }: Progress,
): Promise<number | undefined> {
  const position = toStreamPosition(epochOf(applied), applied);
  if (position === 0 || position > lastPosition || !mark?.startsWith(`${applied}:`)) return undefined;
  const entry = await log.entryAt(position);
  return entry && markOf(applied, entry) === mark ? position : undefined;
}

/**
 * A log that was set back holds records that were folded under positions of an earlier epoch: all
 * up to the last one folded, when it still holds that, else those not younger than it.
 * @returns their last position, in the epoch of now, for partitions that come from an earlier one.
 */
export async function positionsSetBack(
  log: Pick<MessageLog, 'entryAt' | 'firstSince'>,
  { createdMs, lastPosition }: LogInfo,
  epoch: number,
  partitions: readonly PartitionCursor[],
): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  for (const stand of partitions) {
    const { partition, applied, appliedTime } = stand;
    // A stream that was made since then holds nothing of old.
    if (applied === 0 || epochOf(applied) === epoch || appliedTime < createdMs) continue;
    const marked = await positionOfMark(log, lastPosition, stand);
    if (marked !== undefined) {
      found.set(partition, toPosition(epoch, marked));
      continue;
    }
    const next = await log.firstSince(appliedTime + 1);
    found.set(partition, toPosition(epoch, (next?.position ?? lastPosition + 1) - 1));
  }
  return found;
}
