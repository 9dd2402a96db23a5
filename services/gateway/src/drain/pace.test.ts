import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeasedPace } from './pace.ts';

test('a leased pace holds until it expires, is renewed or released', () => {
  let now = 1_000;
  let configured = 500;
  const pace = new LeasedPace(
    () => configured,
    () => now,
  );
  assert.equal(pace.perSecond, 500);
  pace.lease(20, 6_000);
  now += 5_999;
  assert.equal(pace.perSecond, 20);
  pace.lease(0, 6_000);
  now += 5_999;
  assert.equal(pace.perSecond, 0, 'renewed, with a pace that pauses');
  configured = 300;
  now += 1;
  assert.equal(pace.perSecond, 300);
  pace.lease(20);
  now += 3_600_000;
  assert.equal(pace.perSecond, 20);
  pace.release();
  assert.equal(pace.perSecond, 300);
});
