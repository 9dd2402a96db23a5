import type { Blob } from '@im/blob';
import type { TenantId } from '@im/contract';
import type { ObjectRepo, ObjectUploadRepo, StoredObject, ThumbnailRepo } from '@im/store';
import type { Job } from './job.ts';

const DAY_MS = 24 * 3600 * 1000;
const PAGE = 100;

/** What of the objects expires. */
export interface ObjectExpiry {
  readonly schedule: string;
  /** 0 keeps them for ever. */
  readonly days: number;
  readonly groups: readonly string[];
}

export interface ObjectExpiryParts {
  readonly objects: ObjectRepo;
  readonly uploads: ObjectUploadRepo;
  readonly thumbnails: ThumbnailRepo;
  readonly blob: Blob;
}

/** Removes old objects: the name first, and the bytes when no name means them any more. */
export function expireObjects(
  expiry: ObjectExpiry,
  { objects, uploads, thumbnails, blob }: ObjectExpiryParts,
): Job {
  async function expire(tenant: TenantId, { name, key, size }: StoredObject): Promise<void> {
    const id = `expired ${key}`;
    const createTime = Date.now();
    // Noted before: what is interrupted from here on is finished by the expiry of uploads.
    await uploads.put(tenant, { id, kind: 'orphan', userID: '', key, storageId: '', size, createTime });
    await objects.remove(tenant, name, key);
    const isLast = !(await objects.keyInUse(tenant, key));
    if (isLast) {
      await thumbnails.forget(tenant, key);
      await blob.remove(tenant, key);
    }
    const isNoted = await uploads.take(tenant, id);
    if (isLast && isNoted) await uploads.release(tenant, size);
  }

  return {
    name: 'expire-objects',
    description: 'removes objects that have expired',
    schedule: expiry.schedule,
    async run({ id }, signal, notes) {
      if (expiry.days === 0 || expiry.groups.length === 0) return 0;
      const before = Date.now() - expiry.days * DAY_MS;
      let removed = 0;
      while (!signal.aborted) {
        const old = await objects.olderThan(id, expiry.groups, before, PAGE);
        for (const object of old) await expire(id, object);
        removed += old.length;
        notes?.done(removed);
        if (old.length < PAGE) break;
      }
      return removed;
    },
  };
}
