import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '@im/contract';
import { createLiveConfig } from './live-config.ts';

test('a change of live settings is in force at once; the others wait and are named', () => {
  const live = createLiveConfig(parseConfig({ gateway: { port: 1 }, log: { level: 'info' } }));
  const changes: number[] = [];
  const end = live.onChange(({ gateway }) => changes.push(gateway.drain.maxPerSecond));
  const waiting = live.apply(
    parseConfig({
      gateway: { port: 2, drain: { maxPerSecond: 7 } },
      log: { level: 'debug' },
      nats: { servers: ['nats://elsewhere'] },
      tenants: [{ id: 'default', tokenSecret: 's', adminSecret: 's' }],
    }),
  );
  assert.deepEqual(waiting, ['gateway.port', 'nats.servers']);
  assert.deepEqual(changes, [7]);
  const { gateway, log, nats, tenants } = live.current;
  assert.deepEqual([gateway.port, gateway.drain.maxPerSecond, log.level], [1, 7, 'debug']);
  assert.deepEqual(nats.servers, ['nats://127.0.0.1:4222']);
  assert.equal(tenants.length, 1);
  end();
  assert.deepEqual(live.apply(parseConfig({ gateway: { port: 1 } })), [], 'back where it was');
  assert.deepEqual(changes, [7]);
});
