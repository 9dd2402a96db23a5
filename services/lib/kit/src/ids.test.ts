import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { md5Hex, newInstanceId, randomId, sha256Parts, token16 } from './ids.ts';

test('a token is the start of SHA-256(kind NUL id), safe in subjects and keys', () => {
  const expected = createHash('sha256').update('user\0u1').digest().subarray(0, 12).toString('base64url');
  assert.equal(token16('user', 'u1'), expected);
  for (const id of ['', 'u1', 'a.b *>', '\n', '群', 'x'.repeat(5_000)]) {
    assert.match(token16('user', id), /^[A-Za-z0-9_-]{16}$/);
  }
  assert.notEqual(token16('user', 'x'), token16('group', 'x'));
});

test('hashed parts never run together', () => {
  assert.notDeepEqual(sha256Parts('ab', 'c'), sha256Parts('a', 'bc'));
  assert.deepEqual(sha256Parts('a', Buffer.from('b')), sha256Parts('a', 'b'));
});

test('hashes of parts are those of all versions: dedup keys in the log are made of them', () => {
  assert.equal(
    sha256Parts('default', '群', '', Buffer.from([0, 255])).toString('hex'),
    '092925fc7dd28d9a0509afd37e9885c94dc04e62c8193ea20e4920af21c876a3',
  );
});

test('md5 is lower-case hexadecimal', () => {
  assert.equal(md5Hex('abc'), '900150983cd24fb0d6963f7d28e17f72');
});

test('two processes of one host differ', () => {
  assert.notEqual(newInstanceId(), newInstanceId());
  assert.match(newInstanceId(), /^[a-z0-9-]+$/);
});

test('random ids have the length asked for, and none comes twice', () => {
  const ids = Array.from({ length: 1_000 }, () => randomId());
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(randomId(7).length, 14);
  assert.equal(randomId(4_096).length, 8_192);
});
