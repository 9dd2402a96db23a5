import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMetrics } from '@im/process';
import { createCache } from './cache.ts';
import { CallScope, currentCall, withinCall } from './call-scope.ts';

const bounds = { name: 'test', max: 100, ttlMs: 60_000 };

test('concurrent loads of one key are one load', async () => {
  const cache = createCache<string>(bounds);
  let loads = 0;
  const load = async (key: string) => {
    loads++;
    await sleep(5);
    return key.toUpperCase();
  };
  assert.deepEqual(await Promise.all([cache.get('a', load), cache.get('a', load), cache.get('b', load)]), [
    'A',
    'A',
    'B',
  ]);
  assert.equal(loads, 2);
  assert.equal(await cache.get('a', load), 'A');
  assert.equal(loads, 2);
});

test('what was loaded before an invalidation is not kept', async () => {
  const cache = createCache<string>(bounds);
  const old = cache.get('k', () => sleep(10, 'old'));
  cache.invalidate('k');
  const fresh = cache.get('k', async () => 'new');
  assert.deepEqual(await Promise.all([old, fresh]), ['old', 'new']);
  assert.equal(cache.peek('k').value, 'new');

  const cleared = cache.get('x', () => sleep(10, 'old'));
  cache.clear();
  await cleared;
  assert.deepEqual(cache.peek('x'), { known: false, value: undefined });

  const overtaken = cache.get('y', () => sleep(10, 'old'));
  cache.set('y', 'set');
  await overtaken;
  assert.equal(cache.peek('y').value, 'set');
});

test('a failed load rejects for all who wait and is tried again', async () => {
  const cache = createCache<string>(bounds);
  const fail = async () => {
    throw new Error('no');
  };
  const outcomes = await Promise.allSettled([cache.get('k', fail), cache.get('k', fail)]);
  assert.deepEqual(
    outcomes.map((o) => o.status),
    ['rejected', 'rejected'],
  );
  assert.equal(await cache.get('k', async () => 'yes'), 'yes');
});

/** Has the clock go on by so many ms at once. */
function clock(t: TestContext): (ms: number) => Promise<void> {
  const { now } = performance;
  let ahead = 0;
  t.mock.method(performance, 'now', () => now.call(performance) + ahead);
  return async (ms) => {
    ahead += ms;
    // The time is read once in a tenth of the limit.
    await sleep(600);
  };
}

test('"there is none" is kept for its own time', async (t) => {
  const pass = clock(t);
  let loads = 0;
  const none = async () => {
    loads++;
    return undefined;
  };
  const forgetful = createCache<string>(bounds);
  await forgetful.get('k', none);
  await forgetful.get('k', none);
  assert.equal(loads, 2);

  const cache = createCache<string>({ ...bounds, negativeTtlMs: 5_000 });
  await cache.get('k', none);
  await cache.get('k', none);
  assert.equal(loads, 3);
  assert.deepEqual(cache.peek('k'), { known: true, value: undefined });
  await pass(6_000);
  await cache.get('k', none);
  assert.equal(loads, 4);
});

test('entries end with their time limit and the bound', async (t) => {
  const pass = clock(t);
  const cache = createCache<number>({ ...bounds, max: 2, ttlMs: 5_000 });
  cache.set('a', 1);
  cache.set('b', 2);
  cache.set('c', 3);
  assert.equal(cache.size, 2);
  assert.equal(cache.peek('a').known, false);
  assert.equal(cache.peek('c').known, true);
  await pass(6_000);
  assert.equal(cache.peek('c').known, false);
});

test('hits and misses are counted by cache', async () => {
  const metrics = createMetrics();
  const cache = createCache<number>({ ...bounds, metrics });
  await cache.get('a', async () => 1);
  await cache.get('a', async () => 1);
  const values = await metrics.values('openim_cache_lookups_total');
  assert.deepEqual(Object.fromEntries(values.map((v) => [v.labels.result, v.value])), { hit: 1, miss: 1 });
});

test('loads have a separate deadline, unless they ask no store: then they are part of the call', async () => {
  const call = new CallScope({ deadline: Date.now() + 1_000 });
  const load = async () => currentCall() ?? 'no call';
  await withinCall(call, async () => {
    const loaded = await createCache<CallScope | string>(bounds).get('k', load);
    assert.ok(loaded instanceof CallScope);
    assert.notEqual(loaded, call);
    const own = createCache<CallScope | string>({ ...bounds, asksStores: false });
    assert.equal(await own.get('k', load), call);
  });
});

test('a cache takes no room before its first entry', () => {
  const before = process.cpuUsage();
  const caches = Array.from({ length: 20 }, () => createCache<string>({ ...bounds, max: 1_000_000 }));
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 500_000, `${(user + system) / 1_000} ms of CPU`);
  for (const cache of caches) {
    cache.invalidate('k');
    cache.clear();
    assert.deepEqual(cache.peek('k'), { known: false, value: undefined });
    assert.equal(cache.size, 0);
  }
});
