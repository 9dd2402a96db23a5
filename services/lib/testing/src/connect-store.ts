import type { TenantSettings } from '@im/contract';
import { inProcessInvalidations, type Metrics, sleep, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createStore, type Store, type StoreDeps } from '@im/store';

/** Where a store is. */
export interface StorePlace {
  readonly mongo: string;
  readonly redis: string;
  readonly database: string;
}

/** A store on servers that run already. */
export interface ConnectedStore extends AsyncDisposable {
  readonly store: Store;
}

/** Options of {@link connectStore}. */
export interface ConnectStoreOptions extends Pick<StoreDeps, 'onCommand'> {
  readonly tenants: readonly TenantSettings[];
  /** @default metrics that are not read */
  readonly metrics?: Metrics;
}

/** A store of these tenants that is ready, next to the processes that may use the same database. */
export async function connectStore(
  { mongo, redis, database }: StorePlace,
  { tenants, metrics = createMetrics(), onCommand }: ConnectStoreOptions,
): Promise<ConnectedStore> {
  const log = silentLogger();
  const tasks = createTaskRunner({ log, metrics });
  const store = createStore(
    { mongo: { uri: mongo, database, maxPoolSize: 10 }, redis: { uri: redis } },
    {
      ...{ log, metrics, tasks, tenants: staticTenants(tenants), invalidations: inProcessInvalidations() },
      ...(onCommand && { onCommand }),
    },
  );
  await store.start();
  while (!store.ready().ready) await sleep(20);
  return {
    store,
    async [Symbol.asyncDispose]() {
      await tasks.stop();
      await store.stop(AbortSignal.timeout(5_000));
    },
  };
}
