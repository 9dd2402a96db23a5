import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rangesOf } from './seqs.ts';

test('seqs are shown as ranges', () => {
  assert.deepEqual(rangesOf([9, 5, 7, 8, 12]), ['5', '7-9', '12']);
  assert.deepEqual(rangesOf([]), []);
});
