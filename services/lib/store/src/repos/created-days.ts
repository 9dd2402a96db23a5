import type { TenantId } from '@im/contract';
import { type Calendar, dayName, UTC } from '@im/kit';
import type { Collection, Document, Filter } from 'mongodb';
import { type CollectionSpec, defineCollection, type TenantDocument } from '../collection.ts';
import { retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import { type CreatedCounts, countByDay } from './count-by-day.ts';
import { type StatDay, statDayRepo } from './stat-day.ts';

/** What is counted by the day on which it was made, and where a day says how many. */
export interface CreatedKind {
  readonly name: 'users' | 'groups';
  readonly made: 'registrations' | 'groupsCreated';
  /** As many as there were at the end of the day. */
  readonly present: 'users' | 'groups';
}

/** Accounts. */
export const CREATED_USERS: CreatedKind = { name: 'users', made: 'registrations', present: 'users' };
/** Groups. */
export const CREATED_GROUPS: CreatedKind = { name: 'groups', made: 'groupsCreated', present: 'groups' };

/** How far days are counted. `_id` = tenant, name of the kind. */
interface CreatedDocument extends TenantDocument {
  v: 1;
  /** Days since 1970, from the first on that is counted to the one before `open`: their figures do not change. */
  first: number;
  open: number;
  /** Time zone by which days from `first` on are counted; absent: UTC. */
  zone?: string;
}

/** Collection of how far accounts and groups are counted; the statistics job of cron alone writes it. */
export const STAT_CREATED = defineCollection<CreatedDocument>('stat_created');

/** A day is counted again for this long after its end, for what was stored late. */
const LATE_MS = 3_600_000;
const LONGEST_MS = 60_000;

function isCountedBy(calendar: Calendar, { zone = UTC.timeZone }: CreatedDocument): boolean {
  return zone === calendar.timeZone;
}

type Created = TenantDocument & { createTime: number };

/**
 * Counts documents of a tenant by the day on which they were made, from the last count on, into its daily figures.
 * An index begins with their `createTime`.
 */
export async function countCreatedDays<T extends Created>(
  store: Store,
  tenant: TenantId,
  spec: CollectionSpec<T>,
  kind: CreatedKind,
  { now, earliest }: { readonly now: number; readonly earliest: number },
): Promise<void> {
  const { col } = store.collection(tenant, spec);
  const calendar = store.calendarOf(tenant);
  const today = calendar.dayOf(now);
  const states = store.collection(tenant, STAT_CREATED);
  const _id = states.key(kind.name);
  const state = await states.col.findOne({ _id });
  // In another zone the day may not have started.
  const from = Math.min(state?.open ?? earliest, today);
  const period = { start: calendar.startOf(from), end: calendar.startOf(today + 1) };
  const options = { match: { t: tenant }, field: 'createTime', calendar, maxTimeMS: LONGEST_MS };
  const [earlier, counts] = await Promise.all([
    madeIn(col, tenant, 0, period.start, LONGEST_MS),
    countByDay(col, { ...options, period }),
  ]);
  const made = new Map(counts.map(({ day, n }) => [day, n]));
  const first = state || earlier > 0 ? from : Math.min(today, ...made.keys());
  const repo = statDayRepo(store);
  let present = earlier;
  for (let day = first; day <= today; day++) {
    const n = made.get(day) ?? 0;
    present += n;
    await repo.set(tenant, { day, [kind.made]: n, [kind.present]: present });
  }
  const open = Math.max(from, calendar.dayOf(now - LATE_MS));
  const isKept = state === null || isCountedBy(calendar, state);
  const zone = { zone: calendar.timeZone };
  await retryDuplicate(() =>
    states.col.updateOne(
      { _id },
      isKept
        ? { $max: { open }, $setOnInsert: { t: tenant, v: 1, first, ...zone } }
        : // What was counted by days of the former zone stays as it is, and answers no exact question.
          { $set: { open, first: from, ...zone } },
      { upsert: true },
    ),
  );
}

/**
 * How many documents were made, by day, from daily figures as far as these are final. Days that go on, parts of days, and
 * what was made before the first figures are counted by the index that begins with `createTime`.
 */
export async function createdIn<T extends Created>(
  store: Store,
  tenant: TenantId,
  { spec, kind }: { readonly spec: CollectionSpec<T>; readonly kind: CreatedKind },
  { start, end }: { readonly start: number; readonly end: number },
  maxTimeMS: number,
): Promise<CreatedCounts> {
  return store.search(tenant, spec, async ({ col }) => {
    const states = store.collection(tenant, STAT_CREATED);
    const state = await states.col.findOne({ _id: states.key(kind.name) });
    const calendar = store.calendarOf(tenant);
    const { first, open } = state && isCountedBy(calendar, state) ? state : { first: 0, open: 0 };
    /** All that were made before a time. */
    const madeBefore = async (time: number): Promise<number> => {
      const day = Math.min(time >= calendar.startOf(open) ? open : calendar.dayOf(time), open);
      if (day <= first) return madeIn(col, tenant, 0, time, maxTimeMS);
      const [before] = await statDayRepo(store).days(tenant, { first: day - 1, last: day - 1 }, 1);
      return (
        (before?.[kind.present] ?? 0) + (await madeIn(col, tenant, calendar.startOf(day), time, maxTimeMS))
      );
    };
    // Whole days of the period whose figures are final.
    const from = Math.max(first, calendar.dayOf(start - 1) + 1);
    const to = end >= calendar.startOf(open) ? open : calendar.dayOf(end);
    const parts =
      from < to
        ? [
            { start, end: calendar.startOf(from) },
            { start: calendar.startOf(to), end },
          ]
        : [{ start, end }];
    const [total, before, figures, ...counted] = await Promise.all([
      madeBefore(Number.MAX_SAFE_INTEGER),
      madeBefore(start),
      from < to ? statDayRepo(store).days(tenant, { first: from, last: to - 1 }, to - from) : [],
      ...parts.map((period) =>
        period.start < period.end
          ? countByDay(col, { match: { t: tenant }, field: 'createTime', period, calendar, maxTimeMS })
          : [],
      ),
    ]);
    const days = new Map<number, number>();
    for (const { day, n } of counted.flat()) days.set(day, n);
    for (const figure of figures) addFigure(days, figure, kind);
    const named = [...days].sort(([a], [b]) => a - b).map(([day, n]) => [dayName(day), n]);
    return { total, before, days: Object.fromEntries(named) };
  });
}

/** Days without any are not named. */
function addFigure(days: Map<number, number>, figure: StatDay, { made }: CreatedKind): void {
  const n = figure[made] ?? 0;
  if (n > 0) days.set(figure.day, n);
}

async function madeIn<T extends Created>(
  col: Collection<T>,
  tenant: TenantId,
  since: number,
  until: number,
  maxTimeMS: number,
): Promise<number> {
  const createTime: Document = { ...(since > 0 && { $gte: since }), $lt: until };
  return col.countDocuments({ t: tenant, createTime } as unknown as Filter<T>, { maxTimeMS });
}
