import type { TenantId } from '@im/contract';
import { ERR, ImError } from '@im/protocol';
import { guarded } from '../errors.ts';
import { insertNew, untilWritten } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import { timeOrder } from './list-keys.ts';
import { type Ban, TOKEN_ISSUES, TOO_MANY_LOGINS } from './token.ts';

/** A user who may not log in. */
export interface BannedUser extends Ban {
  readonly userID: string;
}

/** Bans of users. They are kept where logins take their numbers, so that no login overtakes a ban. */
export interface BanRepo {
  /**
   * Bans a user, or replaces the ban.
   * @returns an issue number above those of all tokens that the user was given before; none is given afterwards.
   */
  set(tenant: TenantId, userID: string, ban: Ban): Promise<number>;
  /** Ends a ban, but not that of a deleted account. @returns false when there was none. */
  clear(tenant: TenantId, userID: string): Promise<boolean>;
  /** The bans of those of these users who have one, whether it has ended or not. */
  getMany(tenant: TenantId, userIDs: readonly string[]): Promise<BannedUser[]>;
  /** Newest first, without deleted accounts. @param before cursor: the `next` of the page before. */
  list(
    tenant: TenantId,
    limit: number,
    before?: string,
  ): Promise<{ readonly bans: BannedUser[]; readonly next?: string }>;
  /** Removes bans that have ended by `now` (ms). @returns how many. */
  removeEnded(tenant: TenantId, now: number): Promise<number>;
}

/** Whether a ban is in force at `now` (ms). */
export function isInForce({ until }: Pick<Ban, 'until'>, now: number): boolean {
  return until === 0 || until > now;
}

/** The bans of a store. */
export function banRepo(store: Store): BanRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, TOKEN_ISSUES);

  return guarded<BanRepo>({
    async set(tenant, userID, ban) {
      const { col, key } = collectionOf(tenant);
      const _id = key(userID);
      const fields = { ban, ...(!ban.deleted && { banned: timeOrder(ban.time, userID) }) };
      const unset = ban.deleted ? { $unset: { banned: '' as const } } : {};
      return untilWritten(async () => {
        const before = await col.findOne({ _id });
        const issue = (before?.issue ?? 0) + 1;
        if (before?.ban?.deleted && !ban.deleted)
          throw new ImError(ERR.UserIDNotFoundError, `the account ${userID} was deleted`);
        const update = { $set: { issue, ...fields }, ...unset };
        const done = before
          ? (await col.updateOne({ _id, issue: before.issue }, update)).matchedCount === 1
          : await insertNew(col, { _id, t: tenant, issue, ...fields });
        return done ? issue : undefined;
      }, TOO_MANY_LOGINS);
    },
    async clear(tenant, userID) {
      const { col, key } = collectionOf(tenant);
      const filter = { _id: key(userID), ban: { $exists: true }, 'ban.deleted': { $ne: true } };
      const { modifiedCount } = await col.updateOne(filter, { $unset: { ban: '', banned: '' } });
      return modifiedCount === 1;
    },
    async getMany(tenant, userIDs) {
      const { col, key, parts } = collectionOf(tenant);
      const filter = { _id: { $in: userIDs.map((id) => key(id)) } };
      const docs = await col.find(filter, { projection: { ban: 1 } }).toArray();
      return docs.flatMap(({ _id, ban }) => (ban ? [{ userID: parts(_id)[0] ?? '', ...ban }] : []));
    },
    async list(tenant, limit, before) {
      const { col, parts } = collectionOf(tenant);
      const filter = { t: tenant, banned: { $gt: '', ...(before !== undefined && { $lt: before }) } };
      const docs = await col.find(filter, { sort: { banned: -1 }, limit: limit + 1 }).toArray();
      const page = docs.slice(0, limit);
      return {
        bans: page.flatMap(({ _id, ban }) => (ban ? [{ userID: parts(_id)[0] ?? '', ...ban }] : [])),
        ...(docs.length > limit && { next: page.at(-1)?.banned }),
      };
    },
    async removeEnded(tenant, now) {
      const { col } = collectionOf(tenant);
      const ended = { t: tenant, banned: { $gt: '' }, 'ban.until': { $gt: 0, $lt: now } };
      return (await col.updateMany(ended, { $unset: { ban: '', banned: '' } })).modifiedCount;
    },
  });
}
