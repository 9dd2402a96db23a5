import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentDeliveries } from './recent-deliveries.ts';

function claimed(recent: RecentDeliveries, id: string) {
  const claim = recent.claim(id);
  assert.ok(typeof claim === 'object', `${id} is ${claim}`);
  return claim;
}

test('a delivery is claimed once, until it is released', () => {
  const recent = new RecentDeliveries();
  const claim = claimed(recent, 'x');
  assert.equal(recent.claim('x'), 'under way');
  claim.release();
  claimed(recent, 'x').done();
  assert.equal(recent.claim('x'), 'ended');
});

test('the last ids are remembered, and a bounded number of them', () => {
  const recent = new RecentDeliveries(10);
  for (let n = 0; n < 35; n++) claimed(recent, String(n)).done();
  for (let n = 25; n < 35; n++) assert.equal(recent.claim(String(n)), 'ended', String(n));
  claimed(recent, '0');
});
