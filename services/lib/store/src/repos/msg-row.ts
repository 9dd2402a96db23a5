import type { TenantId } from '@im/kit';
import { Binary, type Filter, MongoBulkWriteError, type WithId } from 'mongodb';
import { defineCollection, type TenantCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { byDatabase, type DatabaseGroup } from './by-database.ts';

/** Who revoked a message. */
export interface Revocation {
  /** Role in the group, or level of the account in a single chat; 0 for an administrator. */
  readonly role: number;
  readonly userID: string;
  readonly nickname: string;
  /** Milliseconds. */
  readonly time: number;
}

/** A stored message; `_id` is tenant, conversation and seq. Only transfer makes rows, only msg changes them. */
export interface MsgRowDocument extends TenantDocument {
  /** Version of the row's layout. */
  v: number;
  /** Dedup key of its record; 16 bytes. */
  k: Binary;
  /** Position of its record in the log. */
  p: number;
  /** Encoded sdkws.MsgData without seq; absent when blanked. */
  d?: Binary;
  /** Sender. */
  s: string;
  /** Receiver; of group messages whatever the sender filled in. */
  r: string;
  /** Content type. */
  ct: number;
  /** Send time as the sender told it, ms. */
  st: number;
  /** Time of the log, ms. */
  lt: number;
  rv?: Revocation;
  /** Users who deleted it for themselves. */
  del?: string[];
  /** Read by the receiver of a single chat. */
  rd?: boolean;
  /** Blanked for everyone: the content is gone, the seq stays. */
  x?: boolean;
}

/** The layout that is written today. */
const ROW_VERSION = 1;

/** Collection `msg`. `_id` is its only index: a conversation is a range of it, in seq order. */
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

/** Messages of one conversation by seq. */
export interface SeqsOf {
  readonly conversationID: string;
  readonly seqs: readonly number[];
}

/** Seqs from `first` to `last`, both included. */
export interface SeqSpan {
  readonly first: number;
  readonly last: number;
}

/** Digits of a seq inside `_id`, so that text order is number order; enough for 2^53. */
const SEQ_DIGITS = 16;
const DUPLICATE_KEY = 11_000;
/** Codes by which a server says that this document will never be accepted: BadValue, validation, too large. */
const REFUSED_FOR_GOOD = new Set([2, 121, 10_334, 17_280, 17_419]);
const STORED: InsertOutcome = { kind: 'stored' };

/** A seq as it stands in `_id`. */
export function seqKey(seq: number): string {
  return String(seq).padStart(SEQ_DIGITS, '0');
}

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

/** Repository of stored messages: what transfer writes and everybody reads. */
export type MsgRows = ReturnType<typeof msgRows>;

/** Makes the repository. Changes of stored messages are in `msg-row-change.ts`. */
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
      if (!(error instanceof MongoBulkWriteError)) throw error;
      const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
      // Documents may be lost again: not acknowledged by a majority, so the outcome of all is unknown.
      if (failures.length === 0 || error.result.getWriteConcernError() !== undefined) throw error;
      for (const { index, code, errmsg } of failures) {
        const failed = items[index];
        if (!failed) throw error;
        if (code === DUPLICATE_KEY) outcomes[failed.index] = await occupant(failed.item);
        else if (typeof code === 'number' && REFUSED_FOR_GOOD.has(code)) {
          outcomes[failed.index] = { kind: 'refused', reason: errmsg ?? `code ${code}` };
        } else throw error;
      }
    }
  }

  async function find(tenant: TenantId, filter: Filter<MsgRowDocument>, limit: number, descending: boolean) {
    const { col, parts } = rows(tenant);
    const found = await col
      .find(filter, { sort: { _id: descending ? -1 : 1 }, limit, batchSize: limit })
      .toArray();
    return found.map((doc) => msgRowOf(doc, parts));
  }

  return guarded({
    /**
     * Inserts rows of any tenants, one bulk per database; resolves when a majority has journaled them.
     * Inserting again what is there is `stored`.
     * @returns one outcome per row, in order. @throws when the outcome of any is unknown.
     */
    async insert(batch: readonly NewMsgRow[]): Promise<InsertOutcome[]> {
      const outcomes = batch.map(() => STORED);
      await Promise.all(byDatabase(store, MSG_ROWS, batch).map((group) => insertGroup(group, outcomes)));
      return outcomes;
    },

    /** The rows that exist among these, in no order. Callers bound the number of seqs, a few hundred at most. */
    async bySeqs(tenant: TenantId, wanted: readonly SeqsOf[]): Promise<MsgRow[]> {
      const { key } = rows(tenant);
      const ids = wanted.flatMap(({ conversationID, seqs }) =>
        seqs.map((seq) => key(conversationID, seqKey(seq))),
      );
      return ids.length === 0 ? [] : find(tenant, { _id: { $in: ids } }, ids.length, false);
    },

    /** At most `limit` rows of a span: the highest seqs first when `descending`, else the lowest first. */
    async span(
      tenant: TenantId,
      conversationID: string,
      { first, last }: SeqSpan,
      options: { readonly limit: number; readonly descending: boolean; readonly withContent?: boolean },
    ): Promise<MsgRow[]> {
      const { key } = rows(tenant);
      const _id = { $gte: key(conversationID, seqKey(first)), $lte: key(conversationID, seqKey(last)) };
      const filter = options.withContent ? { _id, x: { $ne: true } } : { _id };
      return find(tenant, filter, options.limit, options.descending);
    },

    /**
     * Seqs of the rows whose record stands at `fromPosition` or later, by position: what a replay of
     * the log has already been given. Positions rise with seqs, so this reads from the end backwards.
     */
    async seqsSince(
      tenant: TenantId,
      conversationID: string,
      fromPosition: number,
    ): Promise<Map<number, number>> {
      const { col, range, parts } = rows(tenant);
      const found = new Map<number, number>();
      const cursor = col.find(
        { _id: range(conversationID) },
        { sort: { _id: -1 }, projection: { p: 1 }, batchSize: 200 },
      );
      for await (const { _id, p } of cursor) {
        if (p < fromPosition) break;
        found.set(p, Number(parts(_id)[1]));
      }
      return found;
    },

    /** Highest seq of a conversation whose row is older than `logTime` by the log's clock; 0 when none is. */
    async lastSeqBefore(
      tenant: TenantId,
      conversationID: string,
      { first, last }: SeqSpan,
      logTime: number,
    ): Promise<number> {
      const { col, key, parts } = rows(tenant);
      let [low, high, best] = [first, last, 0];
      while (low <= high) {
        const middle = Math.floor((low + high) / 2);
        // Log time rises with seq; rows may be missing, so take the nearest one at or above the middle.
        const _id = { $gte: key(conversationID, seqKey(middle)), $lte: key(conversationID, seqKey(high)) };
        const row = await col.findOne({ _id }, { sort: { _id: 1 }, projection: { lt: 1 } });
        if (!row || row.lt >= logTime) {
          high = middle - 1;
          continue;
        }
        best = Number(parts(row._id)[1]);
        low = best + 1;
      }
      return best;
    },
  });
}
