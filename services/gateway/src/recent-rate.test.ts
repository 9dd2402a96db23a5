import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentRate } from './recent-rate.ts';

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
