import type { TenantId } from '@im/contract';
import type { AnyBulkWriteOperation } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import { documentsOf } from './by-id.ts';

/** A user's badge, and when they want no notification. `_id` = tenant, user. */
interface PreferenceDocument extends TenantDocument {
  v: 1;
  /** Absent before the first badge. */
  count?: number;
  quiet?: QuietHours;
}

/** Collection of badges and quiet hours; the third domain writes it, and push counts badges up. */
export const PUSH_PREFERENCES = defineCollection<PreferenceDocument>('badge');

/** A daily time without offline notifications; from `start` up to `end`, over midnight when that is earlier. */
export interface QuietHours {
  /** Minutes after midnight. */
  readonly start: number;
  readonly end: number;
  /** IANA time zone. */
  readonly timeZone: string;
}

/** Badges and quiet hours. */
export interface PushPreferenceRepo {
  setBadge(tenant: TenantId, userID: string, count: number): Promise<void>;
  /** Adds 1 to the badge of each. */
  raiseBadges(tenant: TenantId, userIDs: readonly string[]): Promise<void>;
  /** @param quiet undefined removes them. */
  setQuietHours(tenant: TenantId, userID: string, quiet: QuietHours | undefined): Promise<void>;
  /** Removes badge and quiet hours. @returns how many documents. */
  remove(tenant: TenantId, userID: string): Promise<number>;
  /** Numbers on the app's icon, as clients set them or push counted them; users without one are left out. */
  badgesOf(tenant: TenantId, userIDs: readonly string[]): Promise<Map<string, number>>;
  /** Of those that have any; for at most 30 s not the latest ones, should an invalidation be lost. */
  quietHoursOf(tenant: TenantId, userIDs: readonly string[]): Promise<Map<string, QuietHours>>;
}

/** Push asks about every receiver that is offline, and hardly any user has quiet hours. */
const CACHE = { name: 'quiet-hours', max: 100_000, ttlMs: 30_000, negativeTtlMs: 30_000 };

/** The preferences of a store. */
export function pushPreferenceRepo(store: Store): PushPreferenceRepo {
  const cache = store.cached<QuietHours>(CACHE);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, PUSH_PREFERENCES);

  /** One field of the users that have it. */
  async function read<K extends 'count' | 'quiet'>(
    tenant: TenantId,
    userIDs: readonly string[],
    field: K,
  ): Promise<Map<string, NonNullable<PreferenceDocument[K]>>> {
    const view = collectionOf(tenant);
    const keys = userIDs.map((userID) => view.key(userID));
    const docs = await documentsOf(view, [keys], { [field]: 1 });
    const found = new Map<string, NonNullable<PreferenceDocument[K]>>();
    for (const [i, userID] of userIDs.entries()) {
      const value = docs.get(keys[i] ?? '')?.[field];
      if (value !== undefined) found.set(userID, value);
    }
    return found;
  }

  return guarded<PushPreferenceRepo>({
    async setBadge(tenant, userID, count) {
      const { col, key } = collectionOf(tenant);
      await retryDuplicate(() =>
        col.updateOne({ _id: key(userID) }, { $set: { t: tenant, v: 1, count } }, { upsert: true }),
      );
    },
    async raiseBadges(tenant, userIDs) {
      if (userIDs.length === 0) return;
      const { col, key } = collectionOf(tenant);
      const writes = userIDs.map(
        (userID): AnyBulkWriteOperation<PreferenceDocument> => ({
          updateOne: {
            filter: { _id: key(userID) },
            update: { $inc: { count: 1 }, $setOnInsert: { t: tenant, v: 1 } },
            upsert: true,
          },
        }),
      );
      await col.bulkWrite(writes, { ordered: false });
    },
    async setQuietHours(tenant, userID, quiet) {
      const { col, key } = collectionOf(tenant);
      const change = quiet
        ? { $set: { t: tenant, v: 1 as const, quiet } }
        : { $set: { t: tenant, v: 1 as const }, $unset: { quiet: true as const } };
      await retryDuplicate(() => col.updateOne({ _id: key(userID) }, change, { upsert: true }));
      await cache.invalidate(tenant, [userID]);
    },
    async remove(tenant, userID) {
      const { col, key } = collectionOf(tenant);
      const { deletedCount } = await col.deleteOne({ _id: key(userID) });
      await cache.invalidate(tenant, [userID]);
      return deletedCount;
    },
    badgesOf: (tenant, userIDs) => read(tenant, userIDs, 'count'),
    quietHoursOf: (tenant, userIDs) =>
      cache.getMany(tenant, userIDs, (missing) => read(tenant, missing, 'quiet')),
  });
}
