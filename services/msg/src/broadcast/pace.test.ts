import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paceOf, pageSizeAt } from './pace.ts';

test('a broadcast takes half of the limit of its tenant at most, in pages of half a second', () => {
  assert.equal(paceOf(0), 200);
  assert.equal(paceOf(10_000), 200);
  assert.equal(paceOf(50), 25);
  assert.equal(paceOf(0.5), 1);
  assert.deepEqual([1, 25, 200, 10_000].map(pageSizeAt), [1, 12, 100, 100]);
});
