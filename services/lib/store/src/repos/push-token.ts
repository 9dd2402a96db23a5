import type { TenantId } from '@im/contract';
import { token16 } from '@im/kit';
import type { Document, Filter } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import { readsByUser } from './by-user.ts';

/** How a user's device is reached by a push provider. `_id` = tenant, user, platform; with several per platform, hash. */
interface PushTokenDocument extends TenantDocument {
  v: 1;
  userID: string;
  platformID: number;
  /** As it was registered, with the prefix of its kind. */
  token: string;
  /** ms; 0: never. */
  expires: number;
  /** ms; absent in documents of earlier versions. */
  registered?: number;
  /** Of the token, to find whom it belonged to; absent in documents of earlier versions. */
  hash?: string;
}

/** Collection of device tokens; the third domain writes it, and push removes tokens that providers report as gone. */
export const PUSH_TOKENS = defineCollection<PushTokenDocument>('push_token', [
  { keys: { userID: 1 } },
  { keys: { hash: 1 } },
  { keys: { registered: 1 } },
  { keys: { expires: 1 } },
]);

/** A device of a user. */
export interface PushToken {
  readonly userID: string;
  readonly platformID: number;
  readonly token: string;
}

/** A device whose registration is in force. */
export interface RegisteredDevice extends PushToken {
  /** When it was registered, ms; 0 when that is not known. */
  readonly registered: number;
}

/** How a token is registered. */
export interface Registration {
  /** ms since the epoch; 0: never. */
  readonly expires: number;
  /** ms since the epoch. */
  readonly now: number;
  /** Keeps other tokens of the user on the same platform; else it replaces them. @default false */
  readonly several?: boolean;
}

/** Most tokens of one user; the oldest registration gives way. */
export const MAX_TOKENS_PER_USER = 32;
/** Registrations removed at once. */
const STALE_PAGE = 500;
/** Users in one query. */
const USERS_PER_QUERY = 500;

/** Registered devices. */
export interface PushTokenRepo {
  /**
   * Registers a device. A token is that of one user: it is taken from the user who had it before. Expired registrations
   * of the user, and those beyond {@link MAX_TOKENS_PER_USER}, are removed.
   */
  put(tenant: TenantId, device: PushToken, registration: Registration): Promise<void>;
  /** Removes all tokens of a user on a platform. */
  remove(tenant: TenantId, userID: string, platformID: number): Promise<void>;
  /** Removes all tokens of a user. @returns how many. */
  removeAll(tenant: TenantId, userID: string): Promise<number>;
  /** Removes one token of a user, on whichever platform. */
  removeToken(tenant: TenantId, userID: string, token: string): Promise<void>;
  /** Removes a token that is gone, unless it was registered after `until` (ms). @returns whether it was removed. */
  removeGone(tenant: TenantId, device: PushToken, until: number): Promise<boolean>;
  /**
   * Removes registrations that have expired at `now`, and those that were not repeated since `registeredBefore` (ms; 0
   * keeps them). Those of versions that noted no time count from now on. One that is repeated meanwhile stays.
   * @returns how many were removed.
   */
  removeStale(
    tenant: TenantId,
    times: { readonly now: number; readonly registeredBefore: number },
    signal: AbortSignal,
  ): Promise<number>;
  /** Devices of these users whose registration has not expired. */
  ofUsers(tenant: TenantId, userIDs: readonly string[], now: number): Promise<RegisteredDevice[]>;
}

/** The registered devices of a store. */
export function pushTokenRepo(store: Store): PushTokenRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, PUSH_TOKENS);
  const hashOf = (token: string) => token16('push-token', token);
  const byUser = readsByUser(store, { name: 'push-tokens', spec: PUSH_TOKENS, field: 'userID' });

  /** All registrations of some users, whether expired or not. */
  async function documents(tenant: TenantId, userIDs: readonly string[]): Promise<PushTokenDocument[]> {
    const [first] = userIDs;
    if (first !== undefined && userIDs.length === 1) return byUser({ tenant, userID: first });
    const parts: Promise<PushTokenDocument[]>[] = [];
    for (let i = 0; i < userIDs.length; i += USERS_PER_QUERY) {
      const filter = { t: tenant, userID: { $in: userIDs.slice(i, i + USERS_PER_QUERY) } };
      parts.push(collectionOf(tenant).col.find(filter).toArray());
    }
    return (await Promise.all(parts)).flat();
  }

  async function removeIDs(tenant: TenantId, docs: readonly PushTokenDocument[]): Promise<void> {
    // A registration that was repeated meanwhile stays.
    await Promise.all(
      docs.map(({ _id, token, registered }) => {
        const same = registered === undefined ? { _id, token } : { _id, token, registered };
        return collectionOf(tenant).col.deleteOne(same);
      }),
    );
  }

  /** Removes what matches the filter, a page at a time. */
  async function removeMatching(
    tenant: TenantId,
    filter: Filter<PushTokenDocument>,
    signal: AbortSignal,
  ): Promise<number> {
    const { col } = collectionOf(tenant);
    let removed = 0;
    while (!signal.aborted) {
      const found = await col.find(filter, { projection: { _id: 1 }, limit: STALE_PAGE }).toArray();
      if (found.length === 0) break;
      // By the condition again: a registration that was repeated meanwhile no longer meets it.
      const { deletedCount } = await col.deleteMany({ _id: { $in: found.map(({ _id }) => _id) }, ...filter });
      removed += deletedCount;
      if (found.length < STALE_PAGE) break;
    }
    return removed;
  }

  return guarded<PushTokenRepo>({
    async put(tenant, { userID, platformID, token }, { expires, now, several = false }) {
      const { col, key } = collectionOf(tenant);
      const hash = hashOf(token);
      const _id = key(userID, String(platformID), ...(several ? [hash] : []));
      const fields = { t: tenant, v: 1 as const, userID, platformID, token, expires, registered: now, hash };
      await retryDuplicate(() => col.updateOne({ _id }, { $set: fields }, { upsert: true }));
      const [own, same] = await Promise.all([
        col.find({ t: tenant, userID }).toArray(),
        col.find({ t: tenant, hash }).toArray(),
      ]);
      const others = own.filter((doc) => doc._id !== _id);
      const isObsolete = (doc: PushTokenDocument) =>
        (doc.expires !== 0 && doc.expires <= now) ||
        doc.token === token ||
        (!several && doc.platformID === platformID);
      const surplus = others
        .filter((doc) => !isObsolete(doc))
        .sort((a, b) => (b.registered ?? 0) - (a.registered ?? 0))
        .slice(MAX_TOKENS_PER_USER - 1);
      const taken = same.filter((doc) => doc.userID !== userID && (doc.registered ?? 0) <= now);
      await removeIDs(tenant, [...others.filter(isObsolete), ...surplus, ...taken]);
    },
    async remove(tenant, userID, platformID) {
      const docs = await collectionOf(tenant).col.find({ t: tenant, userID }).toArray();
      await removeIDs(
        tenant,
        docs.filter((doc) => doc.platformID === platformID),
      );
    },
    async removeAll(tenant, userID) {
      return (await collectionOf(tenant).col.deleteMany({ t: tenant, userID })).deletedCount;
    },
    async removeToken(tenant, userID, token) {
      const docs = await collectionOf(tenant).col.find({ t: tenant, userID }).toArray();
      await removeIDs(
        tenant,
        docs.filter((doc) => doc.token === token),
      );
    },
    async removeGone(tenant, { userID, platformID, token }, until) {
      const { col, key } = collectionOf(tenant);
      const slots = [key(userID, String(platformID)), key(userID, String(platformID), hashOf(token))];
      const removed = await Promise.all(
        slots.map((_id) =>
          col.deleteOne({
            _id,
            token,
            $or: [{ registered: { $lte: until } }, { registered: { $exists: false } }],
          }),
        ),
      );
      return removed.some(({ deletedCount }) => deletedCount > 0);
    },
    async removeStale(tenant, { now, registeredBefore }, signal) {
      const expired = await removeMatching(tenant, { t: tenant, expires: { $gt: 0, $lt: now + 1 } }, signal);
      if (registeredBefore === 0) return expired;
      // Equal to null is what is absent, too.
      const unknown = { t: tenant, registered: null } as Filter<Document> as Filter<PushTokenDocument>;
      await collectionOf(tenant).col.updateMany(unknown, { $set: { registered: now } });
      const old = { t: tenant, registered: { $lt: registeredBefore } };
      return expired + (await removeMatching(tenant, old, signal));
    },
    async ofUsers(tenant, userIDs, now) {
      const docs = await documents(tenant, userIDs);
      return docs
        .filter(({ expires }) => expires === 0 || expires > now)
        .map(({ userID, platformID, token, registered = 0 }) => ({ userID, platformID, token, registered }));
    },
  });
}
