import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginRate, RecentRate } from './handshake-rates.ts';

test('a login that connects in a loop is held back alone', () => {
  const rate = new LoginRate({ ratePerSecond: 1, burst: 3 });
  assert.deepEqual(
    Array.from({ length: 5 }, () => rate.take('looping')),
    [true, true, true, false, false],
  );
  assert.ok(rate.take('other'));
  rate.configure({ ratePerSecond: 0, burst: 1 });
  assert.ok(rate.take('looping'));
});

test('what is remembered of logins is bounded', () => {
  const rate = new LoginRate({ ratePerSecond: 1, burst: 1 });
  for (let i = 0; i < 30_000; i++) rate.take(`token ${i}`);
  assert.equal(rate.size, 20_000);
});

test('what happened counts for ten seconds', () => {
  let now = 12_300;
  const rate = new RecentRate(() => now);
  for (let i = 0; i < 20; i++) rate.count();
  assert.equal(rate.perSecond, 2);
  now = 15_000;
  for (let i = 0; i < 10; i++) rate.count();
  assert.equal(rate.perSecond, 3);
  now = 22_000;
  assert.equal(rate.perSecond, 1);
  now = 25_000;
  assert.equal(rate.perSecond, 0);
  now = 90_000;
  rate.count();
  assert.equal(rate.perSecond, 0.1);
});
