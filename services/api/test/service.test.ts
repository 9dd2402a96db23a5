import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { ServerConfig, tenantSettings } from '@im/contract';
import { inProcessInvalidations, sleep, staticTenants } from '@im/kit';
import { createLiveConfig, createMetrics, createTaskRunner, type Service, silentLogger } from '@im/process';
import { createRpc } from '@im/rpc';
import { apiService } from '../src/index.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address ? address.port : 0);
  });
  const port = await promise;
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  return port;
}

const bus = {
  deliveries: { watch: () => () => {} },
  log: { info: async () => ({ bytes: 0, maxBytes: 0 }) },
};

/** The API on a free port; auth never answers. */
async function listening(): Promise<{ service: Service; url: string }> {
  const port = await freePort();
  const config = ServerConfig.parse({ listen: { host: '127.0.0.1' }, api: { port } });
  const log = silentLogger();
  const metrics = createMetrics();
  const rpc = createRpc(config, { log, metrics, serve: false });
  rpc.bind('auth', { parseToken: () => new Promise(() => {}) } as never);
  const service = await apiService.create(config, {
    ...{ log, metrics, rpc, bus, invalidations: inProcessInvalidations() },
    tenants: staticTenants([tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' })]),
    tasks: createTaskRunner({ log, metrics }),
    ops: { handle: () => {} },
    instanceId: 'test',
    live: createLiveConfig(config),
    signal: new AbortController().signal,
  });
  await service.start();
  return { service, url: `http://127.0.0.1:${port}` };
}

test('it listens, answers, and stops', async () => {
  const { service, url } = await listening();
  const response = await fetch(`${url}/user/get_users_info`, { method: 'POST', body: '{}' });
  assert.equal(((await response.json()) as { errCode: number }).errCode, 1001);
  assert.equal(response.headers.get('content-type'), 'application/json');
  await service.stop(AbortSignal.timeout(5_000));
  await assert.rejects(fetch(url));
});

test('a taken port is an error that says so', async () => {
  const { service, url } = await listening();
  const port = Number(new URL(url).port);
  const config = ServerConfig.parse({ listen: { host: '127.0.0.1' }, api: { port } });
  const log = silentLogger();
  const metrics = createMetrics();
  const second = await apiService.create(config, {
    ...{ log, metrics, bus, invalidations: inProcessInvalidations(), tenants: staticTenants([]) },
    rpc: createRpc(config, { log, metrics, serve: false }),
    tasks: createTaskRunner({ log, metrics }),
    ops: { handle: () => {} },
    instanceId: 'test',
    live: createLiveConfig(config),
    signal: new AbortController().signal,
  });
  await assert.rejects(second.start(), /EADDRINUSE/);
  await second.stop(AbortSignal.timeout(1_000));
  await service.stop(AbortSignal.timeout(1_000));
});

test('a request that hangs is cut when the deadline of the stop has passed', async () => {
  const { service, url } = await listening();
  const hanging = fetch(`${url}/user/get_users_info`, {
    method: 'POST',
    headers: { operationID: 'op', token: 't' },
    body: '{}',
  });
  hanging.catch(() => undefined);
  await sleep(200);
  const startedAt = Date.now();
  await service.stop(AbortSignal.timeout(300));
  assert.ok(Date.now() - startedAt < 20_000);
  await assert.rejects(hanging);
});

test('while it drains, connections end with their next answer', async () => {
  const { service, url } = await listening();
  const connection = async () => {
    const response = await fetch(`${url}/user/get_users_info`, { method: 'POST', body: '{}' });
    await response.arrayBuffer();
    return response.headers.get('connection');
  };
  assert.equal(await connection(), 'keep-alive');
  await service.drain?.();
  assert.equal(await connection(), 'close');
  assert.equal(await connection(), 'close', 'it still serves');
  await service.stop(AbortSignal.timeout(1_000));
});
