import type { TenantId } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { Filter } from 'mongodb';
import { KEY_SEPARATOR } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { CONVS } from './conv.ts';
import { MSG_ROWS, type MsgRow, type MsgRowDocument, msgRowOf } from './msg-row.ts';
import { rowsBySeq } from './rows-by-seq.ts';
import { MAX_STEP, type SeqSpan, seqSteps } from './seq-walk.ts';

/** Messages of a period, by who sent them or where, and by UTC day. */
export interface MsgCounts {
  /** By sender, or by conversation. */
  readonly by: ReadonlyMap<string, number>;
  /** By UTC day, YYYY-MM-DD. */
  readonly days: Readonly<Record<string, number>>;
  readonly total: number;
}

/** Log times of a period, ms; `end` is not part of it. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** What a search of one conversation looks for; absent fields match everything. */
export interface MsgQuery {
  readonly sendID?: string;
  readonly contentType?: number;
  /** Send times, ms. */
  readonly period?: Period;
}

/** Counting and searching read every row of what they look at; they end here. */
const READ_MS = 8_000;
const DAY_MS = 86_400_000;

/** Repository of administrators' questions about messages. Slow by nature: bounded, and never on a client's path. */
export type MsgStats = ReturnType<typeof msgStats>;

/** Makes the repository. */
export function msgStats(store: Store) {
  const rows = (tenant: TenantId) => store.collection(tenant, MSG_ROWS);

  async function count(
    tenant: TenantId,
    prefix: string,
    { start, end }: Period,
    by: unknown,
  ): Promise<{ key: string; day: number; n: number }[]> {
    const { key } = rows(tenant);
    // All conversations whose id begins with the prefix: the character after `_` is the backquote.
    const from = key(prefix);
    const _id = { $gte: from, $lt: `${from.slice(0, -1)}\`` };
    return store.search(tenant, MSG_ROWS, ({ col }) =>
      col
        .aggregate<{ key: string; day: number; n: number }>(
          [
            { $match: { _id, lt: { $gte: start, $lt: end } } },
            {
              $group: {
                _id: { key: by, day: { $floor: { $divide: ['$lt', DAY_MS] } } },
                n: { $sum: 1 },
              },
            },
            { $project: { _id: 0, key: '$_id.key', day: '$_id.day', n: 1 } },
          ],
          { maxTimeMS: READ_MS },
        )
        .toArray(),
    );
  }

  function sum(parts: readonly { key: string; day: number; n: number }[]): MsgCounts {
    const by = new Map<string, number>();
    const days: Record<string, number> = {};
    let total = 0;
    for (const { key, day, n } of parts) {
      by.set(key, (by.get(key) ?? 0) + n);
      const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
      days[date] = (days[date] ?? 0) + n;
      total += n;
    }
    return { by, days, total };
  }

  return guarded({
    /** Messages of single chats, and of groups too when asked, by sender. */
    async bySender(tenant: TenantId, period: Period, groupsToo: boolean): Promise<MsgCounts> {
      const prefixes = groupsToo ? ['si_', 'sg_'] : ['si_'];
      const parts = await Promise.all(prefixes.map((prefix) => count(tenant, prefix, period, '$s')));
      return sum(parts.flat());
    },

    /** Messages of groups, by group. */
    async byGroup(tenant: TenantId, period: Period): Promise<MsgCounts> {
      const conversation = { $arrayElemAt: [{ $split: ['$_id', KEY_SEPARATOR] }, 1] };
      const counts = sum(await count(tenant, 'sg_', period, conversation));
      return { ...counts, by: new Map([...counts.by].map(([id, n]) => [id.slice('sg_'.length), n])) };
    },

    /** Matching messages of one conversation that still have their content, oldest first. */
    async search(
      tenant: TenantId,
      conversationID: string,
      span: SeqSpan,
      query: MsgQuery,
      limit: number,
    ): Promise<MsgRow[]> {
      const filter: Filter<MsgRowDocument> = {
        x: { $ne: true },
        ...(query.sendID === undefined ? {} : { s: query.sendID }),
        ...(query.contentType === undefined ? {} : { ct: query.contentType }),
        ...(query.period === undefined ? {} : { st: { $gte: query.period.start, $lt: query.period.end } }),
      };
      const { parts } = rows(tenant);
      const deadline = Date.now() + READ_MS;
      const found: MsgRow[] = [];
      for (const seqs of seqSteps(span, { size: MAX_STEP, descending: false })) {
        if (found.length >= limit) break;
        if (Date.now() > deadline) throw new ImError(ERR.DatabaseError, 'the search takes too long');
        const docs = await store.search(tenant, MSG_ROWS, (view) =>
          rowsBySeq(view, conversationID).find(seqs, { filter }),
        );
        const step = docs.map((doc) => msgRowOf(doc, parts));
        found.push(...step.sort((a, b) => a.seq - b.seq));
      }
      return found.slice(0, limit);
    },

    /** Conversations of a kind (`si_`, `sg_`) in the order of their ids, after `after`. */
    async conversationIDs(tenant: TenantId, kind: string, after: string, limit: number): Promise<string[]> {
      const { col, key, parts } = store.collection(tenant, CONVS);
      const _id = { $gt: key(after === '' ? kind : after), $lt: `${key(kind).slice(0, -1)}\`` };
      const docs = await col.find({ _id }, { sort: { _id: 1 }, limit, projection: { _id: 1 } }).toArray();
      return docs.map((doc) => parts(doc._id)[0] ?? '');
    },
  });
}
