import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TenantId, tenantId, tenantSettings } from '@im/contract';
import { startMongo, startRedis } from '@im/dev-stores';
import { inProcessInvalidations, sleep, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createStore, type Store, type StoreDeps } from '../src/index.ts';

/** Tenants of the tests: two of each placement. */
export const SHARED: readonly [TenantId, TenantId] = [tenantId('s1'), tenantId('s2')];
export const DEDICATED: readonly [TenantId, TenantId] = [tenantId('d1'), tenantId('d2')];

/** A store with its parts, and what ends it. */
export interface TestStore extends AsyncDisposable {
  readonly store: Store;
}

/** A directory of tenants that never change, by placement. */
export function testTenants(shared: readonly TenantId[], dedicated: readonly TenantId[] = []) {
  const settings = (id: TenantId, placement: 'Shared' | 'Dedicated') =>
    tenantSettings({ id, placement, tokenSecret: 's', adminSecret: 's' });
  return staticTenants([
    ...shared.map((id) => settings(id, 'Shared')),
    ...dedicated.map((id) => settings(id, 'Dedicated')),
  ]);
}

/** A started store on these servers, with the test tenants; returns before it is ready. */
export async function openStore(
  uris: { mongo: string; redis: string },
  extra: Partial<StoreDeps> = {},
): Promise<TestStore> {
  const log = silentLogger();
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const tenants = testTenants(SHARED, DEDICATED);
  const database = `test_${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  const store = createStore(
    { mongo: { uri: uris.mongo, database, maxPoolSize: 10 }, redis: { uri: uris.redis } },
    { log, metrics, tasks, tenants, invalidations: inProcessInvalidations(), ...extra },
  );
  await store.start();
  return {
    store,
    async [Symbol.asyncDispose]() {
      await tasks.stop();
      await store.stop(AbortSignal.timeout(5_000));
    },
  };
}

/** Waits until the store is ready. @throws after 2 min, with its reason. */
export async function untilReady(store: Store): Promise<void> {
  for (const deadline = Date.now() + 120_000; !store.ready().ready; await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`the store is not ready: ${store.ready().reason}`);
  }
}

/** MongoDB and Redis for one test file. */
export async function startServers() {
  const dir = await mkdtemp(join(tmpdir(), 'im-store-'));
  const mongo = await startMongo({ dir: join(dir, 'mongo') });
  const redis = await startRedis({ dir: join(dir, 'redis') });
  return {
    mongo,
    redis,
    uris: { mongo: mongo.uri, redis: redis.uri },
    async stop() {
      if (mongo.pid !== undefined) await mongo.kill();
      if (redis.pid !== undefined) await redis.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
