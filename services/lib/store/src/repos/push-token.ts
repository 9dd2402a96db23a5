import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';

/** How a user's device is reached by a push provider. `_id` = tenant, user, platform. */
interface PushTokenDocument extends TenantDocument {
  v: 1;
  userID: string;
  platformID: number;
  token: string;
  /** ms; 0: never. */
  expires: number;
}

/** A user's badge. `_id` = tenant, user. */
interface BadgeDocument extends TenantDocument {
  v: 1;
  count: number;
}

/** Collection of device tokens; the third domain alone writes it. */
export const PUSH_TOKENS = defineCollection<PushTokenDocument>('push_token', [{ keys: { userID: 1 } }]);
/** Collection of badges; the third domain alone writes it. */
export const BADGES = defineCollection<BadgeDocument>('badge');

/** A device of a user. */
export interface PushToken {
  readonly userID: string;
  readonly platformID: number;
  readonly token: string;
}

/** Registered devices and badges. */
export interface PushTokenRepo {
  /** @param expires ms since the epoch; 0: never. */
  put(tenant: TenantId, device: PushToken, expires: number): Promise<void>;
  remove(tenant: TenantId, userID: string, platformID: number): Promise<void>;
  /** Devices of these users whose registration has not expired. */
  ofUsers(tenant: TenantId, userIDs: readonly string[], now: number): Promise<PushToken[]>;
  setBadge(tenant: TenantId, userID: string, count: number): Promise<void>;
}

/** The registered devices of a store. */
export function pushTokenRepo(store: Store): PushTokenRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, PUSH_TOKENS);

  return guarded<PushTokenRepo>({
    async put(tenant, { userID, platformID, token }, expires) {
      const _id = collectionOf(tenant).key(userID, String(platformID));
      await retryDuplicate(() =>
        collectionOf(tenant).col.updateOne(
          { _id },
          { $set: { t: tenant, v: 1, userID, platformID, token, expires } },
          { upsert: true },
        ),
      );
    },
    async remove(tenant, userID, platformID) {
      await collectionOf(tenant).col.deleteOne({ _id: collectionOf(tenant).key(userID, String(platformID)) });
    },
    async ofUsers(tenant, userIDs, now) {
      if (userIDs.length === 0) return [];
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, userID: { $in: [...userIDs] } })
        .toArray();
      return docs
        .filter(({ expires }) => expires === 0 || expires > now)
        .map(({ userID, platformID, token }) => ({ userID, platformID, token }));
    },
    async setBadge(tenant, userID, count) {
      const badges = store.collection(tenant, BADGES);
      await retryDuplicate(() =>
        badges.col.updateOne(
          { _id: badges.key(userID) },
          { $set: { t: tenant, v: 1, count } },
          { upsert: true },
        ),
      );
    },
  });
}
