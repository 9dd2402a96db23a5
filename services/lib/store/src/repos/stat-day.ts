import type { TenantId } from '@im/contract';
import { dayName } from '@im/kit';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/** Messages by kind of conversation. */
export interface MessageTotals {
  /** Of single chats. */
  readonly single: number;
  /** Messages to groups. */
  readonly group: number;
  /** Notifications and system messages. */
  readonly notification: number;
}

/** Figures of one day of a tenant, in its time zone; those that were not taken yet are absent. */
export interface StatDay extends Partial<MessageTotals> {
  /** Days since 1970. */
  readonly day: number;
  /** Messages by content type; types that OpenIM does not name are `other`. */
  readonly types?: Readonly<Record<string, number>>;
  /** Users who sent a message to a single chat or a group. */
  readonly activeUsers?: number;
  /** Groups in which a message was sent. */
  readonly activeGroups?: number;
  /** Accounts made on the day, those of administrators included. */
  readonly registrations?: number;
  /** Accounts at the end of the day, or at the last count. */
  readonly users?: number;
  /** Groups made on the day. */
  readonly groupsCreated?: number;
  /** Groups at the end of the day, or at the last count; dismissed ones included. */
  readonly groups?: number;
  /** Most users that were online at once, as sampled. */
  readonly peakUsers?: number;
  /** Most connections at once, as sampled. */
  readonly peakConnections?: number;
  /** Bytes of stored objects, at the last count of the day. */
  readonly storageBytes?: number;
  /** Stored objects, at the last count of the day. */
  readonly storageObjects?: number;
  /** Requests that limits refused. */
  readonly throttled?: number;
}

/** `_id` = tenant, day as YYYY-MM-DD. */
interface StatDayDocument extends TenantDocument, StatDay {
  v: 1;
  /** The last reports that `throttled` has, so that one that comes again is not counted twice. */
  reports?: string[];
}

/**
 * Reports that a day of a tenant remembers, those of all processes together. Each process that refuses something adds
 * one every 30 seconds: one that comes again so much later is recognized where up to 64 processes do.
 */
const REPORTS = 64;

/** Collection of the daily figures of tenants, written by the statistics job of cron, and by the user domain. */
export const STAT_DAYS = defineCollection<StatDayDocument>('stat_day', [{ keys: { day: 1 } }]);

/** Days from `first` to `last`, both included, since 1970. */
export interface DaySpan {
  readonly first: number;
  readonly last: number;
}

/** Daily figures of tenants. */
export interface StatDayRepo {
  /** The days of a span that have figures, rising; at most `limit`. */
  days(tenant: TenantId, span: DaySpan, limit: number): Promise<StatDay[]>;
  /** Writes figures of a day; those that are not named stay. Doing it again changes nothing. */
  set(tenant: TenantId, figures: StatDay): Promise<void>;
  /** Raises the peaks of a day; lower ones change nothing. */
  raisePeaks(
    tenant: TenantId,
    peaks: { readonly day: number; readonly users: number; readonly connections: number },
  ): Promise<void>;
  /**
   * Adds requests that limits refused to a day.
   * @param report names the report that they are from: adding it again changes nothing.
   */
  addThrottled(
    tenant: TenantId,
    report: string,
    refused: { readonly day: number; readonly count: number },
  ): Promise<void>;
  /** Removes all days before one. @returns how many. */
  removeBefore(tenant: TenantId, day: number): Promise<number>;
}

/** The daily figures of a store. */
export function statDayRepo(store: Store): StatDayRepo {
  const days = (tenant: TenantId) => store.collection(tenant, STAT_DAYS);

  return guarded<StatDayRepo>({
    async days(tenant, { first, last }, limit) {
      const found = await days(tenant)
        .col.find(
          { t: tenant, day: { $gte: first, $lt: last + 1 } },
          { sort: { day: 1 }, limit, projection: { reports: 0 } },
        )
        .toArray();
      return found.map(({ _id, t, v, ...figures }) => figures);
    },
    async set(tenant, figures) {
      const { col, key } = days(tenant);
      await retryDuplicate(() =>
        col.updateOne(
          { _id: key(dayName(figures.day)) },
          { $set: { ...figures, t: tenant, v: 1 } },
          { upsert: true },
        ),
      );
    },
    async raisePeaks(tenant, { day, users, connections }) {
      const { col, key } = days(tenant);
      await retryDuplicate(() =>
        col.updateOne(
          { _id: key(dayName(day)) },
          {
            $max: { peakUsers: users, peakConnections: connections },
            $setOnInsert: { t: tenant, v: 1, day },
          },
          { upsert: true },
        ),
      );
    },
    async addThrottled(tenant, report, { day, count }) {
      const { col, key } = days(tenant);
      const _id = key(dayName(day));
      const add = { $inc: { throttled: count }, $push: { reports: { $each: [report], $slice: -REPORTS } } };
      const { matchedCount } = await col.updateOne({ _id, reports: { $ne: report } }, add);
      if (matchedCount > 0) return;
      // It has the report, or there is no such day yet.
      const first = { _id, t: tenant, v: 1 as const, day, throttled: count, reports: [report] };
      if (!(await insertNew(col, first))) await col.updateOne({ _id, reports: { $ne: report } }, add);
    },
    async removeBefore(tenant, day) {
      const { deletedCount } = await days(tenant).col.deleteMany({ t: tenant, day: { $lt: day } });
      return deletedCount;
    },
  });
}
