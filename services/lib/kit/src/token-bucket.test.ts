import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from './token-bucket.ts';

test('a bucket gives its burst, then its rate', () => {
  let now = 0;
  const bucket = new TokenBucket({ ratePerSecond: 10, burst: 3, now: () => now });
  const take = (times: number) => Array.from({ length: times }, () => bucket.take()).filter(Boolean).length;
  assert.equal(take(5), 3);
  assert.equal(bucket.waitMs(), 100);
  now += 100;
  assert.equal(take(5), 1);
  now += 60_000;
  assert.equal(take(5), 3);
});

test('rate 0 means no limit', () => {
  const bucket = new TokenBucket({ ratePerSecond: 0 });
  for (let i = 0; i < 1_000; i++) assert.equal(bucket.take(100), true);
  assert.equal(bucket.waitMs(), 0);
});

test('a changed limit takes effect without giving a new burst', () => {
  let now = 0;
  const bucket = new TokenBucket({ ratePerSecond: 100, burst: 100, now: () => now });
  assert.equal(bucket.take(100), true);
  bucket.configure({ ratePerSecond: 1, burst: 5 });
  assert.equal(bucket.take(), false);
  now += 1_000;
  assert.equal(bucket.take(), true);
  assert.equal(bucket.take(), false);
});
