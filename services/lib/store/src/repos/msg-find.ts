import type { TenantCollection } from '../collection.ts';
import type { Store } from '../store.ts';
import { conversationsDown } from './msg-id-walk.ts';
import { condition, inTime, type MsgSearchPart } from './msg-query.ts';
import type { MsgRowDocument } from './msg-row-document.ts';
import type { WalkBudget } from './msg-walk.ts';
import { seqKey } from './rows-by-seq.ts';

/** A message that a search found. */
export interface FoundKey {
  readonly _id: string;
  /** Its send time, ms. */
  readonly st: number;
}

/** How far a search came that looks at one conversation after the other. */
export interface FindProgress {
  /** Hits so far. */
  readonly total: number;
  /** The first of them by send time. */
  readonly first: readonly FoundKey[];
  /** The last message that was looked at, and the part of the search; undefined when everything was. */
  readonly at: { readonly part: number; readonly conversationID: string; readonly seq: number } | undefined;
}

/** What no search has looked at yet. */
export const FIND_START: FindProgress = {
  total: 0,
  first: [],
  at: { part: 0, conversationID: '', seq: 0 },
};

/** Rows named in one read. */
const NAMED = 1_000;
/** Keys kept beyond those of the page before they are put in order. */
const SPARE = 20_000;

/** Order of hits: by send time, and by key where that is the same. */
export function bySendTime(a: FoundKey, b: FoundKey): number {
  return a.st - b.st || (a._id < b._id ? -1 : 1);
}

/**
 * Goes on with a search until everything was looked at, or its budget is spent.
 * @param keep how many of the first hits are kept.
 */
export async function findOn(
  store: Store,
  view: TenantCollection<MsgRowDocument>,
  parts: readonly MsgSearchPart[],
  { from, keep, budget }: { readonly from: FindProgress; readonly keep: number; readonly budget: WalkBudget },
): Promise<FindProgress> {
  let { total, at } = from;
  let found = [...from.first];
  let left = budget.keys;
  const progress = (): FindProgress => ({ total, first: found.sort(bySendTime).slice(0, keep), at });
  if (!at) return progress();

  for (let index = at.part; index < parts.length; index++) {
    const part = parts[index];
    if (!part) break;
    const filter = condition(part.query);
    const start: FindProgress['at'] = at?.part === index && at.conversationID !== '' ? at : undefined;
    let named: { readonly conversationID: string; readonly seq: number }[] = [];

    /** Looks at the rows that are named. @returns whether the time was enough. */
    const look = async (): Promise<boolean> => {
      const last = named.at(-1);
      if (!last) return true;
      const ids = named.map(({ conversationID, seq }) => view.key(conversationID, seqKey(seq)));
      const rows = await inTime(budget.until, (maxTimeMS) =>
        view.col
          .find(
            { _id: { $in: ids }, ...filter },
            { projection: { st: 1 }, limit: ids.length, batchSize: ids.length, maxTimeMS },
          )
          .toArray(),
      );
      if (!rows) return false;
      total += rows.length;
      for (const { _id, st } of rows) found.push({ _id, st });
      if (found.length > keep + SPARE) found = found.sort(bySendTime).slice(0, keep);
      left -= ids.length;
      at = { part: index, ...last };
      named = [];
      return true;
    };

    for await (const { conversationID, span } of conversationsDown(
      store,
      view.tenant,
      part.places,
      start?.conversationID,
    )) {
      if (Date.now() >= budget.until) {
        if (named.length > 0) await look();
        return progress();
      }
      // One without messages is behind as well.
      if (named.length === 0) at = { part: index, conversationID, seq: span.last + 1 };
      const resumed = start && conversationID === start.conversationID ? start.seq - 1 : span.last;
      for (let seq = Math.min(span.last, resumed); seq >= span.first; seq--) {
        named.push({ conversationID, seq });
        if (named.length < Math.min(NAMED, left)) continue;
        if (left <= 0 || !(await look()) || Date.now() >= budget.until) return progress();
      }
    }
    if (!(await look())) return progress();
    at = { part: index + 1, conversationID: '', seq: 0 };
  }
  at = undefined;
  return progress();
}
