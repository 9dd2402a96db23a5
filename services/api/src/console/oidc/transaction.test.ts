import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seal, unseal } from './transaction.ts';

const transaction = { provider: 'idp', state: 's', nonce: 'n', verifier: 'v', expires: 1_000 };

test('a sealed login is read by those with the secret, until it expires, and by nobody else', () => {
  const sealed = seal(transaction, 'secret');
  assert.deepEqual(unseal(sealed, 'secret', 999), transaction);
  assert.equal(unseal(sealed, 'secret', 1_000), undefined);
  assert.equal(unseal(sealed, 'other', 0), undefined);
  assert.doesNotMatch(Buffer.from(sealed, 'base64url').toString('latin1'), /idp|expires/);
  assert.notEqual(seal(transaction, 'secret'), sealed);
});

test('no changed, cut or invented one is taken', () => {
  const bytes = Buffer.from(seal(transaction, 'secret'), 'base64url');
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes);
    changed[i] = (changed[i] ?? 0) ^ 1;
    assert.equal(unseal(changed.toString('base64url'), 'secret', 0), undefined, String(i));
    assert.equal(unseal(bytes.subarray(0, i).toString('base64url'), 'secret', 0), undefined);
  }
  for (const text of ['', '{}', 'A'.repeat(4_000)]) assert.equal(unseal(text, 'secret', 0), undefined);
});
