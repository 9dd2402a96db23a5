import { Batch, type ReadRecord } from './batch.ts';
import type { Conversations, Wanted } from './conversations.ts';
import type { DedupWindow } from './dedup-window.ts';
import { changesMembership, membershipConversations } from './effects.ts';
import { fold } from './fold.ts';
import type { TransferMetrics } from './metrics.ts';

/** The conversations whose seqs these records need, each at the place of the record. */
export function* wantedConversations(records: readonly ReadRecord[]): Iterable<Wanted> {
  for (const { record, tenant, position, timeMs } of records) {
    const stored = record.entries.filter((entry) => entry.stored).map((entry) => entry.conversationID);
    const membership = changesMembership(record) ? membershipConversations(record.groupID) : [];
    for (const conversationID of [...stored, ...membership, ...record.deletedRecords])
      yield { tenant, conversationID, position, timeMs };
  }
}

/** Folds records in the order of the log, and collects what they change. Their conversations must be loaded. */
export function foldBatch(
  records: readonly ReadRecord[],
  conversations: Conversations,
  dedup: Pick<DedupWindow, 'seen'>,
  metrics: TransferMetrics,
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
