import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import type { AnyBulkWriteOperation } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { bulkUpsert } from './bulk-writes.ts';
import { insertionOrder } from './list-keys.ts';
import type { Page } from './user.ts';
import { SORT_ENTRY, type VersionStamp } from './version-delta.ts';
import { type Change, deleted, inserted, updated, type VersionLogs, versionLogs } from './version-log.ts';

/** One direction of a friendship: `friendUserID` stands in the list of `ownerUserID`. */
export interface Friend {
  readonly ownerUserID: string;
  readonly friendUserID: string;
  readonly remark: string;
  /** ms. */
  readonly createTime: number;
  /** 1 import, 2 application. */
  readonly addSource: number;
  readonly operatorUserID: string;
  readonly ex: string;
  readonly isPinned: boolean;
}

/** `_id` = tenant, owner, friend. */
interface FriendDocument extends TenantDocument {
  v: 1;
  ownerUserID: string;
  friendUserID: string;
  remark: string;
  createTime: number;
  addSource: number;
  operatorUserID: string;
  ex: string;
  /** 0 pinned, 1 not: pinned ones come first. */
  rank: number;
  /** Insertion order. */
  ord: number;
}

/** Collection of friends; the relation domain alone writes it. */
export const FRIENDS = defineCollection<FriendDocument>('friend', [
  { keys: { ownerUserID: 1, rank: 1, ord: 1 } },
  { keys: { friendUserID: 1 } },
]);

/** Changes of friends; what is absent stays. */
export interface FriendChanges {
  readonly remark?: string;
  readonly ex?: string;
  readonly isPinned?: boolean;
}

/** Friends of users. Writes keep the owners' version logs. Lists are pinned first, then in order of insertion. */
export interface FriendRepo {
  /** Versions of each user's list. */
  readonly versions: VersionLogs;
  /** Whether `friendUserID` stands in the owner's list; from the process's copy, for the checks on sending. */
  isFriend(tenant: TenantId, ownerUserID: string, friendUserID: string): Promise<boolean>;
  /** Those of the owner's friends that are named; others are left out. */
  find(tenant: TenantId, ownerUserID: string, friendUserIDs: readonly string[]): Promise<Friend[]>;
  list(tenant: TenantId, ownerUserID: string, page: Page): Promise<{ total: number; friends: Friend[] }>;
  /** The ids of all friends of a user. */
  ids(tenant: TenantId, ownerUserID: string): Promise<string[]>;
  /** Users in whose lists the user stands. */
  ownersOf(tenant: TenantId, friendUserID: string): Promise<string[]>;
  /** Adds the directions that are missing, of any owners. */
  add(tenant: TenantId, friends: readonly Friend[]): Promise<void>;
  /** Removes one direction; the version rises also when there was none. */
  remove(tenant: TenantId, ownerUserID: string, friendUserID: string): Promise<VersionStamp>;
  /** Applies the changes to those that exist. @returns undefined when none does. */
  update(
    tenant: TenantId,
    ownerUserID: string,
    friendUserIDs: readonly string[],
    changes: FriendChanges,
  ): Promise<VersionStamp | undefined>;
  /** Notes in the logs of these owners that the profile of their friend changed. */
  touch(tenant: TenantId, ownerUserIDs: readonly string[], friendUserID: string): Promise<void>;
}

const CACHE = { name: 'friend', max: 100_000, ttlMs: 30_000, negativeTtlMs: 2_000 };
const pairID = (owner: string, friend: string) => owner + KEY_SEPARATOR + friend;

function toFriend(doc: FriendDocument): Friend {
  return {
    ownerUserID: doc.ownerUserID,
    friendUserID: doc.friendUserID,
    remark: doc.remark,
    createTime: doc.createTime,
    addSource: doc.addSource,
    operatorUserID: doc.operatorUserID,
    ex: doc.ex,
    isPinned: doc.rank === 0,
  };
}

/** The friends of a store. */
export function friendRepo(store: Store): FriendRepo {
  const versions = versionLogs(store, 'friend');
  const cache = store.cached<true>(CACHE);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, FRIENDS);
  const ORDER = { rank: 1, ord: 1 } as const;

  async function find(tenant: TenantId, ownerUserID: string, friendUserIDs: readonly string[]) {
    const friends = collectionOf(tenant);
    const keys = friendUserIDs.map((id) => friends.key(ownerUserID, id));
    const docs = await friends.col.find({ _id: { $in: keys } }).toArray();
    return docs.map(toFriend);
  }

  return guarded<FriendRepo>({
    versions,
    async isFriend(tenant, ownerUserID, friendUserID) {
      const found = await cache.get(tenant, pairID(ownerUserID, friendUserID), async () =>
        (await find(tenant, ownerUserID, [friendUserID])).length > 0 ? true : undefined,
      );
      return found === true;
    },
    find,
    async list(tenant, ownerUserID, { skip, limit }) {
      const { col } = collectionOf(tenant);
      const filter = { t: tenant, ownerUserID };
      const total = await col.countDocuments(filter);
      if (limit === 0 || skip >= total) return { total, friends: [] };
      const docs = await col.find(filter, { sort: ORDER, skip, limit }).toArray();
      return { total, friends: docs.map(toFriend) };
    },
    async ids(tenant, ownerUserID) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, ownerUserID }, { sort: ORDER, projection: { _id: 0, friendUserID: 1 } })
        .toArray();
      return docs.map(({ friendUserID }) => friendUserID);
    },
    async ownersOf(tenant, friendUserID) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, friendUserID }, { projection: { _id: 0, ownerUserID: 1 } })
        .toArray();
      return docs.map(({ ownerUserID }) => ownerUserID);
    },
    async add(tenant, added) {
      if (added.length === 0) return;
      const friends = collectionOf(tenant);
      const operations = added.map(
        ({ ownerUserID, friendUserID, isPinned, ...rest }, i): AnyBulkWriteOperation<FriendDocument> => ({
          updateOne: {
            filter: { _id: friends.key(ownerUserID, friendUserID) },
            update: {
              $setOnInsert: {
                t: tenant,
                v: 1,
                ownerUserID,
                friendUserID,
                ...rest,
                rank: isPinned ? 0 : 1,
                ord: insertionOrder(rest.createTime, i),
              },
            },
            upsert: true,
          },
        }),
      );
      await bulkUpsert(friends.col, operations);
      const byOwner = Map.groupBy(added, ({ ownerUserID }) => ownerUserID);
      await versions.writeMany(
        tenant,
        [...byOwner].map(([owner, list]) => ({
          owner,
          changes: [inserted(...list.map(({ friendUserID }) => friendUserID))],
        })),
      );
      await cache.invalidate(
        tenant,
        added.map(({ ownerUserID, friendUserID }) => pairID(ownerUserID, friendUserID)),
      );
    },
    async remove(tenant, ownerUserID, friendUserID) {
      const friends = collectionOf(tenant);
      await friends.col.deleteOne({ _id: friends.key(ownerUserID, friendUserID) });
      await cache.invalidate(tenant, [pairID(ownerUserID, friendUserID)]);
      return versions.write(tenant, ownerUserID, deleted(friendUserID));
    },
    async update(tenant, ownerUserID, friendUserIDs, { isPinned, ...texts }) {
      const friends = collectionOf(tenant);
      const existing = (await find(tenant, ownerUserID, friendUserIDs)).map(
        ({ friendUserID }) => friendUserID,
      );
      if (existing.length === 0) return undefined;
      const set: Partial<FriendDocument> = {};
      if (texts.remark !== undefined) set.remark = texts.remark;
      if (texts.ex !== undefined) set.ex = texts.ex;
      if (isPinned !== undefined) set.rank = isPinned ? 0 : 1;
      if (Object.keys(set).length > 0) {
        const keys = existing.map((id) => friends.key(ownerUserID, id));
        await friends.col.updateMany({ _id: { $in: keys } }, { $set: set });
      }
      const changes: Change[] = [updated(...existing)];
      if (isPinned !== undefined) changes.push(updated(SORT_ENTRY));
      return versions.write(tenant, ownerUserID, ...changes);
    },
    touch: (tenant, ownerUserIDs, friendUserID) =>
      versions.writeMany(
        tenant,
        ownerUserIDs.map((owner) => ({ owner, changes: [updated(friendUserID)] })),
      ),
  });
}
