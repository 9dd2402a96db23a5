import type { ServerConfig, TenantId } from '@im/contract';
import { calendarOf, type Invalidations, type Metrics, type TenantDirectory, UTC } from '@im/kit';
import { type Logger, notReady, READY, type TaskRunner } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import type { Document } from 'mongodb';
import { entityCaches } from './cached.ts';
import {
  type CollectionSpec,
  type TenantCollection,
  type TenantDocument,
  tenantCollection,
} from './collection.ts';
import { databaseIndexes } from './database-indexes.ts';
import { createGroupCommit } from './group-commit.ts';
import { createIndexBuilds } from './index-builds.ts';
import { type MongoConfig, mongoAddress, mongoConnection, type SentCommand } from './mongo.ts';
import { placements } from './placement.ts';
import { type RedisConfig, redisConnection, redisKey } from './redis.ts';
import { createSearches } from './searches.ts';
import type { Store } from './store.ts';

/** Settings of a store. */
export interface StoreConfig {
  readonly mongo: MongoConfig & Pick<ServerConfig['mongo'], 'database'>;
  readonly redis: RedisConfig;
}

/** Parts that a store needs. */
export interface StoreDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly invalidations: Invalidations;
  readonly tenants: TenantDirectory;
  readonly tasks: TaskRunner;
  /** Receives every command to MongoDB; for tests that look at query plans. */
  readonly onCommand?: (command: SentCommand) => void;
}

/** Builds a store; nothing is connected before {@link Store.start}. @throws for URIs that cannot be right. */
export function createStore(config: StoreConfig, deps: StoreDeps): Store {
  const log = deps.log.child({ part: 'store' });
  const address = mongoAddress(config.mongo, log);
  const { metrics, onCommand } = deps;
  const mongo = mongoConnection(address, config.mongo.maxPoolSize, { log, metrics, onCommand });
  const grouped = createGroupCommit(address, { log, metrics });
  const redis = redisConnection(config.redis, { log, metrics });
  const searches = createSearches(address, deps);
  const caches = entityCaches(deps.invalidations, deps.metrics);
  const { database } = config.mongo;
  /** Views by tenant and collection; emptied when a tenant changes, since its placement may. */
  const views = new Map<string, unknown>();

  const builds = createIndexBuilds(address, { log, metrics, ...(onCommand && { onCommand }) });
  const indexes = databaseIndexes({ mongo, builds, tasks: deps.tasks, log, shared: database });
  const places = placements(deps.tenants, database);
  for (const { id, placement } of deps.tenants.list()) places.remember(id, placement);
  let started = false;
  const unsubscribe = deps.tenants.onChange((id, settings) => {
    views.clear();
    // Records and deliveries may name a tenant for a while after it was removed.
    if (settings) places.remember(id, settings.placement);
    // Its database may be dropped.
    else if (places.get(id) === 'Dedicated') indexes.forget(places.databaseOf(id));
    if (started && settings) indexes.prepare(places.databaseOf(id));
  });

  function collection<T extends TenantDocument>(
    tenant: TenantId,
    spec: CollectionSpec<T>,
  ): TenantCollection<T> {
    if (!mongo.connected) throw new ImError(ERR.NetworkError, 'the database is not connected yet');
    const place = `${tenant}/${spec.name}`;
    let view = views.get(place) as TenantCollection<T> | undefined;
    if (!view) {
      view = tenantCollection(tenant, mongo.client.db(places.databaseOf(tenant)).collection<T>(spec.name));
      views.set(place, view);
    }
    return view;
  }

  return {
    async start() {
      started = true;
      redis.start();
      indexes.prepare(database);
      for (const { id } of deps.tenants.list()) indexes.prepare(places.databaseOf(id));
    },
    async stop() {
      unsubscribe();
      caches.close();
      await redis.stop();
      await grouped.close();
      await searches.close();
      await builds.close();
      await mongo.client.close();
    },
    ready() {
      if (!mongo.up) return notReady('MongoDB is away');
      return indexes.isPrepared(database) ? READY : notReady(indexes.state(database));
    },
    collection,
    async search(tenant, spec, work) {
      if (!mongo.connected) throw new ImError(ERR.NetworkError, 'the database is not connected yet');
      const database = places.databaseOf(tenant);
      return searches.run(tenant, (client) =>
        work(tenantCollection(tenant, client.db(database).collection(spec.name))),
      );
    },
    shared<T extends Document>(name: string) {
      if (!mongo.connected) throw new ImError(ERR.NetworkError, 'the database is not connected yet');
      return mongo.client.db(database).collection<T>(name);
    },
    async dropDatabaseOf(tenant) {
      if (!mongo.connected) throw new ImError(ERR.NetworkError, 'the database is not connected yet');
      const name = places.databaseOf(tenant);
      if (name === database) throw new RangeError(`tenant ${tenant} has no database for itself`);
      indexes.forget(name);
      await mongo.client.db(name).dropDatabase();
    },
    placements: places,
    groupCommit: grouped,
    indexBuilds: builds,
    redis,
    redisKey,
    calendarOf(tenant) {
      const settings = deps.tenants.get(tenant);
      return settings ? calendarOf(settings.statistics.timeZone) : UTC;
    },
    metrics: deps.metrics,
    cached: caches.cached,
  };
}
