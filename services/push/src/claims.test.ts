import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeRedis } from '../test/fake-redis.ts';
import { sharedClaims } from './claims.ts';

test('of two processes one judges a delivery, whenever the other gets it', async () => {
  const keys = new Map<string, string>();
  const [one, two] = [sharedClaims(fakeRedis(keys)), sharedClaims(fakeRedis(keys))];
  assert.deepEqual(await one.take(['a', 'b', 'a']), [true, true, false]);
  assert.deepEqual(await two.take(['b', 'c']), [false, true]);
  await one.settle(['a', 'b']);
  assert.deepEqual(await two.take(['a']), [false]);
  assert.deepEqual(
    [...keys],
    [
      ['a', 'judged'],
      ['b', 'judged'],
      ['c', 'claimed'],
    ],
  );
});

test('what is given back may be taken again, by anybody', async () => {
  const keys = new Map<string, string>();
  const [one, two] = [sharedClaims(fakeRedis(keys)), sharedClaims(fakeRedis(keys))];
  await one.take(['a', 'b']);
  await one.giveBack(['a', 'b']);
  assert.deepEqual(await two.take(['a']), [true]);
  assert.deepEqual(await one.take(['a', 'b']), [false, true]);
});

test('while Redis is away, a process does not judge twice what it judged itself', async () => {
  const state = { up: false };
  const claims = sharedClaims(fakeRedis(new Map(), state));
  assert.deepEqual(await claims.take(['a']), [true]);
  await claims.settle(['a']);
  assert.deepEqual(await claims.take(['a']), [false]);
  state.up = true;
  assert.deepEqual(await claims.take(['a', 'b']), [false, true]);
});
