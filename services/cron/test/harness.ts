import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { TenantSettings } from '@im/contract';
import { startMongo, startRedis } from '@im/dev-stores';
import { inProcessInvalidations, type MutableTenantDirectory, sleep, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createStore, type Store } from '@im/store';

/** What jobs work on. */
export interface JobFixture {
  readonly store: Store;
  readonly tenants: MutableTenantDirectory;
  readonly log: ReturnType<typeof silentLogger>;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly tasks: ReturnType<typeof createTaskRunner>;
  /** Where the servers of the store are. */
  readonly uris: { readonly mongo: string; readonly redis: string };
  /** Folder for more servers, removed after the tests. */
  readonly dir: string;
}

/**
 * Starts a store of these tenants before the tests of a file and stops it after them.
 * @param prepare runs before the tests, too.
 */
export function useStore(
  tenants: readonly TenantSettings[],
  prepare: (fixture: JobFixture) => Promise<void> = async () => {},
): void {
  const stop = new AsyncDisposableStack();
  before(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'cron-'));
    stop.defer(() => rm(dir, { recursive: true, force: true }));
    const [mongo, redis] = await Promise.all([
      startMongo({ dir: join(dir, 'mongo') }),
      startRedis({ dir: join(dir, 'redis') }),
    ]);
    for (const server of [mongo, redis]) stop.defer(() => server.stop());
    const log = silentLogger();
    const metrics = createMetrics();
    const tasks = createTaskRunner({ log, metrics });
    const directory = staticTenants([...tenants]);
    const store = createStore(
      { mongo: { uri: mongo.uri, database: 'cron', maxPoolSize: 5 }, redis: { uri: redis.uri } },
      { log, metrics, tasks, tenants: directory, invalidations: inProcessInvalidations() },
    );
    await store.start();
    stop.defer(() => store.stop(AbortSignal.timeout(5_000)));
    stop.defer(() => tasks.stop());
    for (const end = Date.now() + 60_000; !store.ready().ready; await sleep(20)) {
      if (Date.now() > end) throw new Error(store.ready().reason);
    }
    const uris = { mongo: mongo.uri, redis: redis.uri };
    await prepare({ store, tenants: directory, log, metrics, tasks, uris, dir });
  });
  after(() => stop.disposeAsync());
}
