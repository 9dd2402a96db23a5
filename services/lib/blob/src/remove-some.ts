import { eachLimited } from '@im/kit';
import type { Client } from 'minio';
import type { Place } from './buckets.ts';

/** Most objects of a page. */
const AT_ONCE = 1_000;
const PARALLEL = 16;

/**
 * Removes a page of what is in a place; when nothing is left in a bucket without a prefix, the bucket.
 * @returns how many; undefined when nothing is left of a place with a prefix.
 */
export async function removeSome(client: Client, { bucket, prefix }: Place): Promise<number | undefined> {
  const keys: string[] = [];
  for await (const { name } of client.listObjectsV2(bucket, prefix, true)) {
    if (name !== undefined) keys.push(name);
    if (keys.length >= AT_ONCE) break;
  }
  // One by one, as every storage takes it.
  await eachLimited(keys, PARALLEL, (key) => client.removeObject(bucket, key));
  let aborted = 0;
  for await (const { key, uploadId } of client.listIncompleteUploads(bucket, prefix, true)) {
    // Some storages list more than the prefix.
    if (!key.startsWith(prefix)) continue;
    await client.abortMultipartUpload(bucket, key, uploadId);
    if (++aborted >= AT_ONCE) break;
  }
  const removed = keys.length + aborted;
  if (removed > 0) return removed;
  if (prefix !== '') return undefined;
  await client.removeBucket(bucket);
  return 0;
}
