import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';

/** A name under which a stored object is reached. `_id` = tenant, name. */
interface ObjectDocument extends TenantDocument {
  v: 1;
  name: string;
  /** User who uploaded it. */
  userID: string;
  /** What content-addresses it: hex MD5 over the parts' MD5s. Empty for form uploads. */
  hash: string;
  /** Key in the bucket. */
  key: string;
  size: number;
  contentType: string;
  /** What it belongs to, such as `msg-picture`; expiry goes by it. */
  group: string;
  createTime: number;
}

/** Collection of object names; the third domain alone writes it. */
export const OBJECTS = defineCollection<ObjectDocument>('object', [
  { keys: { key: 1 } },
  { keys: { group: 1, createTime: 1 } },
]);

/** A named object. */
export type StoredObject = Omit<ObjectDocument, '_id' | 't' | 'v'>;

/** Names of objects. */
export interface ObjectRepo {
  /** Names an object. @returns what the name meant before. */
  put(tenant: TenantId, object: StoredObject): Promise<StoredObject | undefined>;
  get(tenant: TenantId, name: string): Promise<StoredObject | undefined>;
  /** Those of these groups made before a time (ms), oldest first. */
  olderThan(
    tenant: TenantId,
    groups: readonly string[],
    before: number,
    limit: number,
  ): Promise<StoredObject[]>;
  /** Those whose names begin with `<userID>/`, by name; a pass over names. */
  named(tenant: TenantId, userID: string, limit: number): Promise<StoredObject[]>;
  /** Forgets a name, if it still means this key. */
  remove(tenant: TenantId, name: string, key: string): Promise<void>;
  /** True while some name means this key. */
  keyInUse(tenant: TenantId, key: string): Promise<boolean>;
  /** Every key that a name means with its size, once each. */
  keys(tenant: TenantId): AsyncIterable<{ readonly key: string; readonly size: number }>;
}

function toObject({
  name,
  userID,
  hash,
  key,
  size,
  contentType,
  group,
  createTime,
}: ObjectDocument): StoredObject {
  return { name, userID, hash, key, size, contentType, group, createTime };
}

/** The object names of a store. */
export function objectRepo(store: Store): ObjectRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, OBJECTS);

  return guarded<ObjectRepo>({
    async put(tenant, object) {
      const _id = collectionOf(tenant).key(object.name);
      const before = await collectionOf(tenant).col.findOne({ _id });
      await retryDuplicate(() =>
        collectionOf(tenant).col.updateOne(
          { _id },
          { $set: { ...object, t: tenant, v: 1 } },
          { upsert: true },
        ),
      );
      return before ? toObject(before) : undefined;
    },
    async get(tenant, name) {
      const found = await collectionOf(tenant).col.findOne({ _id: collectionOf(tenant).key(name) });
      return found ? toObject(found) : undefined;
    },
    async olderThan(tenant, groups, before, limit) {
      const found: StoredObject[] = [];
      for (const group of groups) {
        if (found.length >= limit) break;
        const docs = await collectionOf(tenant)
          .col.find(
            { t: tenant, group, createTime: { $lt: before } },
            { sort: { createTime: 1 }, limit: limit - found.length },
          )
          .toArray();
        found.push(...docs.map(toObject));
      }
      return found;
    },
    async named(tenant, userID, limit) {
      const { col, key } = collectionOf(tenant);
      // The character after the slash ends the range.
      const range = { $gt: key(`${userID}/`), $lt: key(`${userID}0`) };
      const docs = await col.find({ _id: range }, { sort: { _id: 1 }, limit }).toArray();
      return docs.map(toObject);
    },
    async remove(tenant, name, key) {
      await collectionOf(tenant).col.deleteOne({ _id: collectionOf(tenant).key(name), key });
    },
    async keyInUse(tenant, key) {
      return (
        (await collectionOf(tenant).col.findOne({ t: tenant, key }, { projection: { _id: 1 } })) !== null
      );
    },
    async *keys(tenant) {
      const cursor = collectionOf(tenant).col.find(
        { t: tenant },
        { projection: { _id: 0, key: 1, size: 1 }, sort: { t: 1, key: 1 } },
      );
      let last: string | undefined;
      for await (const { key, size } of cursor) {
        if (key !== last) yield { key, size };
        last = key;
      }
    },
  });
}
