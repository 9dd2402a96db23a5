import { Batch, type ReadRecord } from './batch.ts';
import type { Conversations, Wanted } from './conversations.ts';
import type { DedupWindow } from './dedup-window.ts';
import { changesMembership, membershipConversations } from './effects.ts';
import { type FoldedEntry, fold } from './fold.ts';
import type { TransferMetrics } from './metrics.ts';
import { bareConversation } from './parking.ts';
import { ContradictionError } from './row-writer.ts';

/**
 * A row that was counted less than this time ago, ms, is not gone by retention: the database shows the sequence of its
 * conversation without it, as a server may while a commit is under way, or has been left half done.
 */
export const ROWS_EXPECTED_MS = 120_000;

/** Of records without duplicates. */
export const NO_DUPLICATES: Pick<DedupWindow, 'seen'> = { seen: () => false };

/** Whether a record is no duplicate of an earlier one; to be asked once of each, in the order of the log. */
export function isNew(
  { record, timeMs }: ReadRecord,
  dedup: Pick<DedupWindow, 'seen'>,
  metrics: TransferMetrics,
): boolean {
  if (!dedup.seen(record.dedupKey, timeMs)) return true;
  metrics.records.inc({ outcome: 'duplicate' });
  return false;
}

/** The conversations whose seqs these records need, each at the place of the record. */
export function* wantedConversations(records: readonly ReadRecord[]): Iterable<Wanted> {
  for (const { record, tenant, position, timeMs } of records) {
    const stored = record.entries.filter((entry) => entry.stored).map((entry) => entry.conversationID);
    const membership = changesMembership(record) ? membershipConversations(record.groupID) : [];
    for (const conversationID of [...stored, ...membership, ...record.deletedRecords])
      yield { tenant, conversationID, position, timeMs };
  }
}

/**
 * Folds records in the order of the log, and collects what they change. Their conversations must be loaded.
 * @throws ContradictionError when a young record was counted and has no row: to go on would lose it.
 */
export function foldBatch(
  records: readonly ReadRecord[],
  conversations: Conversations,
  dedup: Pick<DedupWindow, 'seen'>,
  metrics: TransferMetrics,
  nowMs: number = Date.now(),
): Batch {
  const batch = new Batch();
  for (const read of records) {
    const { tenant, record } = read;
    const conversationOf = (id: string) => conversations.get(tenant, id);
    const folded = fold(read, dedup, conversationOf);
    if (folded === undefined) {
      metrics.records.inc({ outcome: 'duplicate' });
      continue;
    }
    requireRows(read, folded, nowMs);
    metrics.records.inc({ outcome: 'folded' });
    if (record.control)
      batch.effects.raiseBound(tenant, record.control.conversationID, record.control.minSeq);
    if (record.deletedRecords.length > 0)
      batch.effects.deletion(tenant, record.deletedRecords, read, conversationOf);
    for (const entry of folded) {
      batch.add(read, entry);
      const conversation = entry.entry.stored ? conversationOf(entry.entry.conversationID) : undefined;
      batch.effects.entry(tenant, read, entry, conversation);
    }
    if (changesMembership(record)) batch.effects.membership(tenant, read, conversationOf);
  }
  return batch;
}

function requireRows(
  { tenant, position, timeMs }: ReadRecord,
  folded: readonly FoldedEntry[],
  nowMs: number,
): void {
  if (nowMs - timeMs > ROWS_EXPECTED_MS) return;
  for (const { entry, seq, fresh } of folded) {
    if (!entry.stored || fresh || seq > 0) continue;
    const { conversationID } = entry;
    throw new ContradictionError(
      { tenant, conversation: bareConversation(conversationID) },
      `${conversationID} has counted position ${position}, but has no row of it`,
    );
  }
}
