import type { TenantId } from '@im/kit';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { MSG_ROWS, type Revocation } from './msg-row.ts';
import { rowsBySeq, seqKey } from './rows-by-seq.ts';
import { MAX_STEP, type SeqSpan, seqSteps } from './seq-walk.ts';

/** Repository of what the msg domain changes in stored messages. Every change may be repeated without harm. */
export type MsgRowChanges = ReturnType<typeof msgRowChanges>;

/** Makes the repository. */
export function msgRowChanges(store: Store) {
  const rows = (tenant: TenantId) => store.collection(tenant, MSG_ROWS);
  const ids = (tenant: TenantId, conversationID: string, seqs: readonly number[]) => ({
    $in: rowsBySeq(rows(tenant), conversationID).ids(seqs),
  });

  async function markRead(
    tenant: TenantId,
    conversationID: string,
    seqs: readonly number[],
    reader: string,
  ): Promise<void> {
    await rows(tenant).col.updateMany(
      { _id: ids(tenant, conversationID, seqs), s: { $ne: reader }, rd: { $ne: true } },
      { $set: { rd: true } },
    );
  }

  return guarded({
    /** Marks these messages as read, except those that the reader sent. */
    async markSeqsRead(
      tenant: TenantId,
      conversationID: string,
      seqs: readonly number[],
      reader: string,
    ): Promise<void> {
      if (seqs.length > 0) await markRead(tenant, conversationID, seqs, reader);
    },

    /** Marks all messages of a span as read, except those that the reader sent. */
    async markSpanRead(
      tenant: TenantId,
      conversationID: string,
      span: SeqSpan,
      reader: string,
    ): Promise<void> {
      for (const seqs of seqSteps(span, { size: MAX_STEP, descending: false })) {
        await markRead(tenant, conversationID, seqs, reader);
      }
    },

    /** @returns false when the message was revoked before, is blank or does not exist. */
    async revoke(tenant: TenantId, conversationID: string, seq: number, by: Revocation): Promise<boolean> {
      const { col, key } = rows(tenant);
      const done = await col.updateOne(
        { _id: key(conversationID, seqKey(seq)), rv: { $exists: false }, x: { $ne: true } },
        { $set: { rv: by } },
      );
      return done.modifiedCount === 1;
    },

    /** Hides messages from one user. */
    async deleteFor(
      tenant: TenantId,
      conversationID: string,
      seqs: readonly number[],
      userID: string,
    ): Promise<void> {
      if (seqs.length === 0) return;
      await rows(tenant).col.updateMany(
        { _id: ids(tenant, conversationID, seqs) },
        { $addToSet: { del: userID } },
      );
    },

    /** Takes the content of messages away for everyone; their seqs stay. */
    async blank(tenant: TenantId, conversationID: string, seqs: readonly number[]): Promise<void> {
      if (seqs.length === 0) return;
      await rows(tenant).col.updateMany(
        { _id: ids(tenant, conversationID, seqs) },
        { $set: { x: true }, $unset: { d: true } },
      );
    },

    /**
     * Removes all rows up to and including `last` for good. Only below the conversation's lowest readable
     * seq, so that no reader is served a gap. @returns how many.
     */
    async removeUpTo(tenant: TenantId, conversationID: string, last: number): Promise<number> {
      return rowsBySeq(rows(tenant), conversationID).removeUpTo(last);
    },
  });
}
