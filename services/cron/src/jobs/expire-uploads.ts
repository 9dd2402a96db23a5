import { type Blob, TEMP_PREFIX } from '@im/blob';
import type { TenantId } from '@im/contract';
import type { ObjectRepo, ObjectUploadRepo, OpenUpload, ThumbnailRepo } from '@im/store';
import type { Job } from './job.ts';

const HOUR_MS = 3600 * 1000;
const PAGE = 100;
/** Most things without a record that one run removes of each kind. */
const MAX_LEFTOVERS = 1_000;

export interface UploadExpiryParts {
  readonly uploads: ObjectUploadRepo;
  readonly objects: ObjectRepo;
  readonly thumbnails: ThumbnailRepo;
  readonly blob: Blob;
  readonly now?: () => number;
}

/**
 * Removes what uploads have left behind: those that were not completed in time, bytes whose last name
 * means others now, thumbnails that are none of a picture any more, and what lies at the storage without a record.
 */
export function expireUploads(schedule: string, hours: number, parts: UploadExpiryParts): Job {
  const { uploads, objects, thumbnails, blob, now = Date.now } = parts;

  /** Whether a picture that is still stored has this thumbnail. */
  async function isThumbnail(tenant: TenantId, picture: string, key: string): Promise<boolean> {
    const found = await thumbnails.get(tenant, picture);
    if (!found?.made.some((thumbnail) => thumbnail.key === key)) return false;
    if (await objects.keyInUse(tenant, picture)) return true;
    await thumbnails.forget(tenant, picture);
    return false;
  }

  async function removeBytes(
    tenant: TenantId,
    { kind, key, storageId, source }: OpenUpload,
  ): Promise<boolean> {
    switch (kind) {
      case 'single':
        await blob.remove(tenant, key);
        return true;
      case 'multipart':
        await blob.abortMultipart(tenant, key, storageId);
        return true;
      case 'form':
      case 'orphan':
        if (await objects.keyInUse(tenant, key)) return false;
        await thumbnails.forget(tenant, key);
        await blob.remove(tenant, key);
        return true;
      case 'thumbnail':
        if (source !== undefined && (await isThumbnail(tenant, source, key))) return false;
        await blob.remove(tenant, key);
        return true;
      default:
        return kind satisfies never;
    }
  }

  return {
    name: 'expire-uploads',
    description: 'removes uploads that were never completed, and bytes without a name',
    schedule,
    async run({ id }, signal, notes) {
      const before = now() - hours * HOUR_MS;
      let removed = 0;
      while (!signal.aborted) {
        const old = await uploads.olderThan(id, before, PAGE);
        for (const upload of old) {
          // Taken first: a client that completes it meanwhile learns that it is too late.
          if (!(await uploads.take(id, upload.id))) continue;
          if (await removeBytes(id, upload)) {
            await uploads.release(id, upload.size);
            removed++;
          }
        }
        notes?.done(removed);
        if (old.length < PAGE) break;
      }
      if (signal.aborted) return removed;
      const left = await blob.leftovers(id, TEMP_PREFIX, before, MAX_LEFTOVERS);
      for (const key of left.keys) await blob.remove(id, key);
      for (const { key, uploadId } of left.uploads) await blob.abortMultipart(id, key, uploadId);
      return removed + left.keys.length + left.uploads.length;
    },
  };
}
