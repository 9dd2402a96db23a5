import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantSettings } from './tenant-settings.ts';
import { acceptedTokenSecrets, endsTokens, isAdminSecret, keyID, tokenKeysDigest } from './token-keys.ts';

const of = (settings: object) =>
  tenantSettings({ id: 'acme', tokenSecret: 'one', adminSecret: 'a', ...settings });
const AT = Date.parse('2030-01-01T00:00:00Z');
const until = (ms: number) => new Date(AT + ms).toISOString();

test('a second key passes until its end', () => {
  assert.deepEqual(acceptedTokenSecrets(of({}), AT), ['one']);
  assert.deepEqual(acceptedTokenSecrets(of({ secondTokenSecret: 'two' }), AT), ['one', 'two']);
  const ending = of({ secondTokenSecret: 'two', secondTokenSecretUntil: until(1) });
  assert.deepEqual(acceptedTokenSecrets(ending, AT), ['one', 'two']);
  assert.deepEqual(acceptedTokenSecrets(ending, AT + 1), ['one']);
});

test('two secrets of administrators pass during a change', () => {
  const same = (a: string, b: string) => a === b;
  const both = of({ secondAdminSecret: 'b', secondAdminSecretUntil: until(1) });
  const taken = ['a', 'b', 'c', ''].map((given) => isAdminSecret(both, given, AT, same));
  assert.deepEqual(taken, [true, true, false, false]);
  assert.equal(isAdminSecret(both, 'b', AT + 1, same), false);
  assert.equal(isAdminSecret(of({}), '', AT, same), false);
});

test('tokens end when their key goes, or ends earlier, or when all of a time are revoked', () => {
  const staged = of({ secondTokenSecret: 'two' });
  const switched = of({ tokenSecret: 'two', secondTokenSecret: 'one', secondTokenSecretUntil: until(9) });
  assert.equal(endsTokens(of({}), staged), false);
  assert.equal(endsTokens(staged, switched), true, 'the former key has an end now');
  assert.equal(endsTokens(switched, { ...switched, secondTokenSecretUntil: until(10) }), false);
  assert.equal(endsTokens(switched, { ...switched, secondTokenSecretUntil: until(8) }), true);
  assert.equal(endsTokens(switched, of({ tokenSecret: 'two' })), true);
  assert.equal(endsTokens(of({}), of({ tokensNotBefore: until(0) })), true);
  assert.equal(endsTokens(of({ tokensNotBefore: until(1) }), of({ tokensNotBefore: until(0) })), false);
  assert.equal(endsTokens(of({}), of({ friendVerify: true })), false);
});

test('digests tell apart what decides which tokens pass; ids name keys without telling them', () => {
  const digests = [
    {},
    { secondTokenSecret: 'two' },
    { tokensNotBefore: until(0) },
    { tokenSecret: 'two' },
  ].map((settings) => tokenKeysDigest(of(settings)));
  assert.equal(new Set(digests).size, 4);
  assert.equal(tokenKeysDigest(of({})), tokenKeysDigest(of({ friendVerify: true })));
  assert.match(keyID('one'), /^[0-9a-f]{12}$/);
});

test('a time that is none is refused by its field', () => {
  assert.throws(() => of({ tokensNotBefore: 'yesterday' }), /must be a time such as/);
});
