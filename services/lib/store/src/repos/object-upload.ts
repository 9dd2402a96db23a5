import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/**
 * Bytes that no name means yet, or no more. `single`: at `key` until they are copied; `multipart`: parts
 * at the storage; `form`: at `key`, named once complete; `orphan`: at `key`, which has lost a name; `thumbnail`: at `key`,
 * not yet or no longer one of the picture `source`.
 */
export type UploadKind = 'single' | 'multipart' | 'form' | 'orphan' | 'thumbnail';

/** Bytes that wait for a name, or for their removal. `_id` = tenant, id. */
interface UploadDocument extends TenantDocument {
  v: 1;
  id: string;
  kind: UploadKind;
  userID: string;
  key: string;
  /** The storage's own id of a multipart upload. */
  storageId: string;
  /** Key of the picture that a thumbnail was made of. */
  source?: string;
  /** Bytes that are counted for it. */
  size: number;
  createTime: number;
}

/** Collection of uploads; the third domain and the expiry of uploads write it. */
export const OBJECT_UPLOADS = defineCollection<UploadDocument>('object_upload', [
  { keys: { createTime: 1 } },
  { keys: { userID: 1, createTime: 1 } },
]);

/** Bytes that a tenant stores. `_id` = tenant. */
interface UsageDocument extends TenantDocument {
  v: 1;
  bytes: number;
  /** Stored objects when they were last counted; absent before. */
  objects?: number;
}

/** Collection of the bytes that tenants store. */
export const OBJECT_USAGE = defineCollection<UsageDocument>('object_usage');

/** An upload that has started, or bytes that lost a name. */
export type OpenUpload = Omit<UploadDocument, '_id' | 't' | 'v'>;

/** Uploads under way, and how many bytes a tenant stores with them. */
export interface ObjectUploadRepo {
  /** Counts bytes. @returns false when the tenant would then store more than `most`; 0 is no limit. */
  reserve(tenant: TenantId, bytes: number, most: number): Promise<boolean>;
  /** Counts bytes no more. */
  release(tenant: TenantId, bytes: number): Promise<void>;
  /** Bytes that are counted. */
  bytes(tenant: TenantId): Promise<number>;
  /** Bytes that are counted, and objects as {@link noteObjects} noted them last. */
  usage(tenant: TenantId): Promise<{ readonly bytes: number; readonly objects: number }>;
  /** Notes how many objects a tenant stores. */
  noteObjects(tenant: TenantId, objects: number): Promise<void>;
  /** Writes an upload down; one with the same id is replaced. */
  put(tenant: TenantId, upload: OpenUpload): Promise<void>;
  /** Takes an upload, so that one of those who want to end it does. @returns whether it existed. */
  take(tenant: TenantId, id: string): Promise<boolean>;
  has(tenant: TenantId, id: string): Promise<boolean>;
  /** Uploads of a user, counted up to `most`. */
  countOf(tenant: TenantId, userID: string, most: number): Promise<number>;
  /** Those started before a time (ms), oldest first. */
  olderThan(tenant: TenantId, before: number, limit: number): Promise<OpenUpload[]>;
  /** Sizes of all uploads. */
  sizes(tenant: TenantId): AsyncIterable<number>;
}

/** The uploads of a store. */
export function objectUploadRepo(store: Store): ObjectUploadRepo {
  const uploads = (tenant: TenantId) => store.collection(tenant, OBJECT_UPLOADS);
  const usage = (tenant: TenantId) => store.collection(tenant, OBJECT_USAGE);
  const USAGE_ID = 'bytes';

  return guarded<ObjectUploadRepo>({
    async reserve(tenant, bytes, most) {
      const { col, key } = usage(tenant);
      const _id = key(USAGE_ID);
      if (most === 0) {
        await retryDuplicate(() =>
          col.updateOne({ _id }, { $inc: { bytes }, $setOnInsert: { t: tenant, v: 1 } }, { upsert: true }),
        );
        return true;
      }
      const fits = { _id, bytes: { $lte: most - bytes } };
      if ((await col.updateOne(fits, { $inc: { bytes } })).matchedCount === 1) return true;
      if (bytes > most) return false;
      if (await insertNew(col, { _id, t: tenant, v: 1, bytes })) return true;
      return (await col.updateOne(fits, { $inc: { bytes } })).matchedCount === 1;
    },
    async release(tenant, bytes) {
      if (bytes === 0) return;
      const { col, key } = usage(tenant);
      await col.updateOne({ _id: key(USAGE_ID) }, { $inc: { bytes: -bytes } });
    },
    async bytes(tenant) {
      const { col, key } = usage(tenant);
      return (await col.findOne({ _id: key(USAGE_ID) }))?.bytes ?? 0;
    },
    async usage(tenant) {
      const { col, key } = usage(tenant);
      const { bytes = 0, objects = 0 } = (await col.findOne({ _id: key(USAGE_ID) })) ?? {};
      return { bytes, objects };
    },
    async noteObjects(tenant, objects) {
      const { col, key } = usage(tenant);
      await retryDuplicate(() =>
        col.updateOne(
          { _id: key(USAGE_ID) },
          { $set: { objects }, $setOnInsert: { t: tenant, v: 1, bytes: 0 } },
          { upsert: true },
        ),
      );
    },
    async put(tenant, upload) {
      const { col, key } = uploads(tenant);
      await retryDuplicate(() =>
        col.updateOne({ _id: key(upload.id) }, { $set: { ...upload, t: tenant, v: 1 } }, { upsert: true }),
      );
    },
    async take(tenant, id) {
      const { col, key } = uploads(tenant);
      return (await col.deleteOne({ _id: key(id) })).deletedCount === 1;
    },
    async has(tenant, id) {
      const { col, key } = uploads(tenant);
      return (await col.findOne({ _id: key(id) }, { projection: { _id: 1 } })) !== null;
    },
    countOf: (tenant, userID, most) =>
      uploads(tenant).col.countDocuments({ t: tenant, userID }, { limit: most }),
    async olderThan(tenant, before, limit) {
      const docs = await uploads(tenant)
        .col.find({ t: tenant, createTime: { $lt: before } }, { sort: { createTime: 1 }, limit })
        .toArray();
      return docs.map(({ id, kind, userID, key, storageId, source, size, createTime }) => ({
        id,
        kind,
        userID,
        key,
        storageId,
        ...(source !== undefined && { source }),
        size,
        createTime,
      }));
    },
    async *sizes(tenant) {
      const cursor = uploads(tenant).col.find({ t: tenant }, { projection: { _id: 0, size: 1 } });
      for await (const { size } of cursor) yield size;
    },
  });
}
