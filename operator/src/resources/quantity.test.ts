import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from './quantity.ts';

test('sizes with every kind of unit', () => {
  assert.equal(bytesOf('512Mi'), 536_870_912);
  assert.equal(bytesOf('1.5Gi'), 1_610_612_736);
  assert.equal(bytesOf('2G'), 2_000_000_000);
  assert.equal(bytesOf(7), 7);
  assert.throws(() => bytesOf('ten'), /ten is not a size/);
  assert.throws(() => bytesOf('10X'), /10X is not a size/);
});
