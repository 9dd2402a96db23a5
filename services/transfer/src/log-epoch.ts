import type { LogInfo, MessageLog } from '@im/bus';
import type { Logger } from '@im/kit';
import type { CursorRepo, Cursors, PartitionCursor } from '@im/store';
import { withLaneProgress } from './ownership.ts';
import { epochOf, toPosition, toStreamPosition } from './positions.ts';

/** The log's incarnation: a new one when the stream was made anew, or ends before a position that was read. */
export async function epochOfLog(
  repo: CursorRepo,
  { createdMs, lastPosition }: LogInfo,
  cursors: Cursors,
  log: Logger,
): Promise<number> {
  const epoch = await repo.epoch(createdMs, true);
  const applied = cursors.partitions.map((partition) => withLaneProgress(partition, cursors.lanes).applied);
  const furthest = Math.max(0, ...applied);
  if (toStreamPosition(epoch, furthest) <= lastPosition) return epoch;
  log.error(
    { lastPosition, furthest },
    'the log ends before what was folded; its positions begin a new epoch',
  );
  return repo.epoch(createdMs, false);
}

/**
 * A log that was set back holds records that were folded under positions of an earlier epoch: those
 * not younger than the last one folded.
 * @returns their last position, in the epoch of now, for partitions that come from an earlier one.
 */
export async function positionsSetBack(
  log: Pick<MessageLog, 'firstSince'>,
  { createdMs, lastPosition }: LogInfo,
  epoch: number,
  standing: readonly PartitionCursor[],
): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  for (const { partition, applied, appliedTime } of standing) {
    // A stream that was made since then holds nothing of old.
    if (applied === 0 || epochOf(applied) === epoch || appliedTime < createdMs) continue;
    const next = await log.firstSince(appliedTime + 1);
    found.set(partition, toPosition(epoch, (next?.position ?? lastPosition + 1) - 1));
  }
  return found;
}
