import type { Blob } from '@im/blob';
import type { ObjectRepo, ObjectUploadRepo, ThumbnailRepo } from '@im/store';
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
        for (const { name, key, size } of old) {
          await objects.remove(id, name, key);
          if (await objects.keyInUse(id, key)) continue;
          await thumbnails.forget(id, key);
          await blob.remove(id, key);
          await uploads.release(id, size);
        }
        removed += old.length;
        notes?.done(removed);
        if (old.length < PAGE) break;
      }
      return removed;
    },
  };
}
