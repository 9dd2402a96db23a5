import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/** A code that was sent. `_id` = tenant, purpose, address; all that could name a person is hashed with a secret. */
interface CodeDocument extends TenantDocument {
  v: 1;
  /** Distinguishes a code from the one before it. */
  id: string;
  hash: string;
  /** Failed and running attempts. */
  attempts: number;
  expires: number;
}

/** How often something happened. `_id` = tenant, what is counted and its time. */
interface CountDocument extends TenantDocument {
  v: 1;
  count: number;
  expires: number;
}

/** Collection of codes; the third domain writes it, and cron removes what has expired. */
export const VERIFICATION_CODES = defineCollection<CodeDocument>('verification_code', [
  { keys: { expires: 1 } },
]);

/** Collection of counts of codes, in the database, so that limits of what costs money outlive a loss of Redis. */
export const VERIFICATION_COUNTS = defineCollection<CountDocument>('verification_count', [
  { keys: { expires: 1 } },
]);

/** A code, without what would reveal it. */
export interface StoredCode {
  readonly id: string;
  readonly hash: string;
  /** ms. */
  readonly expires: number;
}

/** Something that is counted, and how often it may happen. */
export interface CodeCount {
  /** What is counted, with its time; hashed where it could name a person. */
  readonly key: readonly string[];
  readonly most: number;
  /** When it may be forgotten, ms. */
  readonly expires: number;
}

/** Codes and their limits. Every change is one operation, so that callers at the same time cannot exceed a limit. */
export interface VerificationCodeRepo {
  /** Stores a code in place of the one before it. */
  put(tenant: TenantId, key: readonly string[], code: StoredCode): Promise<void>;
  /** Takes one of the attempts of a code. @returns undefined when there is no code, or no attempt left. */
  attempt(
    tenant: TenantId,
    key: readonly string[],
    attempts: number,
    now: number,
  ): Promise<StoredCode | undefined>;
  /** Removes a code. @returns whether it was there: of several callers, one gets true. */
  remove(tenant: TenantId, key: readonly string[], id: string): Promise<boolean>;
  /** Counts, unless that would be more than `most`. @returns whether it was counted. */
  count(tenant: TenantId, count: CodeCount): Promise<boolean>;
  /**
   * Keeps a key until a time (ms), unless it is kept already.
   * @returns 0 when it was free, or for how long it is still kept, ms.
   */
  hold(tenant: TenantId, key: readonly string[], now: number, until: number): Promise<number>;
  /** Frees a key that was kept until this time. */
  release(tenant: TenantId, key: readonly string[], until: number): Promise<void>;
  /** Takes a count back. */
  uncount(tenant: TenantId, key: readonly string[]): Promise<void>;
  /** Removes what has expired. @returns how much. */
  removeExpired(tenant: TenantId, now: number): Promise<number>;
}

/** The codes of a store. */
export function verificationCodeRepo(store: Store): VerificationCodeRepo {
  const codes = (tenant: TenantId) => store.collection(tenant, VERIFICATION_CODES);
  const counts = (tenant: TenantId) => store.collection(tenant, VERIFICATION_COUNTS);

  return guarded<VerificationCodeRepo>({
    async put(tenant, parts, { id, hash, expires }) {
      const { col, key } = codes(tenant);
      const fields = { t: tenant, v: 1 as const, id, hash, expires, attempts: 0 };
      await col.updateOne({ _id: key(...parts) }, { $set: fields }, { upsert: true });
    },
    async attempt(tenant, parts, attempts, now) {
      const { col, key } = codes(tenant);
      const _id = key(...parts);
      const found = await col.findOne({ _id });
      if (!found || found.expires <= now) return undefined;
      const { id, hash, expires } = found;
      const filter = { _id, id, attempts: { $lt: attempts } };
      const { matchedCount } = await col.updateOne(filter, { $inc: { attempts: 1 } });
      return matchedCount === 1 ? { id, hash, expires } : undefined;
    },
    async remove(tenant, parts, id) {
      const { col, key } = codes(tenant);
      return (await col.deleteOne({ _id: key(...parts), id })).deletedCount === 1;
    },
    async count(tenant, { key: parts, most, expires }) {
      const { col, key } = counts(tenant);
      const _id = key(...parts);
      const below = { _id, count: { $lt: most } };
      const add = { $inc: { count: 1 } };
      if ((await col.updateOne(below, add)).matchedCount === 1) return true;
      if (await insertNew(col, { _id, t: tenant, v: 1, count: 1, expires })) return true;
      // It is at its limit, or was made by another caller meanwhile.
      return (await col.updateOne(below, add)).matchedCount === 1;
    },
    async hold(tenant, parts, now, until) {
      const { col, key } = counts(tenant);
      const _id = key(...parts);
      const free = { _id, expires: { $lt: now + 1 } };
      if ((await col.updateOne(free, { $set: { expires: until } })).matchedCount === 1) return 0;
      if (await insertNew(col, { _id, t: tenant, v: 1, count: 1, expires: until })) return 0;
      const kept = await col.findOne({ _id });
      return Math.max(1, (kept?.expires ?? now) - now);
    },
    async release(tenant, parts, until) {
      const { col, key } = counts(tenant);
      await col.deleteOne({ _id: key(...parts), expires: until });
    },
    async uncount(tenant, parts) {
      const { col, key } = counts(tenant);
      await col.updateOne({ _id: key(...parts), count: { $gt: 0 } }, { $inc: { count: -1 } });
    },
    async removeExpired(tenant, now) {
      const filter = { t: tenant, expires: { $lt: now } };
      const [first, second] = await Promise.all([
        codes(tenant).col.deleteMany(filter),
        counts(tenant).col.deleteMany(filter),
      ]);
      return first.deletedCount + second.deletedCount;
    },
  });
}
