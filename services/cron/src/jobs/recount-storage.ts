import type { ObjectRepo, ObjectUploadRepo, ThumbnailRepo } from '@im/store';
import type { Job } from './job.ts';

/**
 * Recounts what a tenant stores: each key that a name means once, thumbnails, and uploads under way. The count that
 * uploads keep may differ after a process died between two steps, and from before there was one.
 */
export function recountStorage(
  schedule: string,
  objects: ObjectRepo,
  thumbnails: ThumbnailRepo,
  uploads: ObjectUploadRepo,
): Job {
  return {
    name: 'recount-storage',
    description: 'counts the bytes and objects that the tenant stores',
    schedule,
    async run({ id }, signal) {
      const counted = await uploads.bytes(id);
      let bytes = 0;
      let stored = 0;
      for await (const { size } of objects.keys(id)) {
        if (signal.aborted) return 0;
        bytes += size;
        stored++;
      }
      for await (const size of thumbnails.sizes(id)) bytes += size;
      for await (const size of uploads.sizes(id)) bytes += size;
      await uploads.noteObjects(id, stored);
      // The difference, so that what was counted meanwhile stays.
      if (bytes !== counted) await uploads.reserve(id, bytes - counted, 0);
      return 0;
    },
  };
}
