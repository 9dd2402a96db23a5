import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idHash, jsonListHash, matchesIdHash } from './id-hash.ts';

test('hashes the JSON text as Go escapes it', () => {
  assert.equal(idHash(['u1', 'u2', '<é>']), '2326855803504140794');
});
test('an empty list is zero', () => {
  assert.equal(idHash([]), '0');
  assert.equal(jsonListHash([]), '0');
  assert.equal(matchesIdHash('', []), true);
});
test('depends on the order', () => {
  assert.notEqual(idHash(['a', 'b']), idHash(['b', 'a']));
});
test('a list of JSON texts hashes as the array of them', () => {
  assert.equal(jsonListHash(['"u1"', '"u2"', '"<é>"']), idHash(['u1', 'u2', '<é>']));
});
