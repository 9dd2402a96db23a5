import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImError } from '@im/protocol';
import { wishOf } from './wish.ts';

test('a query names sides and a format', () => {
  assert.deepEqual(wishOf({ type: 'image', width: '640', height: '480', format: 'jpg' }), {
    width: 640,
    height: 480,
    format: 'jpeg',
  });
  assert.deepEqual(wishOf({}), { width: 1_024, height: 1_024 });
  assert.deepEqual(wishOf({ width: '0', height: '', format: 'heic' }), { width: 1_024, height: 1_024 });
  assert.deepEqual(wishOf({ width: '4000', height: '999999999' }), { width: 1_024, height: 1_024 });
  for (const width of ['-1', '1.5', 'abc', '1e3', ' 7', '9999999999']) {
    assert.throws(
      () => wishOf({ width }),
      (e: unknown) => e instanceof ImError && e.code === 1001 && e.detail.startsWith('query.width: '),
      width,
    );
  }
});
