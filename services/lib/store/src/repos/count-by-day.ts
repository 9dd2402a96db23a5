import type { TenantId } from '@im/contract';
import type { Collection, Document, Filter } from 'mongodb';
import type { TenantCollection, TenantDocument } from '../collection.ts';

const DAY_MS = 86_400_000;

/** How many documents of one UTC day there are, and of what. */
export interface DayCount {
  /** Days since 1970. */
  readonly day: number;
  /** What they were counted by; null when by the day alone. */
  readonly by: string | null;
  readonly n: number;
}

/** The UTC day that a time in ms is in, as days since 1970. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

/** When a day starts, ms. */
export function startOf(day: number): number {
  return day * DAY_MS;
}

/** A day as YYYY-MM-DD. */
export function dayName(day: number): string {
  return new Date(startOf(day)).toISOString().slice(0, 10);
}

/**
 * Counts documents by the UTC day of a time in ms, in the server: only the counts are sent.
 * @param matches conditions, each a separate `$match`; what an index serves comes first.
 * @param field the time, a top-level field.
 * @param by an expression to count by besides the day.
 */
export function countByDay<T extends Document>(
  col: Collection<T>,
  matches: readonly Document[],
  field: string,
  { maxTimeMS, by = null }: { readonly maxTimeMS: number; readonly by?: unknown },
): Promise<DayCount[]> {
  const stages = matches.map(($match) => ({ $match }));
  const day = { $floor: { $divide: [`$${field}`, DAY_MS] } };
  return col
    .aggregate<DayCount>(
      [
        ...stages,
        { $group: { _id: { day, by }, n: { $sum: 1 } } },
        { $project: { _id: 0, day: '$_id.day', by: '$_id.by', n: 1 } },
      ],
      { maxTimeMS },
    )
    .toArray();
}

/** Counts by day as answers show them: YYYY-MM-DD, rising. */
function namedDays(counts: readonly DayCount[]): Record<string, number> {
  const days = new Map<number, number>();
  for (const { day, n } of counts) days.set(day, (days.get(day) ?? 0) + n);
  return Object.fromEntries([...days].sort(([a], [b]) => a - b).map(([day, n]) => [dayName(day), n]));
}

/** How many documents of a tenant were made: at all, before a period, and per UTC day of it. */
export interface CreatedCounts {
  readonly total: number;
  readonly before: number;
  /** By UTC day, YYYY-MM-DD. */
  readonly days: Readonly<Record<string, number>>;
}

/** Counts a tenant's documents by `createTime`, by the index that begins with it. `end` is not part of the period. */
export async function countCreated<T extends TenantDocument & { createTime: number }>(
  { col }: TenantCollection<T>,
  tenant: TenantId,
  { start, end }: { readonly start: number; readonly end: number },
  maxTimeMS: number,
): Promise<CreatedCounts> {
  const before = (createTime: Document): Filter<T> => ({ t: tenant, createTime }) as unknown as Filter<T>;
  const [total, earlier, days] = await Promise.all([
    col.countDocuments({ t: tenant } as Filter<T>, { maxTimeMS }),
    col.countDocuments(before({ $lt: start }), { maxTimeMS }),
    countByDay(col, [before({ $gte: start, $lt: end })], 'createTime', { maxTimeMS }),
  ]);
  return { total, before: earlier, days: namedDays(days) };
}
