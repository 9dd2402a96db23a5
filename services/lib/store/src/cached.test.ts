import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { type InvalidationHandler, inProcessInvalidations } from '@im/kit';
import { createMetrics } from '@im/process';
import { entityCaches } from './cached.ts';

const [a, b] = [tenantId('a'), tenantId('b')];
const options = { name: 'thing', max: 100, ttlMs: 60_000, negativeTtlMs: 60_000 };

test('entities are loaded once, per tenant, and again after an invalidation', async () => {
  const cache = entityCaches(inProcessInvalidations(), createMetrics()).cached<string>(options);
  let loads = 0;
  const get = (tenant: typeof a) => cache.get(tenant, 'x', async () => `${tenant}${++loads}`);
  assert.deepEqual([await get(a), await get(a), await get(b)], ['a1', 'a1', 'b2']);
  await cache.invalidate(a, ['x']);
  assert.equal(cache.peek(a, 'x').known, false);
  assert.deepEqual([await get(a), await get(b)], ['a3', 'b2']);
});

test('many are loaded in one go, and only those without a copy', async () => {
  const cache = entityCaches(inProcessInvalidations(), createMetrics()).cached<string>(options);
  await cache.get(a, 'x', async () => 'X');
  const asked: string[][] = [];
  const load = async (ids: readonly string[]) => {
    asked.push([...ids]);
    return new Map(ids.filter((id) => id !== 'none').map((id) => [id, id.toUpperCase()]));
  };
  const found = await cache.getMany(a, ['x', 'y', 'none', 'y'], load);
  assert.deepEqual([...found].sort(), [
    ['x', 'X'],
    ['y', 'Y'],
  ]);
  assert.deepEqual(asked, [['y', 'none']]);
  await cache.getMany(a, ['x', 'y', 'none'], load);
  assert.equal(asked.length, 1, 'that there is none is remembered too');
});

test('a load that an invalidation overtook is not kept', async () => {
  const cache = entityCaches(inProcessInvalidations(), createMetrics()).cached<string>(options);
  const slow = Promise.withResolvers<ReadonlyMap<string, string>>();
  const reading = cache.getMany(a, ['x'], () => slow.promise);
  await cache.invalidate(a, ['x']);
  slow.resolve(new Map([['x', 'old']]));
  assert.equal((await reading).get('x'), 'old');
  assert.equal(cache.peek(a, 'x').known, false);
});

test('one cache per name; missed invalidations empty all', async () => {
  let handler: InvalidationHandler | undefined;
  const caches = entityCaches(
    {
      publish: async () => {},
      subscribe(h) {
        handler = h;
        return () => {};
      },
    },
    createMetrics(),
  );
  const cache = caches.cached<string>(options);
  assert.equal(caches.cached<string>(options), cache);
  await cache.get(a, 'x', async () => 'X');
  handler?.onKeys(a, ['other\u001fx', 'garbage']);
  assert.equal(cache.peek(a, 'x').known, true);
  handler?.onMissed();
  assert.equal(cache.peek(a, 'x').known, false);
});
