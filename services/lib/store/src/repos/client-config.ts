import type { TenantId } from '@im/contract';
import { make, type user } from '@im/protocol';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import type { Page } from './user.ts';

/** One setting that clients read. `_id` = tenant, user, key; an empty user is all users. */
interface ClientConfigDocument extends TenantDocument {
  v: 1;
  userID: string;
  key: string;
  value: string;
}

/** Collection of client settings; the user domain alone writes it. */
export const CLIENT_CONFIGS = defineCollection<ClientConfigDocument>('client_config', [
  { keys: { userID: 1, key: 1 } },
  { keys: { key: 1, userID: 1 } },
]);

/** Settings that administrators give to clients, for all users (userID empty) or for one user. */
export interface ClientConfigRepo {
  /** All settings of one user, or those for all. */
  get(tenant: TenantId, userID: string): Promise<Record<string, string>>;
  set(tenant: TenantId, userID: string, configs: Readonly<Record<string, string>>): Promise<void>;
  /** Removes these keys; unknown ones are no error. */
  remove(tenant: TenantId, userID: string, keys: readonly string[]): Promise<void>;
  /** Removes all of a user. @returns how many. */
  removeAll(tenant: TenantId, userID: string): Promise<number>;
  /** Settings of all users, by user and key; an empty filter matches all. */
  page(
    tenant: TenantId,
    filter: { userID: string; key: string },
    page: Page,
  ): Promise<{ total: number; configs: user.ClientConfig[] }>;
}

/** The client settings of a store. */
export function clientConfigRepo(store: Store): ClientConfigRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, CLIENT_CONFIGS);

  return guarded<ClientConfigRepo>({
    async get(tenant, userID) {
      const docs = await collectionOf(tenant)
        .col.find({ t: tenant, userID }, { sort: { key: 1 } })
        .toArray();
      return Object.fromEntries(docs.map(({ key, value }) => [key, value]));
    },
    async set(tenant, userID, configs) {
      const { col, key: idOf } = collectionOf(tenant);
      const writes = Object.entries(configs).map(
        ([key, value]): AnyBulkWriteOperation<ClientConfigDocument> => ({
          updateOne: {
            filter: { _id: idOf(userID, key) },
            update: { $set: { value }, $setOnInsert: { t: tenant, v: 1, userID, key } },
            upsert: true,
          },
        }),
      );
      if (writes.length > 0) await col.bulkWrite(writes, { ordered: false });
    },
    async remove(tenant, userID, keys) {
      const { col, key: idOf } = collectionOf(tenant);
      await col.deleteMany({ _id: { $in: keys.map((key) => idOf(userID, key)) } });
    },
    async removeAll(tenant, userID) {
      return (await collectionOf(tenant).col.deleteMany({ t: tenant, userID })).deletedCount;
    },
    async page(tenant, { userID, key }, { skip, limit }) {
      const { col } = collectionOf(tenant);
      const filter: Filter<ClientConfigDocument> = { t: tenant };
      if (userID !== '') filter.userID = userID;
      if (key !== '') filter.key = key;
      const total = await col.countDocuments(filter);
      if (limit === 0 || skip >= total) return { total, configs: [] };
      // Only by what the filter leaves open, as the index has it.
      const sort: Record<string, 1> = key === '' ? { userID: 1, key: 1 } : { key: 1, userID: 1 };
      const docs = await col.find(filter, { sort, skip, limit }).toArray();
      return {
        total,
        configs: docs.map((doc) =>
          make('user.ClientConfig', { key: doc.key, userID: doc.userID, value: doc.value }),
        ),
      };
    },
  });
}
