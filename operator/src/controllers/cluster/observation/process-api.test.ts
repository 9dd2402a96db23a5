import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, createOpsServer, silentLogger } from '@im/process';
import { httpProcessApi } from './process-api.ts';

test('actions carry the key of the cluster, questions do not', async () => {
  const clusterKey = () => ({ key: 'the key', acceptMissingKey: false });
  const log = silentLogger();
  const ops = createOpsServer({ host: '127.0.0.1', port: 0, log, metrics: createMetrics(), clusterKey });
  const asked: string[] = [];
  ops.routes.handle('GET', '/status', () => ({ body: { version: '1' } }));
  for (const path of ['/drain', '/undrain', '/shed'] as const)
    ops.routes.handle('POST', path, ({ body }) => {
      asked.push(`${path} ${body}`);
      return { status: 202, body: {} };
    });
  const api = httpProcessApi(await ops.start());
  const signal = AbortSignal.timeout(20_000);
  try {
    const at = { host: '127.0.0.1', key: 'the key' };
    assert.equal((await api.status(at.host, signal)).version, '1');
    const until = Date.now() + 30_000;
    await api.drain(at, { until, maxPerSecond: 5, ttlSeconds: 6 }, signal);
    await api.undrain(at, signal);
    await api.shed(at, { count: 3, maxPerSecond: 1 }, signal);
    assert.deepEqual(asked, [
      `/drain {"until":${until},"maxPerSecond":5,"ttlSeconds":6,"withinSeconds":30}`,
      '/undrain ',
      '/shed {"count":3,"maxPerSecond":1}',
    ]);
    await assert.rejects(api.drain({ ...at, key: 'another' }, { until }, signal), /POST \/drain: 401/);
    assert.equal(asked.length, 3);
  } finally {
    await ops.stop();
  }
});
