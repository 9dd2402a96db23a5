import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginRate, RecentDurations, RecentRate } from './handshake-rates.ts';

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

test('durations of the last ten seconds give quantiles, at most a fifth too high', () => {
  let now = 5_000;
  const durations = new RecentDurations(() => now);
  assert.equal(durations.quantile(0.99), undefined);
  for (let i = 0; i < 99; i++) durations.add(10);
  durations.add(3_000);
  const near = (share: number, ms: number) => {
    const found = durations.quantile(share) ?? 0;
    assert.ok(found >= ms * 0.99 && found <= ms * 1.2, `${found} ms for ${ms} ms`);
  };
  near(0.99, 10);
  near(1, 3_000);
  now += 9_000;
  near(1, 3_000);
  for (let i = 0; i < 100; i++) durations.add(200);
  now += 1_000;
  near(1, 200);
  durations.add(0);
  durations.add(10_000_000);
  assert.ok((durations.quantile(1) ?? 0) > 50_000);
  now += 60_000;
  assert.equal(durations.quantile(0.5), undefined);
});
