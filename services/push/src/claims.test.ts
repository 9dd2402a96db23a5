import assert from 'node:assert/strict';
import { test } from 'node:test';
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
