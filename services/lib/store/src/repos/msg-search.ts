import type { TenantId } from '@im/contract';
import { argsError, ERR, ImError } from '@im/protocol';
import type { Document } from 'mongodb';
import type { TenantCollection } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { findMemory } from './find-memory.ts';
import { bySendTime, FIND_START, type FoundKey, findOn } from './msg-find.ts';
import { conversationsDown, type MsgPlace } from './msg-id-walk.ts';
import { MSG_INDEXES, msgIndexes } from './msg-index.ts';
import { condition, inTime, type MsgSearchPart } from './msg-query.ts';
import { MSG_ROWS, type MsgRow, msgRowOf } from './msg-row.ts';
import type { MsgRowDocument } from './msg-row-document.ts';
import { type Walk, type WalkPosition, walkSteps } from './msg-walk.ts';
import { findRows, seqKey } from './rows-by-seq.ts';

/** One page of hits. */
export interface MsgHits<T> {
  /** All hits, those of other pages too; as many as were found when the search was cut. */
  readonly total: number;
  /** What was kept of each row. */
  readonly hits: T[];
  /** False when the search was cut. */
  readonly complete: boolean;
}

/** How a search goes through the messages: by send time, by those of a sender, or conversation by conversation. */
export type MsgOrder = Walk['kind'] | 'conversation';

/** Where a search goes on: the parts of the key of a row, and its send time. */
export interface MsgCursor {
  readonly order: MsgOrder;
  readonly key: readonly string[];
  readonly st: number;
}

/** Where a message of a sender is. */
export interface SentMessage {
  readonly conversationID: string;
  readonly seq: number;
  /** Its send time, ms. */
  readonly st: number;
}

/** What a search found until its page was full, or its budget spent. */
export interface MsgPage<T> {
  readonly hits: T[];
  readonly order: MsgOrder;
  /** Where to go on; undefined when everything was looked at. */
  readonly next: MsgCursor | undefined;
  /** Messages looked at. */
  readonly examined: number;
}

/** Settings of {@link msgSearch}; tests make them small. */
export interface MsgSearchOptions {
  /** Time of one search, ms. @default 5000 */
  readonly ms?: number;
  /** Most messages that one search looks at. @default 5000000 */
  readonly keys?: number;
}

/** Hits up to the end of a page, at most: so many are put in order. */
export const MAX_SEARCH_WINDOW = 50_000;
/** Hits whose keys are kept of a search that was cut, so that other pages go on with it. */
const MIN_KEPT = 5_000;
/** Rows of a page read at once: they may be large. */
const ROWS_PER_QUERY = 32;
/** Rows in one answer of the server: few at first, since a page may be full with them, and many where few match. */
const FIRST_BATCH = 500;
const BATCH = 2_000;
/** Rows that are named in one read: few at first, and so many that their contents stay below some bytes. */
const FIRST_NAMED = 100;
const MAX_NAMED = 1_000;
const NAMED_BYTES = 4_194_304;
/** Where a sender's rows are read conversation by conversation, though indexes exist, when these are so few. */
const FEW_ROWS = 20_000;

/** What a search found of what it looked at. */
interface Found {
  readonly total: number;
  readonly first: readonly FoundKey[];
  readonly complete: boolean;
}

type View = TenantCollection<MsgRowDocument>;

function nothingSeen(): ImError {
  return new ImError(ERR.DatabaseError, 'the search took longer than it may: name a sender or a time');
}

/** Keys of rows, `from` and all before `to`. */
interface KeyRange {
  readonly from: string;
  readonly to: string;
}

/** The keys of places, rising, none twice. */
function rangesOf({ key }: View, places: readonly MsgPlace[]): KeyRange[] {
  const ranges = places.map((place) => {
    if (typeof place !== 'string') {
      const { conversationID, span } = place;
      const [first, next] = [Math.max(0, span.first), Math.max(0, span.last) + 1];
      return { from: key(conversationID, seqKey(first)), to: key(conversationID, seqKey(next)) };
    }
    // All conversations whose id begins so: the character after `_` is the backquote.
    const from = key(place);
    return { from, to: `${from.slice(0, -1)}\`` };
  });
  const byKey = new Map(ranges.map((range) => [range.from, range]));
  return [...byKey.values()].filter(({ from, to }) => from < to).sort((a, b) => (a.from < b.from ? -1 : 1));
}

/**
 * How to go through the messages: with indexes by what the search names, else conversation by conversation. A search of
 * few messages needs none.
 */
export function orderOf({ places, query }: MsgSearchPart, indexed: boolean): MsgOrder {
  if (!indexed) return 'conversation';
  let rows = 0;
  for (const place of places) {
    rows += typeof place === 'string' ? Number.POSITIVE_INFINITY : place.span.last - place.span.first + 1;
  }
  if (rows <= FEW_ROWS) return 'conversation';
  if (query.sendID !== undefined) return 'sender';
  return query.period || rows === Number.POSITIVE_INFINITY ? 'time' : 'conversation';
}

function walkOf(kind: Walk['kind'], { query: { sendID, period } }: MsgSearchPart): Walk {
  const st = period && { st: { $gte: period.start, $lt: period.end } };
  return { kind, match: { ...(kind === 'sender' && { s: sendID }), ...st } };
}

/** What rows of a walk must match: its times are left to the walk, and places are looked at as well. */
function wanted({ query }: MsgSearchPart, ranges: readonly KeyRange[]): Document {
  const { x, st: _, ...others } = condition(query);
  return { ...others, $or: ranges.map(({ from, to }) => ({ _id: { $gte: from, $lt: to } })), x };
}

/** Repository of the administrators' search: bounded, on connections of its pool, and never on a client's path. */
export type MsgSearch = ReturnType<typeof msgSearch>;

/** Searches of stored messages; few run at once. */
export function msgSearch(store: Store, { ms = 5_000, keys: maxKeys = 5_000_000 }: MsgSearchOptions = {}) {
  const indexes = msgIndexes(store);

  const budget = () => ({ until: Date.now() + ms, keys: maxKeys });
  const memory = findMemory();

  /** A page of rows conversation by conversation, in each the newest first. */
  async function pageByConversation<T>(
    view: View,
    { places, query }: MsgSearchPart,
    {
      limit,
      after,
      full,
    }: { readonly limit: number; readonly after?: MsgCursor; readonly full?: () => boolean },
    keep: (row: MsgRow) => T | undefined,
  ): Promise<MsgPage<T>> {
    const limits = budget();
    const filter = condition(query);
    const hits: T[] = [];
    const [startID, startSeq] = after?.key ?? [];
    let [examined, size] = [0, Math.min(FIRST_NAMED, limit + 1)];
    let at = after;
    let named: { readonly conversationID: string; readonly seq: number }[] = [];
    const cursorAt = ({ conversationID, seq }: (typeof named)[number]): MsgCursor => {
      return { order: 'conversation', key: [conversationID, seqKey(seq)], st: 0 };
    };
    const page = (next: MsgCursor | undefined): MsgPage<T> => ({
      hits,
      order: 'conversation',
      examined,
      next,
    });

    /** Looks at the rows that are named. @returns whether the page ends with them. */
    async function look(): Promise<boolean> {
      const ids = named.map(({ conversationID, seq }) => view.key(conversationID, seqKey(seq)));
      const rows = await inTime(limits.until, (maxTimeMS) =>
        view.col
          .find({ _id: { $in: ids }, ...filter }, { limit: ids.length, batchSize: ids.length, maxTimeMS })
          .toArray(),
      );
      if (!rows) return true;
      const byID = new Map(rows.map((row) => [row._id, row]));
      let bytes = 1;
      for (const [i, place] of named.entries()) {
        const row = byID.get(ids[i] ?? '');
        at = cursorAt(place);
        examined++;
        if (!row) continue;
        const message = msgRowOf(row, view.parts);
        bytes += message.msgData?.length ?? 0;
        const kept = keep(message);
        if (kept === undefined) continue;
        hits.push(kept);
        if (hits.length === limit || full?.()) return true;
      }
      const fitting = Math.floor((named.length * NAMED_BYTES) / bytes);
      size = Math.max(1, Math.min(MAX_NAMED, size * 4, fitting));
      named = [];
      return false;
    }

    const isOver = () => Date.now() >= limits.until || examined >= limits.keys;
    for await (const { conversationID, span } of conversationsDown(store, view.tenant, places, startID)) {
      const resumed = conversationID === startID ? Number(startSeq) - 1 : span.last;
      for (let seq = Math.min(span.last, resumed); seq >= span.first; seq--) {
        named.push({ conversationID, seq });
        if (named.length < Math.min(size, limits.keys - examined)) continue;
        if (isOver() || (await look()) || isOver()) {
          if (at === after) throw nothingSeen();
          return page(at);
        }
      }
    }
    if (named.length > 0 && (isOver() || (await look()))) {
      if (at === after) throw nothingSeen();
      return page(at);
    }
    return page(undefined);
  }

  /** The first hits, all of them counted, by the indexes where they help. */
  async function findByIndex(view: View, parts: readonly MsgSearchPart[], window: number): Promise<Found> {
    const limits = budget();
    let total = 0;
    let first: readonly FoundKey[] = [];
    let complete = true;
    for (const part of parts) {
      const ranges = rangesOf(view, part.places);
      if (ranges.length === 0) continue;
      const order = orderOf(part, true);
      if (order === 'conversation') {
        const found = await findOn(store, view, [part], { from: FIND_START, keep: window, budget: limits });
        total += found.total;
        first = [...first, ...found.first].sort(bySendTime).slice(0, window);
        complete &&= found.at === undefined;
        continue;
      }
      const match = wanted(part, ranges);
      const steps = walkSteps(view, walkOf(order, part), { direction: 1, budget: limits });
      let ended = false;
      let found = 0;
      for await (const { after, sort, hint, last } of steps) {
        const filter = { $and: [after(), match] };
        const count = await inTime(limits.until, (maxTimeMS) =>
          view.col
            .aggregate<{ n: number }>([{ $match: filter }, { $group: { _id: null, n: { $sum: 1 } } }], {
              hint,
              maxTimeMS,
            })
            .toArray(),
        );
        if (!count) break;
        const n = count[0]?.n ?? 0;
        // Rows that come by time are all in order: what follows a full window is counted only.
        if (n > 0 && found < window) {
          const keys = await inTime(limits.until, (maxTimeMS) => {
            const stages = [{ $match: filter }, { $project: { st: 1 } }, { $sort: sort }, { $limit: window }];
            return view.col.aggregate<FoundKey>(stages, { hint, maxTimeMS }).toArray();
          });
          if (!keys) break;
          first = [...first, ...keys].sort(bySendTime).slice(0, window);
        }
        total += n;
        found += n;
        ended = last === undefined;
      }
      complete &&= ended;
    }
    return { total, first, complete };
  }

  /** The first hits, all of them counted, by looking at one conversation after the other, on from where that ended before. */
  async function findByConversation(
    view: View,
    { name, parts }: { readonly name: string; readonly parts: readonly MsgSearchPart[] },
    window: number,
  ): Promise<Found> {
    const kept = Math.max(window, MIN_KEPT);
    const from = memory.progressOf(view.tenant, name, kept);
    const progress = await findOn(store, view, parts, { from, keep: kept, budget: budget() });
    // One that was never cut is searched afresh for each page: new messages are seen.
    if (progress.at || from !== FIND_START) memory.remember(view.tenant, name, progress, kept);
    return { total: progress.total, first: progress.first, complete: progress.at === undefined };
  }

  return guarded({
    /** Whether messages can be searched by time and sender without reading others. */
    usesIndexes: (tenant: TenantId) => indexes.usable(tenant),

    /**
     * Where messages of a sender are, by send time, also those without their content; read from the index of senders alone.
     * @param after the last one of the page before.
     * @returns undefined while there is no such index.
     */
    async sentBy(
      tenant: TenantId,
      sendID: string,
      limit: number,
      after?: SentMessage,
    ): Promise<SentMessage[] | undefined> {
      if (!(await indexes.usable(tenant))) return undefined;
      const { col, key, parts } = store.collection(tenant, MSG_ROWS);
      const last = after && { _id: key(after.conversationID, seqKey(after.seq)), st: after.st };
      const behind = last && {
        st: { $gte: last.st },
        $nor: [{ st: last.st, _id: { $lte: last._id } }],
      };
      const options = {
        ...{ sort: { st: 1, _id: 1 } as const, hint: MSG_INDEXES.sender, limit, batchSize: limit + 1 },
        projection: { _id: 1, st: 1 },
      };
      const found = await col.find({ t: tenant, s: sendID, ...behind }, options).toArray();
      return found.map(({ _id, st }) => {
        const [conversationID = '', seq] = parts(_id);
        return { conversationID, seq: Number(seq), st };
      });
    },

    /**
     * Messages that match and still have their content, newest first where an index gives that order, else by
     * conversation, in each the newest first. Reads until the page is full or the budget of a search is spent.
     * @throws ImError 90002 when that was not enough to look at anything.
     * @param full whether the page has enough though not `limit`; asked after each hit.
     * @param keep what to keep of a row; undefined for one that does not match after all.
     */
    async page<T>(
      tenant: TenantId,
      part: MsgSearchPart,
      {
        limit,
        after,
        full,
      }: { readonly limit: number; readonly after?: MsgCursor; readonly full?: () => boolean },
      keep: (row: MsgRow) => T | undefined,
    ): Promise<MsgPage<T>> {
      const indexed = await indexes.usable(tenant);
      if (after && after.order !== 'conversation' && !indexed)
        throw argsError('cursor is of an index that is not there any more: search from the beginning');
      const order = after?.order ?? orderOf(part, indexed);
      return store.search(tenant, MSG_ROWS, async (view) => {
        if (order === 'conversation')
          return pageByConversation(
            view,
            part,
            { limit, ...(after && { after }), ...(full && { full }) },
            keep,
          );
        const ranges = rangesOf(view, part.places);
        const hits: T[] = [];
        let examined = 0;
        const start: WalkPosition | undefined = after && { _id: view.key(...after.key), st: after.st };
        let at = start;
        const page = (isEnd: boolean): MsgPage<T> => ({
          hits,
          order,
          examined,
          next: isEnd || !at ? undefined : { order, key: view.parts(at._id), st: at.st },
        });
        if (ranges.length === 0) return page(true);
        const match = wanted(part, ranges);
        const limits = budget();
        const walk = walkOf(order, part);
        const steps = walkSteps(view, walk, { direction: -1, budget: limits, ...(start && { from: start }) });
        let ended = false;
        for await (const step of steps) {
          let seen = 0;
          const isCut = await inTime(limits.until, async (maxTimeMS) => {
            const batchSize = examined === 0 ? Math.min(FIRST_BATCH, limit + 1) : BATCH;
            const options = { sort: step.sort, hint: step.hint, batchSize };
            for await (const doc of view.col.find(
              { $and: [step.after(), match] },
              { ...options, maxTimeMS },
            )) {
              at = { _id: doc._id, st: doc.st };
              seen++;
              const kept = keep(msgRowOf(doc, view.parts));
              if (kept !== undefined) hits.push(kept);
              if (hits.length === limit || (kept !== undefined && full?.()) || Date.now() >= limits.until)
                return true;
            }
            return false;
          });
          if (isCut === undefined && at === start) break;
          if (isCut !== false) {
            examined += seen;
            return page(false);
          }
          examined += step.keys;
          ended = step.last === undefined;
          at = step.last ?? at;
        }
        if (!ended && at === start) throw nothingSeen();
        return page(ended);
      });
    },

    /**
     * Messages that match and still have their content, by send time. Everything is looked at, so that the total is
     * right, until the budget of a search is spent; only the rows of the page are read, a few at a time. Without indexes
     * a search that was cut goes on where it ended when it is asked for again in this process within two minutes, for any page.
     * @param name names the search in its tenant, so that it can go on.
     * @param page `skip + limit` is at most {@link MAX_SEARCH_WINDOW}.
     * @param keep what to keep of a row, called in order: rows are up to 256 KiB, and a page has many.
     */
    async find<T>(
      tenant: TenantId,
      { name, parts }: { readonly name: string; readonly parts: readonly MsgSearchPart[] },
      { skip, limit }: { readonly skip: number; readonly limit: number },
      keep: (row: MsgRow) => T,
    ): Promise<MsgHits<T>> {
      const indexed = await indexes.usable(tenant);
      return store.search(tenant, MSG_ROWS, async (view) => {
        const window = skip + limit;
        const { total, first, complete } = indexed
          ? await findByIndex(view, parts, window)
          : await findByConversation(view, { name, parts }, window);
        const ids = first.slice(skip, window).map(({ _id }) => _id);
        const hits: T[] = [];
        for (let i = 0; i < ids.length; i += ROWS_PER_QUERY) {
          const some = ids.slice(i, i + ROWS_PER_QUERY);
          const rows = new Map((await findRows(view, some)).map((row) => [row._id, row]));
          for (const id of some) {
            const row = rows.get(id);
            if (row) hits.push(keep(msgRowOf(row, view.parts)));
          }
        }
        return { total, hits, complete };
      });
    },
  });
}
