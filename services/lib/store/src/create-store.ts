import type { ServerConfig, TenantId } from '@im/contract';
import { Backoff, calendarOf, type Invalidations, type Metrics, type TenantDirectory, UTC } from '@im/kit';
import { type Logger, notReady, READY, type TaskRunner } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { type Document, MongoServerError } from 'mongodb';
import { entityCaches } from './cached.ts';
import {
  type CollectionSpec,
  type TenantCollection,
  type TenantDocument,
  tenantCollection,
} from './collection.ts';
import { COLLECTIONS } from './collections.ts';
import { createGroupCommit } from './group-commit.ts';
import { ensureIndexes } from './indexes.ts';
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
  /** Databases whose indexes exist. */
  const prepared = new Set<string>();
  /** Views by tenant and collection; emptied when a tenant changes, since its placement may. */
  const views = new Map<string, unknown>();

  /** Databases whose indexes are to be made, with the collections that have theirs. */
  const pending = new Map<string, Set<string>>();

  async function prepareAll(signal: AbortSignal): Promise<void> {
    await mongo.connect(signal);
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    for (const [name, done] of pending) {
      if (signal.aborted) return;
      const before = done.size;
      try {
        await ensureIndexes(mongo.client.db(name), COLLECTIONS, done);
        prepared.add(name);
        backoff.reset();
      } catch (error) {
        if (done.size > before) backoff.reset();
        // A server that went away may not have kept all of it.
        if (!(error instanceof MongoServerError)) done.clear();
        log.warn({ database: name, err: error }, 'indexes are not there yet');
        // To the end of the queue.
        pending.delete(name);
        pending.set(name, done);
        await backoff.wait(signal);
        continue;
      }
      pending.delete(name);
    }
  }
  const prepareSoon = deps.tasks.coalesce('store-indexes', prepareAll);
  /** Has the indexes of a database made, however long that takes. */
  function prepare(name: string): void {
    if (prepared.has(name)) return;
    if (!pending.has(name)) pending.set(name, new Set());
    prepareSoon();
  }
  const places = placements(deps.tenants, database);
  for (const { id, placement } of deps.tenants.list()) places.remember(id, placement);
  let started = false;
  const unsubscribe = deps.tenants.onChange((id, settings) => {
    views.clear();
    // Records and deliveries may name a tenant for a while after it was removed.
    if (settings) places.remember(id, settings.placement);
    // Its database may be dropped.
    else if (places.get(id) === 'Dedicated') prepared.delete(places.databaseOf(id));
    if (started && settings) prepare(places.databaseOf(id));
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
      prepare(database);
      for (const { id } of deps.tenants.list()) prepare(places.databaseOf(id));
    },
    async stop() {
      unsubscribe();
      caches.close();
      await redis.stop();
      await grouped.close();
      await searches.close();
      await mongo.client.close();
    },
    ready() {
      if (!mongo.up) return notReady('MongoDB is away');
      return prepared.has(database) ? READY : notReady('indexes are not there yet');
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
      await mongo.client.db(name).dropDatabase();
      prepared.delete(name);
    },
    placements: places,
    groupCommit: grouped,
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
