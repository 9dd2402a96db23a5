import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import type { Store } from '@im/store';
import { SEND_STATUS, sendStatus } from './send-status.ts';

test('a send in progress is reported as such, and a late report does not undo its outcome', async () => {
  const kept = new Map<string, string>();
  const client = {
    async set(key: string, value: string, ...options: unknown[]) {
      if (!options.includes('NX') || !kept.has(key)) kept.set(key, value);
    },
    get: async (key: string) => kept.get(key) ?? null,
  };
  const redis = { orElse: (work: (c: typeof client) => unknown) => work(client) };
  const store = { redis, redisKey: (...parts: string[]) => parts.join('/') };
  const tasks = createTaskRunner({ log: silentLogger(), metrics: createMetrics() });
  const status = sendStatus(store as unknown as Pick<Store, 'redis' | 'redisKey'>, tasks);
  const ctx = {
    tenant: tenantId('one'),
    operationID: 'op',
    deadline: 0,
    opUserID: 'u',
    opPlatformID: 1,
    opAdmin: false,
    connID: '',
  };
  const seen = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return status.read(ctx);
  };
  assert.equal(await seen(), SEND_STATUS.Unknown);
  status.note(ctx, SEND_STATUS.Sending);
  assert.equal(await seen(), SEND_STATUS.Sending);
  status.note(ctx, SEND_STATUS.Failed);
  assert.equal(await seen(), SEND_STATUS.Failed);
  status.note(ctx, SEND_STATUS.Sending);
  assert.equal(await seen(), SEND_STATUS.Failed);
  await tasks.stop();
});
