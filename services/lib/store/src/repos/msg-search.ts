import type { TenantId } from '@im/contract';
import { ERR, ImError } from '@im/protocol';
import type { Document, Filter } from 'mongodb';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { MSG_ROWS, type MsgRow, msgRowOf } from './msg-row.ts';
import type { MsgRowDocument } from './msg-row-document.ts';
import { findRows, seqKey } from './rows-by-seq.ts';
import type { SeqSpan } from './seq-walk.ts';

/** Log or send times, ms; `end` is not part of it. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** What a search looks for; absent fields match everything. */
export interface MsgQuery {
  readonly sendID?: string;
  /** Receiver of a single chat. */
  readonly recvID?: string;
  readonly contentType?: number;
  /** Send times, ms. */
  readonly period?: Period;
}

/** Where a search looks: all conversations of a kind (`si_`, `sg_`), or what one has. */
export type MsgPlace = string | { readonly conversationID: string; readonly span: SeqSpan };

/** Some places, and what to look for there. */
export interface MsgSearchPart {
  readonly places: readonly MsgPlace[];
  readonly query: MsgQuery;
}

/** One page of hits. */
export interface MsgHits<T> {
  /** All hits, those of other pages too. */
  readonly total: number;
  /** What was kept of each row. */
  readonly hits: T[];
}

/** Hits up to the end of a page, at most: so many are put in order. */
export const MAX_SEARCH_WINDOW = 50_000;
/** A search ends here, whatever it has found. */
const SEARCH_MS = 8_000;
/** Rows of a page read at once: they may be large. */
const ROWS_PER_QUERY = 32;
/** Conversations named in one query. */
const PLACES_PER_QUERY = 100;

interface Key {
  readonly _id: string;
  readonly st: number;
}

function inOrder(a: Key, b: Key): number {
  return a.st - b.st || (a._id < b._id ? -1 : 1);
}

/** Repository of the administrators' search. Slow by nature: bounded, and never on a client's path. */
export type MsgSearch = ReturnType<typeof msgSearch>;

/** Searches of stored messages; few run at once. */
export function msgSearch(store: Store) {
  function condition(query: MsgQuery): Filter<MsgRowDocument> {
    return {
      x: { $ne: true },
      d: { $exists: true },
      ...(query.sendID === undefined ? {} : { s: query.sendID }),
      ...(query.recvID === undefined ? {} : { r: query.recvID }),
      ...(query.contentType === undefined ? {} : { ct: query.contentType }),
      ...(query.period === undefined ? {} : { st: { $gte: query.period.start, $lt: query.period.end } }),
    };
  }

  return guarded({
    /**
     * Messages that match and still have their content, by send time. Everything is looked at, so that the total is
     * right; only the rows of the page are read, a few at a time.
     * @param page `skip + limit` is at most {@link MAX_SEARCH_WINDOW}.
     * @param keep what to keep of a row, called in order: rows are up to 256 KiB, and a page has many.
     * @throws ImError 90002 when that takes longer than a search may.
     */
    async find<T>(
      tenant: TenantId,
      parts: readonly MsgSearchPart[],
      { skip, limit }: { readonly skip: number; readonly limit: number },
      keep: (row: MsgRow) => T,
    ): Promise<MsgHits<T>> {
      return store.search(tenant, MSG_ROWS, async (view) => {
        const { col, key } = view;
        const deadline = Date.now() + SEARCH_MS;
        const rangeOf = (place: MsgPlace): Document => {
          if (typeof place !== 'string') {
            const { conversationID, span } = place;
            const [first, next] = [seqKey(Math.max(0, span.first)), seqKey(Math.max(0, span.last) + 1)];
            return { $gte: key(conversationID, first), $lt: key(conversationID, next) };
          }
          // All conversations whose id begins so: the character after `_` is the backquote.
          const from = key(place);
          return { $gte: from, $lt: `${from.slice(0, -1)}\`` };
        };
        const run = <T extends Document>(
          places: readonly MsgPlace[],
          query: MsgQuery,
          stages: Document[],
        ) => {
          const maxTimeMS = deadline - Date.now();
          if (maxTimeMS <= 0)
            throw new ImError(ERR.DatabaseError, 'the search took longer than it may: narrow it');
          const ranges = places.map((place) => ({ _id: rangeOf(place) }));
          const $match = ranges.length === 1 ? ranges[0] : { $or: ranges };
          return col
            .aggregate<T>([{ $match }, { $match: condition(query) }, ...stages], { maxTimeMS })
            .toArray();
        };
        const window = skip + limit;
        let total = 0;
        let first: Key[] = [];
        for (const { places, query } of parts) {
          for (let i = 0; i < places.length; i += PLACES_PER_QUERY) {
            const some = places.slice(i, i + PLACES_PER_QUERY);
            const [count] = await run<{ n: number }>(some, query, [
              { $group: { _id: null, n: { $sum: 1 } } },
            ]);
            if (count === undefined) continue;
            total += count.n;
            if (limit === 0) continue;
            const found = await run<Key>(some, query, [
              { $project: { st: 1 } },
              { $sort: { st: 1, _id: 1 } },
              { $limit: window },
            ]);
            first = [...first, ...found].sort(inOrder).slice(0, window);
          }
        }
        const ids = first.slice(skip).map(({ _id }) => _id);
        const hits: T[] = [];
        for (let i = 0; i < ids.length; i += ROWS_PER_QUERY) {
          const some = ids.slice(i, i + ROWS_PER_QUERY);
          const rows = new Map((await findRows(view, some)).map((row) => [row._id, row]));
          for (const id of some) {
            const row = rows.get(id);
            if (row) hits.push(keep(msgRowOf(row, view.parts)));
          }
        }
        return { total, hits };
      });
    },
  });
}
