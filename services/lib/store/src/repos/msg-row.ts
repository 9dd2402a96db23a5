import type { TenantId } from '@im/contract';
import { Binary, type Filter, type WithId } from 'mongodb';
import { defineCollection, type TenantCollection } from '../collection.ts';
import { DUPLICATE_KEY, failedWrites, guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { byDatabase, type DatabaseGroup } from './bulk-writes.ts';
import type { MsgRowDocument, Revocation } from './msg-row-document.ts';
import { findRows, rowsBySeq, seqKey } from './rows-by-seq.ts';
import { lowestSeq, type SeqSpan, seqSteps } from './seq-walk.ts';

/** The layout that is written today. */
const ROW_VERSION = 1;

/** Collection `msg`. `_id` is its only index; rows are read by the ids of their seqs, since those can be named. */
export const MSG_ROWS = defineCollection<MsgRowDocument>('msg');

/** A row to insert. */
export interface NewMsgRow {
  readonly tenant: TenantId;
  readonly conversationID: string;
  readonly seq: number;
  readonly dedupKey: Uint8Array;
  readonly position: number;
  /** Encoded sdkws.MsgData without seq; undefined makes a row without content, which is read as a placeholder. */
  readonly msgData: Uint8Array | undefined;
  readonly sendID: string;
  readonly recvID: string;
  readonly contentType: number;
  readonly sendTime: number;
  readonly logTime: number;
}

/** A row as read. */
export interface MsgRow {
  readonly conversationID: string;
  readonly seq: number;
  /** Encoded sdkws.MsgData without seq; undefined when the content is gone. */
  readonly msgData: Uint8Array | undefined;
  readonly sendID: string;
  readonly recvID: string;
  readonly contentType: number;
  readonly sendTime: number;
  readonly logTime: number;
  readonly revoked: Revocation | undefined;
  readonly deletedBy: readonly string[];
  readonly isRead: boolean;
}

/**
 * What became of one row: `stored` now, or before with the same dedup key; `conflict` when another
 * message has its seq; `refused` when the database will never take it.
 */
export type InsertOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'conflict'; readonly existingKey: Uint8Array; readonly existingPosition: number }
  | { readonly kind: 'refused'; readonly reason: string };

/** A row as a replay of the log needs it. */
export interface CountedRow {
  readonly seq: number;
  /** Position of its record in the log. */
  readonly position: number;
  /** Log time of its record, ms. */
  readonly timeMs: number;
  /** Undefined in a row that has none. */
  readonly dedupKey: Uint8Array | undefined;
}

/** See {@link MsgRows.countedSince}. */
export interface CountedRows {
  readonly rows: readonly CountedRow[];
  /** No row is missing among these, nor the one before the first of them, if there ever was one. */
  readonly isWhole: boolean;
}

/** Messages of one conversation by seq. */
export interface SeqsOf {
  readonly conversationID: string;
  readonly seqs: readonly number[];
}

/** Rows read at once by a replay, which most often needs the last few only. */
const REPLAY_STEP = 200;
/** Seqs looked through backwards for a row that is still there. */
const LOOKBACK = 100;
/** Seqs looked at in one step for rows with content. */
const CONTENT_STEP = 500;
/** Codes by which a server says that this document will never be accepted: BadValue, validation, too large. */
const REFUSED_FOR_GOOD = new Set([2, 121, 10_334, 17_280, 17_419]);
const STORED: InsertOutcome = { kind: 'stored' };

function bytes(binary: Binary): Uint8Array {
  return binary.buffer.subarray(0, binary.position);
}

/** The document of a row, in its tenant's view of the collection. */
export function msgRowDocument(
  row: NewMsgRow,
  { key }: Pick<TenantCollection<MsgRowDocument>, 'key'>,
): MsgRowDocument {
  return {
    _id: key(row.conversationID, seqKey(row.seq)),
    t: row.tenant,
    v: ROW_VERSION,
    k: new Binary(row.dedupKey),
    p: row.position,
    ...(row.msgData === undefined ? { x: true } : { d: new Binary(row.msgData) }),
    s: row.sendID,
    r: row.recvID,
    ct: row.contentType,
    st: row.sendTime,
    lt: row.logTime,
  };
}

/** A document as callers see it; `conversationID` and seq are the last two parts of `_id`. */
export function msgRowOf(doc: WithId<MsgRowDocument>, parts: (key: string) => string[]): MsgRow {
  const [conversationID = '', seq = ''] = parts(doc._id);
  return {
    conversationID,
    seq: Number(seq),
    msgData: doc.d && bytes(doc.d),
    sendID: doc.s,
    recvID: doc.r,
    contentType: doc.ct,
    sendTime: doc.st,
    logTime: doc.lt,
    revoked: doc.rv,
    deletedBy: doc.del ?? [],
    isRead: doc.rd ?? false,
  };
}

/** Repository of stored messages: what transfer writes and all others read. */
export type MsgRows = ReturnType<typeof msgRows>;

/** Stored messages, by conversation and seq. Changes of stored messages are in `msg-row-change.ts`. */
export function msgRows(store: Store) {
  const rows = (tenant: TenantId) => store.collection(tenant, MSG_ROWS);

  /** What stands in the place of a row that could not be inserted. */
  async function occupant(row: NewMsgRow): Promise<InsertOutcome> {
    const { col, key } = rows(row.tenant);
    const _id = key(row.conversationID, seqKey(row.seq));
    const found = await col.findOne({ _id }, { projection: { k: 1, p: 1 } });
    // Gone again: the tenant is being purged.
    if (!found) return STORED;
    if (Buffer.compare(bytes(found.k), row.dedupKey) === 0) return STORED;
    return { kind: 'conflict', existingKey: bytes(found.k), existingPosition: found.p };
  }

  async function insertGroup(
    { col, items }: DatabaseGroup<MsgRowDocument, NewMsgRow>,
    outcomes: InsertOutcome[],
  ): Promise<void> {
    try {
      await col.insertMany(
        items.map(({ item, view }) => msgRowDocument(item, view)),
        { ordered: false },
      );
    } catch (error) {
      for (const { index, code, errmsg } of failedWrites(error)) {
        const failed = items[index];
        if (!failed) throw error;
        if (code === DUPLICATE_KEY) outcomes[failed.index] = await occupant(failed.item);
        else if (typeof code === 'number' && REFUSED_FOR_GOOD.has(code)) {
          outcomes[failed.index] = { kind: 'refused', reason: errmsg ?? `code ${code}` };
        } else throw error;
      }
    }
  }

  const bySeq = (tenant: TenantId, conversationID: string) => rowsBySeq(rows(tenant), conversationID);

  return guarded({
    /**
     * Inserts rows of any tenants, one bulk per database; resolves when a majority has journaled them.
     * Inserting an existing row again is `stored`.
     * @returns one outcome per row, in order. @throws when the outcome of any is unknown.
     */
    async insert(batch: readonly NewMsgRow[]): Promise<InsertOutcome[]> {
      const outcomes = batch.map(() => STORED);
      await Promise.all(byDatabase(store, MSG_ROWS, batch).map((group) => insertGroup(group, outcomes)));
      return outcomes;
    },

    /** The rows that exist among these, in no order. Callers bound the number of seqs, a few hundred at most. */
    async bySeqs(tenant: TenantId, wanted: readonly SeqsOf[]): Promise<MsgRow[]> {
      const view = rows(tenant);
      const ids = wanted.flatMap(({ conversationID, seqs }) => rowsBySeq(view, conversationID).ids(seqs));
      if (ids.length === 0) return [];
      return (await findRows(view, ids)).map((doc) => msgRowOf(doc, view.parts));
    },

    /** Those among these that were revoked or lost their content, in no order. */
    async hiddenBySeqs(tenant: TenantId, wanted: readonly SeqsOf[]): Promise<MsgRow[]> {
      const view = rows(tenant);
      const ids = wanted.flatMap(({ conversationID, seqs }) => rowsBySeq(view, conversationID).ids(seqs));
      if (ids.length === 0) return [];
      const filter: Filter<MsgRowDocument> = { $or: [{ rv: { $exists: true } }, { x: true }] };
      return (await findRows(view, ids, { filter })).map((doc) => msgRowOf(doc, view.parts));
    },

    /** The highest seqs of a span whose rows have their content, highest first. */
    async seqsWithContent(
      tenant: TenantId,
      conversationID: string,
      bounds: SeqSpan,
      { limit, notDeletedBy }: { readonly limit: number; readonly notDeletedBy?: string },
    ): Promise<number[]> {
      const filter: Filter<MsgRowDocument> = {
        x: { $ne: true },
        ...(notDeletedBy !== undefined && { del: { $ne: notDeletedBy } }),
      };
      const { find, seqOf } = bySeq(tenant, conversationID);
      const found: number[] = [];
      for (const seqs of seqSteps(bounds, { size: CONTENT_STEP, descending: true })) {
        if (found.length >= limit) break;
        const docs = await find(seqs, { filter, projection: { _id: 1 } });
        found.push(...docs.map(seqOf).sort((a, b) => b - a));
      }
      return found.slice(0, limit);
    },

    /** At most `limit` rows of a span: the highest seqs first when `descending`, else the lowest first. */
    async span(
      tenant: TenantId,
      conversationID: string,
      bounds: SeqSpan,
      options: { readonly limit: number; readonly descending: boolean },
    ): Promise<MsgRow[]> {
      const { limit, descending } = options;
      const { parts } = rows(tenant);
      const found: MsgRow[] = [];
      for (const seqs of seqSteps(bounds, { size: limit, descending })) {
        if (found.length >= limit) break;
        const docs = await bySeq(tenant, conversationID).find(seqs);
        const step = docs.map((doc) => msgRowOf(doc, parts));
        found.push(...step.sort((a, b) => (descending ? b.seq - a.seq : a.seq - b.seq)));
      }
      return found.slice(0, limit);
    },

    /**
     * The rows up to `last` whose record stands at `fromPosition` or later, or has a log time of `fromTimeMs` or later:
     * what a replay of the log has already been given. Positions rise with seqs, so this reads from the end backwards.
     */
    async countedSince(
      tenant: TenantId,
      conversationID: string,
      {
        fromPosition,
        fromTimeMs = Number.POSITIVE_INFINITY,
        last,
      }: { readonly fromPosition: number; readonly fromTimeMs?: number; readonly last: number },
    ): Promise<CountedRows> {
      const found: CountedRow[] = [];
      let [lowest, before] = [last + 1, 0];
      const { find, seqOf } = bySeq(tenant, conversationID);
      for (const seqs of seqSteps({ first: 1, last }, { size: REPLAY_STEP, descending: true })) {
        const docs = await find(seqs, { projection: { p: 1, k: 1, lt: 1 } });
        let isEnd = docs.length === 0;
        for (const doc of docs) {
          const seq = seqOf(doc);
          if (doc.p >= fromPosition || doc.lt >= fromTimeMs) {
            lowest = Math.min(lowest, seq);
            // A row that was written by other means may lack its key.
            const dedupKey = (doc.k as Binary | undefined) && bytes(doc.k);
            found.push({ seq, position: doc.p, timeMs: doc.lt, dedupKey });
          } else {
            before = Math.max(before, seq);
            isEnd = true;
          }
        }
        // Rows are removed from the first on: below a step without any there are none.
        if (isEnd) break;
      }
      const isWhole = found.length > 0 && found.length === last - lowest + 1 && before === lowest - 1;
      return { rows: found, isWhole };
    },

    /**
     * Highest seq of a span whose row is older than `logTime` by the log's clock; 0 when none is. Log time
     * rises with seq, and rows are removed from the first on.
     */
    async lastSeqBefore(
      tenant: TenantId,
      conversationID: string,
      bounds: SeqSpan,
      logTime: number,
    ): Promise<number> {
      const { find, seqOf } = bySeq(tenant, conversationID);
      const projection = { lt: 1 };
      const young = await lowestSeq(bounds, async (seqs) =>
        (await find(seqs, { projection })).filter(({ lt }) => lt >= logTime).map(seqOf),
      );
      const last = young === undefined ? bounds.last : young - 1;
      const [below = []] = seqSteps({ first: bounds.first, last }, { size: LOOKBACK, descending: true });
      return Math.max(0, ...(await find(below, { projection })).map(seqOf));
    },
  });
}
