import {
  type Background,
  Backoff,
  type CacheOptions,
  type Invalidations,
  type Logger,
  type Metrics,
  notReady,
  READY,
  type ServerConfig,
  type Service,
  type TenantDirectory,
  type TenantId,
} from '@im/kit';
import { type EntityCache, entityCaches } from './cached.ts';
import {
  type CollectionSpec,
  type TenantCollection,
  type TenantDocument,
  tenantCollection,
} from './collection.ts';
import { COLLECTIONS } from './collections.ts';
import { ensureIndexes } from './indexes.ts';
import { mongoConnection } from './mongo.ts';
import { databaseOf } from './placement.ts';
import { type RedisCopies, redisConnection, redisKey } from './redis.ts';

/** Settings of a store. */
export type StoreConfig = Pick<ServerConfig, 'mongo' | 'redis'>;

/** Parts that a store needs. */
export interface StoreDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly invalidations: Invalidations;
  readonly tenants: TenantDirectory;
  readonly background: Background;
}

/** Truth in MongoDB, copies in Redis and in this process, all by tenant. */
export interface Store extends Service {
  /**
   * A collection as the tenant sees it, in the tenant's own database or the shared one.
   * @throws ImError 90004 when this process does not know the tenant (yet).
   */
  collection<T extends TenantDocument>(tenant: TenantId, spec: CollectionSpec<T>): TenantCollection<T>;
  readonly redis: RedisCopies;
  /** Redis key; user input in `parts` appears only hashed. */
  redisKey(tenant: TenantId, kind: string, ...parts: readonly string[]): string;
  /** The process's cache of this name, shared by all who ask for it. */
  cached<V extends {}>(options: Omit<CacheOptions, 'metrics'>): EntityCache<V>;
}

/** Builds a store; nothing is connected before {@link Store.start}. @throws for URIs that cannot be right. */
export function createStore(config: StoreConfig, deps: StoreDeps): Store {
  const log = deps.log.child({ part: 'store' });
  const mongo = mongoConnection(config.mongo, { log, metrics: deps.metrics });
  const redis = redisConnection(config.redis.uri, { log, metrics: deps.metrics });
  const caches = entityCaches(deps.invalidations, deps.metrics);
  const { database } = config.mongo;
  /** Databases whose indexes exist. */
  const prepared = new Set<string>();
  let unsubscribe = () => {};

  /** Makes the indexes of a database, again and again until that succeeds; asking twice is harmless. */
  function prepare(name: string): void {
    deps.background.spawn('store-indexes', async (signal) => {
      const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
      while (!signal.aborted && !prepared.has(name)) {
        try {
          await ensureIndexes(mongo.client.db(name), COLLECTIONS);
          prepared.add(name);
        } catch (error) {
          log.warn({ database: name, err: error }, 'indexes are not there yet');
          await backoff.wait(signal);
        }
      }
    });
  }
  const databaseFor = (tenant: TenantId) => databaseOf(deps.tenants, database, tenant);

  return {
    async start() {
      redis.start();
      for (const name of new Set([database, ...deps.tenants.list().map(({ id }) => databaseFor(id))]))
        prepare(name);
      unsubscribe = deps.tenants.onChange((id, settings) => {
        if (settings && !prepared.has(databaseFor(id))) prepare(databaseFor(id));
      });
    },
    async stop() {
      unsubscribe();
      caches.close();
      await redis.stop();
      await mongo.client.close();
    },
    ready() {
      if (!mongo.up) return notReady('MongoDB is away');
      return prepared.has(database) ? READY : notReady('indexes are not there yet');
    },
    collection: (tenant, spec) =>
      tenantCollection(tenant, mongo.client.db(databaseFor(tenant)).collection(spec.name)),
    redis,
    redisKey,
    cached: caches.cached,
  };
}
