import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make } from '@im/protocol';
import { MAX_PAGE, pageRange } from './pagination.ts';

const page = (pageNumber: number, showNumber: number) =>
  pageRange(make('sdkws.RequestPagination', { pageNumber, showNumber }));

test('pages begin at 1', () => {
  assert.deepEqual(page(1, 20), { skip: 0, limit: 20 });
  assert.deepEqual(page(3, 20), { skip: 40, limit: 20 });
});

test('a page of nothing is empty, not an error', () => {
  assert.deepEqual(page(2, 0), { skip: 0, limit: 0 });
  assert.equal(page(1, -5).limit, 0);
});

test('bad pages are refused with the text that names the field', () => {
  assert.throws(() => pageRange(null), /1001.*pagination is empty/);
  assert.throws(() => page(0, 10), /1001.*pageNumber is invalid/);
  assert.throws(() => page(1, MAX_PAGE + 1), /1001.*showNumber/);
});
