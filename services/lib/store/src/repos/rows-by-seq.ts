import type { Document, Filter, WithId } from 'mongodb';
import type { TenantCollection } from '../collection.ts';
import { findByIds } from '../whole-find.ts';
import type { MsgRowDocument } from './msg-row-document.ts';
import { lowestSeq, MAX_STEP, seqSteps } from './seq-walk.ts';

/** Digits of a seq inside `_id`, so that text order is number order; enough for 2^53. */
const SEQ_DIGITS = 16;
/** Rows that are removed without a check which of them exist. */
const FEW = 64;

/** A seq as it stands in `_id`. */
export function seqKey(seq: number): string {
  return String(seq).padStart(SEQ_DIGITS, '0');
}

/** The rows of one conversation by their seqs. */
export interface RowsBySeq {
  ids(seqs: readonly number[]): string[];
  seqOf(row: { readonly _id: string }): number;
  /** Those that exist, and match, in no order. */
  find(
    seqs: readonly number[],
    options?: { readonly filter?: Filter<MsgRowDocument>; readonly projection?: Document },
  ): Promise<WithId<MsgRowDocument>[]>;
  /**
   * Removes the rows of all seqs up to and including `last`, lowest first, until `signal` ends.
   * @returns how many.
   */
  removeUpTo(last: number, signal?: AbortSignal): Promise<number>;
}

/** The rows of these ids that match, in no order. */
export function findRows(
  { col }: TenantCollection<MsgRowDocument>,
  ids: string[],
  options: { readonly filter?: Filter<MsgRowDocument>; readonly projection?: Document } = {},
): Promise<WithId<MsgRowDocument>[]> {
  return findByIds(col, ids, options);
}

/** The rows of one conversation. Its seqs are counted without gaps, so all ids can be named. */
export function rowsBySeq(view: TenantCollection<MsgRowDocument>, conversationID: string): RowsBySeq {
  const { col, key, parts } = view;
  const ids = (seqs: readonly number[]) => seqs.map((seq) => key(conversationID, seqKey(seq)));
  const seqOf = ({ _id }: { readonly _id: string }) => Number(parts(_id)[1]);
  return {
    ids,
    seqOf,
    find: async (seqs, options) => (seqs.length === 0 ? [] : findRows(view, ids(seqs), options)),
    async removeUpTo(last, signal) {
      const exist = async (seqs: readonly number[]) =>
        (await findRows(view, ids(seqs), { projection: { _id: 1 } })).map(seqOf);
      // Few enough to be named at once are not looked for first.
      const lowest = last <= FEW ? 1 : await lowestSeq({ first: 1, last }, exist);
      if (lowest === undefined) return 0;
      let removed = 0;
      // An interrupted removal may have left some rows of its last step.
      const span = { first: Math.max(1, lowest - MAX_STEP), last };
      for (const seqs of seqSteps(span, { size: MAX_STEP, descending: false })) {
        if (signal?.aborted) break;
        removed += (await col.deleteMany({ _id: { $in: ids(seqs) } })).deletedCount;
      }
      return removed;
    },
  };
}
