export type { EntityCache } from './cached.ts';
export {
  type CollectionSpec,
  defineCollection,
  type IndexSpec,
  KEY_SEPARATOR,
  type TenantCollection,
  type TenantDocument,
} from './collection.ts';
export { guarded, isDuplicateKey, isUnavailable, notFound, retryDuplicate, storeError } from './errors.ts';
export { type RedisClient, type RedisCopies, redisKey } from './redis.ts';
export { createStore, type Store, type StoreConfig, type StoreDeps } from './store.ts';
