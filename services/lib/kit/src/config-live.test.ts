import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configFields } from './config-fields.ts';
import { createLiveConfig, isLiveSetting, LIVE_SETTINGS } from './config-live.ts';
import { parseConfig } from './config-load.ts';

test('live settings are those of the list and what is below them', () => {
  assert.ok(isLiveSetting('tenants') && isLiveSetting('gateway.drain.maxPerSecond'));
  assert.ok(!isLiveSetting('gateway') && !isLiveSetting('gateway.port') && !isLiveSetting('gateway.drained'));
  const paths = configFields().map(({ path }) => path);
  for (const live of LIVE_SETTINGS)
    assert.ok(
      paths.some((path) => path === live || path.startsWith(`${live}.`)),
      `${live} is no setting`,
    );
});

test('a change of live settings is in force at once; the others wait and are named', () => {
  const live = createLiveConfig(parseConfig({ gateway: { port: 1 }, log: { level: 'info' } }));
  const heard: number[] = [];
  const end = live.onChange(({ gateway }) => heard.push(gateway.drain.maxPerSecond));
  const waiting = live.apply(
    parseConfig({
      gateway: { port: 2, drain: { maxPerSecond: 7 } },
      log: { level: 'debug' },
      nats: { servers: ['nats://elsewhere'] },
      tenants: [{ id: 'default', tokenSecret: 's', adminSecret: 's' }],
    }),
  );
  assert.deepEqual(waiting, ['gateway.port', 'nats.servers']);
  assert.deepEqual(heard, [7]);
  const { gateway, log, nats, tenants } = live.current;
  assert.deepEqual([gateway.port, gateway.drain.maxPerSecond, log.level], [1, 7, 'debug']);
  assert.deepEqual(nats.servers, ['nats://127.0.0.1:4222']);
  assert.equal(tenants.length, 1);
  end();
  assert.deepEqual(live.apply(parseConfig({ gateway: { port: 1 } })), [], 'back where it was');
  assert.deepEqual(heard, [7]);
});
