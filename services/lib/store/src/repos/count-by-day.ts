import { type Calendar, offsetSpans } from '@im/kit';
import type { Collection, Document } from 'mongodb';

const DAY_MS = 86_400_000;

/** How many documents of one day there are. */
export interface DayCount {
  /** Days since 1970. */
  readonly day: number;
  readonly n: number;
}

/** Which documents are counted, by which days. */
export interface DayCountOptions {
  /** Conditions besides the time; what an index serves comes first. */
  readonly match: Document;
  /** The time, a top-level field in ms. */
  readonly field: string;
  /** Times from (inclusive) to (exclusive), ms; what lies more than a day ahead is not counted. */
  readonly period: { readonly start: number; readonly end: number };
  readonly calendar: Calendar;
  readonly maxTimeMS: number;
}

/** Counts documents by the day of a time, in the server: only the counts are sent. */
export async function countByDay<T extends Document>(
  col: Collection<T>,
  { match, field, period, calendar, maxTimeMS }: DayCountOptions,
): Promise<DayCount[]> {
  const counts = new Map<number, number>();
  const past = { ...period, end: Math.min(period.end, Date.now() + DAY_MS) };
  // Not every server knows time zones.
  for (const { start, end, offset } of offsetSpans(calendar, past)) {
    const local = offset === 0 ? `$${field}` : { $add: [`$${field}`, offset] };
    const found = await col
      .aggregate<{ day: number; n: number }>(
        [
          { $match: { ...match, [field]: { ...(start > 0 && { $gte: start }), $lt: end } } },
          { $group: { _id: { $floor: { $divide: [local, DAY_MS] } }, n: { $sum: 1 } } },
          { $project: { _id: 0, day: '$_id', n: 1 } },
        ],
        { maxTimeMS },
      )
      .toArray();
    for (const { day, n } of found) counts.set(day, (counts.get(day) ?? 0) + n);
  }
  return [...counts].map(([day, n]) => ({ day, n }));
}

/** How many documents of a tenant were made: at all, before a period, and per day of it. */
export interface CreatedCounts {
  readonly total: number;
  readonly before: number;
  /** By day in the tenant's time zone, YYYY-MM-DD. */
  readonly days: Readonly<Record<string, number>>;
}
