import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginRate } from './login-rate.ts';

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
