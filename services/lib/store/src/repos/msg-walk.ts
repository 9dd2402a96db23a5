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

/** Keys of rows, `from` and all before `to`. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

/** Rows in the order of one index. */
export type Walk =
  | { readonly kind: 'time' | 'sender'; readonly match: Document }
  /** Ranges in the order of their keys; they do not overlap. */
  | { readonly kind: 'conversation'; readonly ranges: readonly KeyRange[] };

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
/** Ranges in one query. */
const RANGES = 100;

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
  const parts = partsOf(walk, direction, from);
  for (const [i, part] of parts.entries()) {
    const { hint, sort, filter } = orderOf(part, tenant, direction);
    let at = from;
    for (;;) {
      const maxTimeMS = budget.until - Date.now();
      const keys = Math.min(size, left);
      if (maxTimeMS <= 0 || keys <= 0) return;
      const projection = part.kind === 'conversation' ? { _id: 1 } : { _id: 1, st: 1 };
      const found = await col
        .find(filter(at), { projection, sort, hint, skip: keys - 1, limit: 1, maxTimeMS })
        .toArray()
        .catch((error: unknown) => {
          if (isOverTime(error)) return undefined;
          throw error;
        });
      if (!found) return;
      const [end] = found;
      const start = at;
      const isLast = !end && i === parts.length - 1;
      const last = end ? { _id: end._id, st: end.st ?? 0 } : isLast ? undefined : endOf(part, direction);
      yield {
        after: (position = start) => filter(position, end && last),
        sort,
        hint,
        last,
        keys: end ? keys : 0,
      };
      if (!end) break;
      left -= keys;
      at = last;
      size = Math.min(size * 4, MAX_STEP);
    }
  }
}

/** What is left of a walk behind a place, in parts of one query. */
function partsOf(walk: Walk, direction: 1 | -1, from: WalkPosition | undefined): Walk[] {
  if (walk.kind !== 'conversation') return [walk];
  const rest = walk.ranges.filter(
    ({ from: first, to }) => !from || (direction === 1 ? to > from._id : first < from._id),
  );
  if (direction === -1) rest.reverse();
  const parts: Walk[] = [];
  for (let i = 0; i < rest.length; i += RANGES) {
    parts.push({ kind: 'conversation', ranges: rest.slice(i, i + RANGES) });
  }
  return parts;
}

/** Behind all rows of a part, and before those of the next. */
function endOf(part: Walk, direction: 1 | -1): WalkPosition | undefined {
  if (part.kind !== 'conversation') return undefined;
  const range = part.ranges.at(-1);
  // Falling, `from` itself is behind: no row has the key of a range's start as its end.
  return range && { _id: direction === 1 ? range.to : range.from, st: 0 };
}

function orderOf(walk: Walk, tenant: string, direction: 1 | -1) {
  const hint = walk.kind === 'conversation' ? { _id: 1 } : MSG_INDEXES[walk.kind];
  const sort: Record<string, 1 | -1> =
    walk.kind === 'conversation' ? { _id: direction } : { st: direction, _id: direction };
  const [behind, before] = direction === 1 ? ['$gt', '$lte'] : ['$lt', '$gte'];
  /** Rows behind `start`, up to and including `end`. */
  function filter(start?: WalkPosition, end?: WalkPosition): Filter<MsgRowDocument> {
    if (walk.kind === 'conversation') {
      const within = { ...(start && { [behind]: start._id }), ...(end && { [before]: end._id }) };
      const ranges = walk.ranges.map(({ from, to }) => ({ _id: { $gte: from, $lt: to } }));
      const some: Filter<MsgRowDocument> = ranges.length === 1 ? (ranges[0] ?? {}) : { $or: ranges };
      return start || end ? { $and: [some, { _id: within }] } : some;
    }
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
