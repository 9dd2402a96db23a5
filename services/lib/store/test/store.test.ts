import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { tenantId } from '@im/contract';
import { sleep } from '@im/kit';
import { ImError } from '@im/protocol';
import { conversationSeqs, redisKey } from '../src/index.ts';
import { openStore, SHARED, startServers, testTenants, untilReady } from './harness.ts';

const [tenant] = SHARED;
let servers: Awaited<ReturnType<typeof startServers>>;

before(async () => {
  servers = await startServers();
});
after(() => servers?.stop());

test('a store starts without its servers, and becomes ready when they come', {
  timeout: 240_000,
}, async (t) => {
  if (!servers.mongo.managed || !servers.redis.managed) return t.skip('the servers are external');
  await servers.mongo.kill();
  await servers.redis.kill();
  // One database, so that being ready means that no index is being made: SecantusDB killed at that
  // refuses further indexes of any database, for minutes.
  const tenants = testTenants(SHARED);
  await using opened = await openStore(servers.uris, { tenants });
  const { store } = opened;
  assert.equal(store.ready().ready, false);
  assert.equal(store.redis.up, false);
  assert.equal(
    await store.redis.orElse(
      (client) => client.get('x'),
      () => 'from the truth',
    ),
    'from the truth',
  );
  await assert.rejects(
    async () => conversationSeqs(store).get(tenant, ['sg_x']),
    (error: unknown) => error instanceof ImError && error.code === 90_004,
  );

  await servers.mongo.restart();
  await servers.redis.restart();
  await untilReady(store);
  assert.equal((await conversationSeqs(store).get(tenant, ['sg_x'])).size, 0);
  for (let i = 0; i < 200 && !store.redis.up; i++) await sleep(20);
  const key = store.redisKey(tenant, 'thing', 'any id: * > .');
  assert.equal(key, redisKey(tenant, 'thing', 'any id: * > .'));
  assert.match(key, /^im:s1:thing:[\w-]{16}$/);
  await store.redis.orElse(
    async (client) => client.set(key, '1'),
    () => assert.fail('Redis is away'),
  );
  assert.equal(
    await store.redis.orElse(
      (client) => client.get(key),
      () => 'away',
    ),
    '1',
  );

  await servers.mongo.kill();
  const startedAt = Date.now();
  await assert.rejects(
    conversationSeqs(store).get(tenant, ['sg_x']),
    (error: unknown) => error instanceof ImError && error.code === 90_004,
  );
  assert.ok(Date.now() - startedAt < 25_000, 'an operation fails in time for its caller to answer');
  await servers.mongo.restart();
  await untilReady(store);

  // A restart of the database costs a retryable error at most.
  await servers.mongo.kill();
  const waiting = conversationSeqs(store)
    .raiseMin(tenant, 'sg_x', 3)
    .catch((error: unknown) => assert.ok(error instanceof ImError && error.code === 90_004));
  await servers.mongo.restart();
  await waiting;
  await untilReady(store);
  await conversationSeqs(store).raiseMin(tenant, 'sg_x', 3);
  assert.equal((await conversationSeqs(store).get(tenant, ['sg_x'])).get('sg_x')?.min, 3);
});

test('a tenant that this process does not know has no place, and the caller may retry', async () => {
  await using opened = await openStore(servers.uris);
  await untilReady(opened.store);
  await assert.rejects(
    async () => conversationSeqs(opened.store).get(tenantId('unheard-of'), ['x']),
    (error: unknown) => error instanceof ImError && error.code === 90_004,
  );
});

test('a part with a control character is refused, so that no key can reach another', async () => {
  await using opened = await openStore(servers.uris);
  await untilReady(opened.store);
  await assert.rejects(
    async () => conversationSeqs(opened.store).get(tenant, ['a\u001fb']),
    (error: unknown) => error instanceof ImError && error.code === 1001,
  );
});
