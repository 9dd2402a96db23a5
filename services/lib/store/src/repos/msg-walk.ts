import type { Document, Filter } from 'mongodb';
import type { TenantCollection } from '../collection.ts';
import { isOverTime } from '../errors.ts';
import { MSG_INDEXES } from './msg-index.ts';
import type { MsgRowDocument } from './msg-row-document.ts';

/** A place in a walk: the last row that was looked at, or the end of a window of time. */
export interface WalkPosition {
  /** Of the row; at the end of a window the tenant's key without parts, which no row has. */
  readonly _id: string;
  /** Send time of the row; rows behind the end of a window were sent before this. */
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
  /** Number of keys of the index in the step. */
  readonly keys: number;
}

/** Keys of the first step; each has four times as many as the one before, so that a match that is near costs little. */
const FIRST_STEP = 1_000;
const MAX_STEP = 50_000;
const GROWTH = 4;
/** Time of the first window, ms. */
const FIRST_WINDOW_MS = 3_600_000;
const MIN_WINDOW_MS = 60_000;
/** Send times are of servers, whose clocks differ by less. */
const FUTURE_MS = 60_000;

interface StepOptions {
  /** How far it was looked at before. */
  readonly from?: WalkPosition;
  readonly budget: WalkBudget;
}

/**
 * The rows of a walk in steps, each of which is cheap to look through. Ends when nothing follows, or when the budget is spent:
 * then the last step has a `last`.
 * @param direction 1: rising; -1: falling.
 */
export function walkSteps(
  view: TenantCollection<MsgRowDocument>,
  walk: Walk,
  options: StepOptions & { readonly direction: 1 | -1 },
): AsyncGenerator<WalkStep, void> {
  return options.direction === 1 ? risingSteps(view, walk, options) : fallingSteps(view, walk, options);
}

async function* risingSteps(
  { col, tenant }: TenantCollection<MsgRowDocument>,
  walk: Walk,
  { from, budget }: StepOptions,
): AsyncGenerator<WalkStep, void> {
  const { hint, sort, filter } = orderOf(walk, tenant, 1);
  let [size, left, at] = [FIRST_STEP, budget.keys, from];
  while (left > 0) {
    const keys = Math.min(size, left);
    const [start, found] = [at, await endOf(col, filter(at), { hint, sort, keys, budget })];
    if (!found) return;
    const { last } = found;
    yield { after: (position = start) => filter(position, last), sort, hint, last, keys: last ? keys : 0 };
    if (!last) return;
    left -= keys;
    at = last;
    size = Math.min(size * GROWTH, MAX_STEP);
  }
}

/**
 * The times are cut into windows, which grow or shrink until they have about as many rows as a step, so that no query has more
 * in its bounds than it needs.
 */
async function* fallingSteps(
  { col, tenant, key }: TenantCollection<MsgRowDocument>,
  walk: Walk,
  { from, budget }: StepOptions,
): AsyncGenerator<WalkStep, void> {
  const all = timesOf(walk);
  // Where a window ended, only its time says what follows.
  const isEndOfWindow = from?._id === key();
  let [size, left, width] = [FIRST_STEP, budget.keys, FIRST_WINDOW_MS];
  let at = isEndOfWindow ? undefined : from;
  let until = from ? Math.min(all.until, isEndOfWindow ? from.st : from.st + 1) : all.until;
  // What is of the future is looked at first.
  let begin = Number.isFinite(until) ? until - width : Date.now() + FUTURE_MS;
  while (left > 0) {
    const isLast = begin <= Math.max(all.from, 0);
    const { hint, sort, filter } = orderOf(within(walk, isLast ? all.from : begin, until), tenant, -1);
    const [start, step, most] = [at, Math.min(size, left), Math.min(size * GROWTH, left)];
    const keys = await countUpTo(col, filter(at), { hint, keys: most, budget });
    if (keys === undefined) return;
    if (keys === most && until - begin > MIN_WINDOW_MS && Number.isFinite(until)) {
      // What was counted is not in a step; enough is left for one, so that every walk comes further.
      left = Math.max(Math.min(FIRST_STEP, left), left - keys);
      width = Math.max(MIN_WINDOW_MS, (until - begin) / GROWTH);
      begin = until - width;
      continue;
    }
    if (keys === most) {
      const found = await endOf(col, filter(at), { hint, sort, keys: step, budget });
      if (!found?.last) return;
      const { last } = found;
      yield { after: (position = start) => filter(position, last), sort, hint, last, keys: step };
      left -= step;
      at = last;
    } else {
      const last = isLast ? undefined : { _id: key(), st: begin };
      if (keys > 0 || isLast) yield { after: (position = start) => filter(position), sort, hint, last, keys };
      if (isLast) return;
      left -= keys;
      [at, until] = [undefined, begin];
      if (keys < size) width *= GROWTH;
      begin = until - width;
    }
    size = Math.min(size * GROWTH, MAX_STEP);
  }
}

/** The times of a walk; infinite where it names none. */
function timesOf({ match }: Walk): { readonly from: number; readonly until: number } {
  const { $gte: from = Number.NEGATIVE_INFINITY, $lt: until = Number.POSITIVE_INFINITY } = match.st ?? {};
  return { from, until };
}

/** The rows of a walk with these send times, `until` excluded. */
function within(walk: Walk, from: number, until: number): Walk {
  const st = {
    ...(Number.isFinite(from) && { $gte: from }),
    ...(Number.isFinite(until) && { $lt: until }),
  };
  return { ...walk, match: { ...walk.match, ...(Object.keys(st).length > 0 && { st }) } };
}

type Rows = TenantCollection<MsgRowDocument>['col'];

interface Look {
  readonly hint: Document;
  readonly keys: number;
  readonly budget: WalkBudget;
}

/** The place of the row with this number among those that match; undefined when the time was not enough. */
async function endOf(
  col: Rows,
  filter: Filter<MsgRowDocument>,
  { hint, sort, keys, budget }: Look & Pick<WalkStep, 'sort'>,
): Promise<{ readonly last: WalkPosition | undefined } | undefined> {
  return await untilOver(budget, async (maxTimeMS) => {
    const options = { projection: { _id: 1, st: 1 }, sort, hint, skip: keys - 1, limit: 1, maxTimeMS };
    const [end] = await col.find(filter, options).toArray();
    return { last: end && { _id: end._id, st: end.st ?? 0 } };
  });
}

/** How many rows match, `keys` at most; undefined when the time was not enough. */
async function countUpTo(
  col: Rows,
  filter: Filter<MsgRowDocument>,
  { hint, keys, budget }: Look,
): Promise<number | undefined> {
  // Unlike an aggregation, this command reads the index alone on every server.
  return await untilOver(budget, (maxTimeMS) => col.count(filter, { limit: keys, hint, maxTimeMS }));
}

/** The answer of the server, or undefined when the budget's time is over before it. */
async function untilOver<T>(
  budget: WalkBudget,
  ask: (maxTimeMS: number) => Promise<T>,
): Promise<T | undefined> {
  const maxTimeMS = budget.until - Date.now();
  if (maxTimeMS <= 0) return undefined;
  try {
    return await ask(maxTimeMS);
  } catch (error) {
    if (isOverTime(error)) return undefined;
    throw error;
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
      // Rows of the same time are distinguished by their keys, below.
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
