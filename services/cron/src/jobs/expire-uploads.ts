import { type Blob, TEMP_PREFIX } from '@im/blob';
import type { TenantId } from '@im/contract';
import type { ObjectRepo, ObjectUploadRepo, OpenUpload } from '@im/store';
import type { Job } from './job.ts';

const HOUR_MS = 3600 * 1000;
const PAGE = 100;
/** Most things without a record that one run removes of each kind. */
const MAX_LEFTOVERS = 1_000;

export interface UploadExpiryParts {
  readonly uploads: ObjectUploadRepo;
  readonly objects: ObjectRepo;
  readonly blob: Blob;
  readonly now?: () => number;
}

/**
 * Removes what uploads have left behind: those that were not completed in time, bytes whose last name
 * means others now, and what lies at the storage without a record.
 */
export function expireUploads(schedule: string, hours: number, parts: UploadExpiryParts): Job {
  const { uploads, objects, blob, now = Date.now } = parts;

  async function removeBytes(tenant: TenantId, { kind, key, storageId }: OpenUpload): Promise<boolean> {
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
        await blob.remove(tenant, key);
        return true;
      default:
        return kind satisfies never;
    }
  }

  return {
    name: 'expire-uploads',
    schedule,
    async run({ id }, signal) {
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
