import { mongodbManifests } from './mongodb.ts';
import { natsManifests } from './nats.ts';
import { objectStorageManifests } from './object-storage.ts';
import { redisManifests } from './redis.ts';
import type { StoreInput, StoreManifest } from './store-set.ts';

/** All objects of the managed stores; external stores have none. */
export function storeManifests(input: StoreInput): StoreManifest[] {
  const { nats, mongodb, redis, objectStorage } = input.effective;
  return [
    ...(nats.kind === 'managed' ? natsManifests(input, nats) : []),
    ...(mongodb.kind === 'managed' ? mongodbManifests(input, mongodb) : []),
    ...(redis.kind === 'managed' ? redisManifests(input, redis) : []),
    ...(objectStorage.kind === 'managed' ? objectStorageManifests(input, objectStorage) : []),
  ];
}
