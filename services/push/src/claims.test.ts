import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '@im/kit';
import type { Store } from '@im/store';
import { fakeRedis } from '../test/fake-redis.ts';
import { sharedClaims } from './claims.ts';

test('of two processes one notifies about a delivery, whenever the other gets it', async () => {
  const keys = new Map<string, string>();
  const [one, two] = [sharedClaims(fakeRedis(keys)), sharedClaims(fakeRedis(keys))];
  assert.equal(await one.take('a'), true);
  assert.equal(await one.take('a'), false);
  assert.equal(await two.take('a'), false);
  assert.equal(await two.take('b'), true);
  await one.settle('a');
  assert.equal(await two.take('a'), false);
  assert.deepEqual(Object.fromEntries(keys), { a: 'settled', b: 'claimed' });
});

test('a released claim may be taken again, by any process', async () => {
  const keys = new Map<string, string>();
  const [one, two] = [sharedClaims(fakeRedis(keys)), sharedClaims(fakeRedis(keys))];
  await one.take('a');
  await one.take('b');
  await one.giveBack('a');
  await one.giveBack('b');
  assert.equal(await two.take('a'), true);
  assert.equal(await one.take('a'), false);
  assert.equal(await one.take('b'), true);
});

test('while Redis is away, a process does not notify twice about what it did itself', async () => {
  const state = { up: false };
  const claims = sharedClaims(fakeRedis(new Map(), state));
  assert.equal(await claims.take('a'), true);
  await claims.settle('a');
  assert.equal(await claims.take('a'), false);
  state.up = true;
  assert.equal(await claims.take('a'), false);
  assert.equal(await claims.take('b'), true);
});

test('thousands of claims go to Redis a few at a time, and all are answered', async () => {
  const open = { now: 0, most: 0 };
  const redis = {
    async orElse() {
      open.most = Math.max(open.most, ++open.now);
      await sleep(1);
      open.now--;
      return true;
    },
  } as unknown as Store['redis'];
  const claims = sharedClaims(redis);
  const taken = await Promise.all(Array.from({ length: 2_000 }, (_, i) => claims.take(`k${i}`)));
  assert.equal(taken.filter(Boolean).length, 2_000);
  assert.ok(open.most <= 32, `${open.most} at once`);
});
