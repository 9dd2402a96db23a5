import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberOrShare, quantity } from './quantity.ts';

test('quantities with every kind of unit', () => {
  assert.equal(quantity('512Mi'), 536_870_912);
  assert.equal(quantity('1.5Gi'), 1_610_612_736);
  assert.equal(quantity('2G'), 2_000_000_000);
  assert.equal(quantity('50m'), 0.05);
  assert.equal(quantity('2e3'), 2_000);
  assert.equal(quantity(7), 7);
  for (const none of ['ten', '10X', '', undefined]) assert.equal(quantity(none), undefined);
});

test('a number, or a share of a whole', () => {
  assert.equal(numberOrShare(3, 20), 3);
  assert.equal(numberOrShare('25%', 20), 5);
  assert.equal(numberOrShare('100%', 7), 7);
});
