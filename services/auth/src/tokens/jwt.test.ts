import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { ERR, ImError } from '@im/protocol';
import { tokenKey } from './jwt.ts';

const key = tokenKey('openIM123');
const now = Math.floor(Date.now() / 1000);
const claims = { userID: 'u1', platformID: 5, expires: now + 60 };

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signed(header: object, payload: object, secret = 'openIM123', digest = 'sha256'): string {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${createHmac(digest, secret).update(input).digest('base64url')}`;
}

function code(token: string): number {
  try {
    key.verify(token);
    return 0;
  } catch (error) {
    assert.ok(error instanceof ImError);
    return error.code;
  }
}

test('a token has exactly the header and the claims of the wire', () => {
  const [header = '', payload = ''] = key.sign(claims, now - 5).split('.');
  assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'HS256', typ: 'JWT' });
  assert.deepEqual(JSON.parse(Buffer.from(payload, 'base64url').toString()), {
    UserID: 'u1',
    PlatformID: 5,
    exp: now + 60,
    iat: now - 5,
  });
});

test('what was signed is read back, and so is a token of another maker with the same key', () => {
  assert.deepEqual(key.verify(key.sign(claims, now - 5)), { ...claims, issuedAt: now - 5 });
  const foreign = signed(
    { typ: 'JWT', alg: 'HS256' },
    { iat: now, exp: now + 60, PlatformID: 5, UserID: 'u1' },
  );
  assert.deepEqual(key.verify(foreign), { ...claims, issuedAt: now });
});

const payload = { UserID: 'u1', PlatformID: 5, exp: now + 60, iat: now - 5 };
const hs256 = { alg: 'HS256', typ: 'JWT' };
for (const [name, token, wanted] of [
  ['nothing', '', ERR.TokenMalformedError],
  ['no token at all', 'abc', ERR.TokenMalformedError],
  ['two parts', 'a.b', ERR.TokenMalformedError],
  ['parts that are not base64 JSON', '%.%.%', ERR.TokenMalformedError],
  ['a payload that is a list', signed(hs256, [1]), ERR.TokenMalformedError],
  ['no user', signed(hs256, { PlatformID: 5, exp: now + 60 }), ERR.TokenMalformedError],
  ['an empty user', signed(hs256, { ...payload, UserID: '' }), ERR.TokenMalformedError],
  ['a user that is a number', signed(hs256, { ...payload, UserID: 1 }), ERR.TokenMalformedError],
  ['a platform that is text', signed(hs256, { ...payload, PlatformID: '5' }), ERR.TokenMalformedError],
  ['no end', signed(hs256, { UserID: 'u1', PlatformID: 5 }), ERR.TokenMalformedError],
  ['another key', signed(hs256, payload, 'other'), ERR.TokenUnknownError],
  ['a cut signature', signed(hs256, payload).slice(0, -4), ERR.TokenUnknownError],
  ['no signature', `${part(hs256)}.${part(payload)}.`, ERR.TokenUnknownError],
  ['algorithm none', `${part({ alg: 'none' })}.${part(payload)}.`, ERR.TokenUnknownError],
  ['HS384', signed({ alg: 'HS384', typ: 'JWT' }, payload, 'openIM123', 'sha384'), ERR.TokenUnknownError],
  ['HS512', signed({ alg: 'HS512', typ: 'JWT' }, payload, 'openIM123', 'sha512'), ERR.TokenUnknownError],
  ['a past end', signed(hs256, { ...payload, exp: now - 1 }), ERR.TokenExpiredError],
  ['a past end, another key', signed(hs256, { ...payload, exp: now - 1 }, 'other'), ERR.TokenUnknownError],
  ['a beginning to come', signed(hs256, { ...payload, nbf: now + 60 }), ERR.TokenNotValidYetError],
] as const) {
  test(`refused with its own code: ${name}`, () => assert.equal(code(token), wanted));
}

test('a wrong signature has the text that clients know', () => {
  assert.throws(
    () => key.verify(signed(hs256, payload, 'other')),
    (error) => error instanceof ImError && error.errMsg === 'signature is invalid',
  );
});
