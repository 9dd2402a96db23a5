import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfter } from './retry-after.ts';

test('Retry-After is seconds or a date, and a week at most', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const week = 7 * 24 * 3_600_000;
  assert.equal(retryAfter('120', now), 120_000);
  assert.equal(retryAfter(' 0 ', now), 0);
  assert.equal(retryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now), 60_000);
  assert.equal(retryAfter('Thu, 01 Jan 2015 00:01:00 GMT', now), 0);
  for (const absurd of ['9'.repeat(400), '1'.repeat(12), 'Thu, 01 Jan 2099 00:01:00 GMT'])
    assert.equal(retryAfter(absurd, now), week, absurd);
  for (const nothing of [undefined, null, '', '  ', 'soon', '1.5.5'])
    assert.equal(retryAfter(nothing, now), undefined, String(nothing));
});
