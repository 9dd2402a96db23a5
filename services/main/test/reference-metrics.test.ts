import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '@im/contract';
import { silentLogger } from '@im/process';
import { runServer } from '../src/index.ts';

/** What OpenIM's processes export besides the figures of the process itself. */
const NAMES = [
  'api_count',
  'http_count',
  'rpc_count',
  'user_login_total',
  'user_register_total',
  'single_chat_msg_process_success_total',
  'single_chat_msg_process_failed_total',
  'group_chat_msg_process_success_total',
  'group_chat_msg_process_failed_total',
  'msg_offline_push_failed_total',
  'msg_long_time_push_total',
  'msg_insert_redis_success_total',
  'msg_insert_redis_failed_total',
  'msg_insert_mongo_success_total',
  'msg_insert_mongo_failed_total',
  'seq_set_failed_total',
  'online_user_num',
];

test('dashboards made for OpenIM find every metric by its name', async () => {
  // Nothing listens there: metrics do not wait for the stores.
  const nowhere = '127.0.0.1:1';
  const config = parseConfig({
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    api: { port: 0 },
    gateway: { port: 0 },
    nats: { servers: [`nats://${nowhere}`] },
    mongo: { uri: `mongodb://${nowhere}` },
    redis: { uri: `redis://${nowhere}` },
    s3: { endpoint: `http://${nowhere}`, accessKey: 'k', secretKey: 's' },
    push: { provider: 'log' },
    shutdown: { settleMs: 1, deadlineMs: 1_000 },
    tenants: [{ id: 'default', tokenSecret: 's', adminSecret: 's' }],
  });
  await using server = await runServer(config, { roles: ['all'], log: silentLogger() });
  const text = await (await fetch(`http://127.0.0.1:${server.opsPort}/metrics`)).text();
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  for (const name of NAMES)
    assert.equal(types.get(name), name === 'online_user_num' ? 'gauge' : 'counter', name);
});
