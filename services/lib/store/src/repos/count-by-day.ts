import type { Collection, Document } from 'mongodb';

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

/** How many documents of a tenant were made: at all, before a period, and per UTC day of it. */
export interface CreatedCounts {
  readonly total: number;
  readonly before: number;
  /** By UTC day, YYYY-MM-DD. */
  readonly days: Readonly<Record<string, number>>;
}
