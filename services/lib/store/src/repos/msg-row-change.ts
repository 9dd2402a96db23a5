import type { TenantId } from '@im/contract';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { MSG_ROWS } from './msg-row.ts';
import type { Revocation } from './msg-row-document.ts';
import { rowsBySeq, seqKey } from './rows-by-seq.ts';
import { MAX_STEP, type SeqSpan, seqSteps } from './seq-walk.ts';

/** Most messages that are marked as read at once. */
export const MAX_MARKED = 20_000;

/** Repository of what the msg domain changes in stored messages. Every change may be repeated without harm. */
export type MsgRowChanges = ReturnType<typeof msgRowChanges>;

/** Changes of stored messages: revocation, deletion, marks as read. */
export function msgRowChanges(store: Store) {
  const rows = (tenant: TenantId) => store.collection(tenant, MSG_ROWS);
  const ids = (tenant: TenantId, conversationID: string, seqs: readonly number[]) => ({
    $in: rowsBySeq(rows(tenant), conversationID).ids(seqs),
  });

  /** Marks the messages of all these steps in one bulk. */
  async function markRead(
    tenant: TenantId,
    conversationID: string,
    steps: readonly (readonly number[])[],
    reader: string,
  ): Promise<void> {
    await rows(tenant).col.bulkWrite(
      steps.map((seqs) => ({
        updateMany: {
          filter: { _id: ids(tenant, conversationID, seqs), s: { $ne: reader }, rd: { $ne: true } },
          update: { $set: { rd: true } },
        },
      })),
      { ordered: false },
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
      if (seqs.length === 0) return;
      const steps = Array.from({ length: Math.ceil(seqs.length / MAX_STEP) }, (_, i) =>
        seqs.slice(i * MAX_STEP, (i + 1) * MAX_STEP),
      );
      await markRead(tenant, conversationID, steps, reader);
    },

    /**
     * Marks the messages of a span as read, except those that the reader sent. Of a longer span, the newest
     * {@link MAX_MARKED}: more would not be done within the time of a request, however often it is tried.
     */
    async markSpanRead(
      tenant: TenantId,
      conversationID: string,
      span: SeqSpan,
      reader: string,
    ): Promise<void> {
      const newest = { first: Math.max(span.first, span.last - MAX_MARKED + 1), last: span.last };
      const steps = [...seqSteps(newest, { size: MAX_STEP, descending: true })];
      if (steps.length > 0) await markRead(tenant, conversationID, steps, reader);
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

    /** Takes the content of those of these messages away that a user sent. @returns how many. */
    async blankSentBy(
      tenant: TenantId,
      places: readonly { readonly conversationID: string; readonly seqs: readonly number[] }[],
      sender: string,
    ): Promise<number> {
      const $in = places.flatMap(({ conversationID, seqs }) => ids(tenant, conversationID, seqs).$in);
      const { modifiedCount } = await rows(tenant).col.updateMany(
        { _id: { $in }, s: sender, x: { $ne: true } },
        { $set: { x: true }, $unset: { d: true } },
      );
      return modifiedCount;
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
