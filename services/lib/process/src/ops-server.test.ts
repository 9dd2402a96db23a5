import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createOpsServer } from './ops-server.ts';
import { notReady, READY } from './service.ts';

async function started() {
  const metrics = createMetrics({ process: true });
  const ops = createOpsServer({ host: '127.0.0.1', port: 0, log: silentLogger(), metrics });
  const port = await ops.start();
  const url = `http://127.0.0.1:${port}`;
  return { ops, port, url, metrics, [Symbol.asyncDispose]: () => ops.stop() };
}

test('probes follow the life of the process', async () => {
  await using server = await started();
  const ready = async () => {
    const response = await fetch(`${server.url}/readyz`);
    return [response.status, await response.json()] as const;
  };
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.deepEqual(await ready(), [503, { ready: false, reason: 'starting' }]);

  let answer = notReady('no database');
  const service = { start: async () => {}, stop: async () => {}, ready: () => answer };
  server.ops.setParts([{ name: 'store', service }]);
  assert.deepEqual(await ready(), [503, { ready: false, reason: 'store: no database' }]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(server.ops.notReadyForMs() >= 19);
  answer = READY;
  assert.deepEqual(await ready(), [200, { ready: true }]);
  assert.equal(server.ops.notReadyForMs(), 0);
  server.ops.setStopping();
  assert.deepEqual(await ready(), [503, { ready: false, reason: 'stopping' }]);
});

test('metrics hold the process’s own figures and those of its parts', async () => {
  await using server = await started();
  server.metrics.counter('openim_test_total', 'Test').inc();
  const text = await (await fetch(`${server.url}/metrics`)).text();
  for (const name of [
    'openim_test_total 1',
    'im_test_total 1',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.ok(text.includes(name), name);
  }
});

test('parts add routes; unknown paths, failures and large bodies are answered', async () => {
  await using server = await started();
  server.ops.routes.handle('POST', '/echo', ({ body, url }) => ({
    body: { body, q: url.searchParams.get('q') },
  }));
  server.ops.routes.handle('GET', '/boom', () => {
    throw new Error('boom');
  });
  assert.throws(() => server.ops.routes.handle('GET', '/boom', () => ({ body: '' })), /exists already/);
  const echo = await fetch(`${server.url}/echo?q=1`, { method: 'POST', body: 'hi' });
  assert.deepEqual(await echo.json(), { body: 'hi', q: '1' });
  assert.equal((await fetch(`${server.url}/boom`)).status, 500);
  assert.equal((await fetch(`${server.url}/nothing`)).status, 404);
  const large = await fetch(`${server.url}/echo`, { method: 'POST', body: 'x'.repeat(100_000) });
  assert.equal(large.status, 413);
});

test('a taken port is a clear error', async () => {
  await using server = await started();
  const second = createOpsServer({
    host: '127.0.0.1',
    port: server.port,
    log: silentLogger(),
    metrics: createMetrics(),
  });
  await assert.rejects(second.start(), { message: `cannot listen on 127.0.0.1:${server.port}` });
});

test('actions need the key of the cluster, reading does not', async () => {
  const metrics = createMetrics();
  const act = async (key: string, acceptMissingKey: boolean, authorization?: string) => {
    const log = silentLogger();
    const clusterKey = () => ({ key, acceptMissingKey });
    const ops = createOpsServer({ host: '127.0.0.1', port: 0, log, metrics, clusterKey });
    let done = false;
    ops.routes.handle('POST', '/act', () => {
      done = true;
      return { body: {} };
    });
    const port = await ops.start();
    try {
      const headers = authorization === undefined ? undefined : { authorization };
      const { status } = await fetch(`http://127.0.0.1:${port}/act`, { method: 'POST', headers });
      assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
      assert.equal(done, status === 200);
      return status;
    } finally {
      await ops.stop();
    }
  };
  assert.equal(await act('', false), 200);
  assert.equal(await act('k', false), 401);
  assert.equal(await act('k', false, 'Bearer other'), 401);
  assert.equal(await act('k', false, 'Bearer k'), 200);
  assert.equal(await act('k', true), 200);
  assert.equal(await act('k', true, 'Bearer other'), 200, 'the key changes');
});
