import type { Document, Filter } from 'mongodb';
import type { TenantCollection } from '../collection.ts';
import { isOverTime } from '../errors.ts';
import { MSG_INDEXES } from './msg-index.ts';
import type { MsgRowDocument } from './msg-row-document.ts';

/** A place in a walk: the last row that was looked at. */
export interface WalkPosition {
  readonly _id: string;
  /** Its send time. */
  readonly st: number;
}

/** Rows in the order of one index: by send time, of a tenant or of a sender. */
export interface Walk {
  readonly kind: 'time' | 'sender';
  readonly match: Document;
}

/** How much a walk may do. */
export interface WalkBudget {
  /** When it ends, ms. */
  readonly until: number;
  /** Most keys looked at. */
  readonly keys: number;
}

/** Some rows of a walk that follow each other. */
export interface WalkStep {
  /** Matches the rows behind a place in the step, all of the step by default. */
  after(position?: WalkPosition): Filter<MsgRowDocument>;
  readonly sort: Record<string, 1 | -1>;
  readonly hint: Document;
  /** Where the step ends; undefined when nothing follows. */
  readonly last: WalkPosition | undefined;
  /** Keys in it. */
  readonly keys: number;
}

/** Keys of the first step; each has four times as many as the one before, so that a match that is near costs little. */
const FIRST_STEP = 1_000;
const MAX_STEP = 50_000;

/**
 * The rows of a walk in steps, each of which is cheap to look through: where it ends is read from the index alone.
 * Ends when nothing follows, or when the budget is spent: then the last step has a `last`.
 * @param direction 1: rising; -1: falling.
 */
export async function* walkSteps(
  { col, tenant }: TenantCollection<MsgRowDocument>,
  walk: Walk,
  {
    direction,
    from,
    budget,
  }: { readonly direction: 1 | -1; readonly from?: WalkPosition; readonly budget: WalkBudget },
): AsyncGenerator<WalkStep, void> {
  let size = FIRST_STEP;
  let left = budget.keys;
  const { hint, sort, filter } = orderOf(walk, tenant, direction);
  let at = from;
  for (;;) {
    const maxTimeMS = budget.until - Date.now();
    const keys = Math.min(size, left);
    if (maxTimeMS <= 0 || keys <= 0) return;
    const found = await col
      .find(filter(at), { projection: { _id: 1, st: 1 }, sort, hint, skip: keys - 1, limit: 1, maxTimeMS })
      .toArray()
      .catch((error: unknown) => {
        if (isOverTime(error)) return undefined;
        throw error;
      });
    if (!found) return;
    const [end] = found;
    const start = at;
    const last = end && { _id: end._id, st: end.st ?? 0 };
    yield {
      after: (position = start) => filter(position, last),
      sort,
      hint,
      last,
      keys: end ? keys : 0,
    };
    if (!last) return;
    left -= keys;
    at = last;
    size = Math.min(size * 4, MAX_STEP);
  }
}

function orderOf(walk: Walk, tenant: string, direction: 1 | -1) {
  const hint = MSG_INDEXES[walk.kind];
  const sort: Record<string, 1 | -1> = { st: direction, _id: direction };
  const [behind, before] = direction === 1 ? ['$gt', '$lte'] : ['$lt', '$gte'];
  /** Rows behind `start`, up to and including `end`. */
  function filter(start?: WalkPosition, end?: WalkPosition): Filter<MsgRowDocument> {
    const among = {
      ...walk.match.st,
      // Rows of the same time are told apart by their keys, below.
      ...(start && { [direction === 1 ? '$gte' : '$lte']: start.st }),
      ...(end && { [before]: end.st }),
    };
    const outside = [
      ...(start ? [{ st: start.st, _id: { [direction === 1 ? '$lte' : '$gte']: start._id } }] : []),
      ...(end ? [{ st: end.st, _id: { [behind]: end._id } }] : []),
    ];
    const { st: _, ...equal } = walk.match;
    return {
      t: tenant,
      ...equal,
      ...(Object.keys(among).length > 0 && { st: among }),
      ...(outside.length > 0 && { $nor: outside }),
    } as Filter<MsgRowDocument>;
  }
  return { hint, sort, filter };
}
