import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactor } from './redact.ts';

test('known secrets are masked in every encoding', () => {
  const secret = 'pa"ss/w&rd+1';
  const redact = redactor([secret, 'abc']);
  const text = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify({ x: secret }),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
  ].join('\n');
  assert.doesNotMatch(redact(text), /pa"?\\?.?ss|cGEi|pa%22/);
  assert.equal(redact('abc is too short to be replaced'), 'abc is too short to be replaced');
});

test('what looks like a secret is masked, and what only sounds so is kept', () => {
  const redact = redactor([]);
  for (const [text, wanted] of [
    ['mongodb://me:hidden@host/db', 'mongodb://***@host/db'],
    ['token eyJhbGciOiJI.eyJ1c2VySUQi.c2lnbmF0dXJl!', 'token ***!'],
    ['authorization: Bearer abcdefgh12345', 'authorization: Bearer ***'],
    ['{"adminSecret":"hidden","id":"x"}', '{"adminSecret":"***","id":"x"}'],
    ['  tokenSecret: hidden', '  tokenSecret: "***"'],
    ['https://s3/b/k?X-Amz-Signature=abcdef&a=1', 'https://s3/b/k?X-Amz-Signature=***&a=1'],
    ['-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----', '***'],
    ['adminSecretRef: chat-admin', 'adminSecretRef: chat-admin'],
    ['openim_tokens_total{a="b"} 5', 'openim_tokens_total{a="b"} 5'],
  ] as const)
    assert.equal(redact(text), wanted);
});
