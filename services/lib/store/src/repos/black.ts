import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import { insertionOrder } from './list-keys.ts';
import type { Page } from './user.ts';

/** `ownerUserID` blocks `blackUserID`. */
export interface Black {
  readonly ownerUserID: string;
  readonly blackUserID: string;
  /** ms. */
  readonly createTime: number;
  readonly addSource: number;
  readonly operatorUserID: string;
  readonly ex: string;
}

/** `_id` = tenant, owner, blocked user. */
interface BlackDocument extends TenantDocument, Black {
  v: 1;
  /** Insertion order. */
  ord: number;
}

/** Collection of blacklists; the relation domain alone writes it. */
export const BLACKS = defineCollection<BlackDocument>('black', [{ keys: { ownerUserID: 1, ord: 1 } }]);

/** Blacklists of users, in order of insertion. */
export interface BlackRepo {
  /** Whether the receiver blocks the sender; from the process's copy, for the checks on sending. */
  isBlocked(tenant: TenantId, receiverID: string, senderID: string): Promise<boolean>;
  /** Those that are named and blocked. */
  find(tenant: TenantId, ownerUserID: string, blackUserIDs: readonly string[]): Promise<Black[]>;
  list(tenant: TenantId, ownerUserID: string, page: Page): Promise<{ total: number; blacks: Black[] }>;
  /** @returns false when the user is blocked already. */
  add(tenant: TenantId, black: Black): Promise<boolean>;
  remove(tenant: TenantId, ownerUserID: string, blackUserID: string): Promise<void>;
  /** Removes the whole list. @returns how many. */
  removeAll(tenant: TenantId, ownerUserID: string): Promise<number>;
}

/** The whole list of a receiver is one copy: most are empty, and every sender asks the same one. */
const CACHE = { name: 'blacklist', max: 100_000, ttlMs: 30_000 };

function toBlack({ _id, t, v, ord, ...black }: BlackDocument): Black {
  return black;
}

/** The blacklists of a store. */
export function blackRepo(store: Store): BlackRepo {
  const cache = store.cached<ReadonlySet<string>>(CACHE);
  const collectionOf = (tenant: TenantId) => store.collection(tenant, BLACKS);

  async function blockedBy(tenant: TenantId, ownerUserID: string): Promise<ReadonlySet<string>> {
    const docs = await collectionOf(tenant)
      .col.find({ t: tenant, ownerUserID }, { projection: { _id: 0, blackUserID: 1 } })
      .toArray();
    return new Set(docs.map(({ blackUserID }) => blackUserID));
  }

  return guarded<BlackRepo>({
    async isBlocked(tenant, receiverID, senderID) {
      const blocked = await cache.get(tenant, receiverID, () => blockedBy(tenant, receiverID));
      return blocked?.has(senderID) ?? false;
    },
    async find(tenant, ownerUserID, blackUserIDs) {
      const blacks = collectionOf(tenant);
      const keys = blackUserIDs.map((id) => blacks.key(ownerUserID, id));
      return (await blacks.col.find({ _id: { $in: keys } }).toArray()).map(toBlack);
    },
    async list(tenant, ownerUserID, { skip, limit }) {
      const { col } = collectionOf(tenant);
      const filter = { t: tenant, ownerUserID };
      const total = await col.countDocuments(filter);
      if (limit === 0 || skip >= total) return { total, blacks: [] };
      const docs = await col.find(filter, { sort: { ord: 1 }, skip, limit }).toArray();
      return { total, blacks: docs.map(toBlack) };
    },
    async add(tenant, black) {
      const blacks = collectionOf(tenant);
      const _id = blacks.key(black.ownerUserID, black.blackUserID);
      const ord = insertionOrder(black.createTime);
      if (!(await insertNew(blacks.col, { _id, t: tenant, v: 1, ...black, ord }))) return false;
      await cache.invalidate(tenant, [black.ownerUserID]);
      return true;
    },
    async remove(tenant, ownerUserID, blackUserID) {
      const blacks = collectionOf(tenant);
      await blacks.col.deleteOne({ _id: blacks.key(ownerUserID, blackUserID) });
      await cache.invalidate(tenant, [ownerUserID]);
    },
    async removeAll(tenant, ownerUserID) {
      const { deletedCount } = await collectionOf(tenant).col.deleteMany({ t: tenant, ownerUserID });
      await cache.invalidate(tenant, [ownerUserID]);
      return deletedCount;
    },
  });
}
