import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signatureFault, signedHeaders } from './signature.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const BODY = '{"test": 2432232314}';
const SENT_MS = 1_614_265_330_000;

test('the vector of the Standard Webhooks specification', () => {
  assert.deepEqual(signedHeaders(ID, BODY, [SECRET], SENT_MS), {
    'webhook-id': ID,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('two secrets give two signatures, and either verifies', () => {
  const headers = { ...signedHeaders(ID, BODY, [SECRET, OTHER], SENT_MS) };
  assert.equal(headers['webhook-signature']?.split(' ').length, 2);
  for (const secret of [SECRET, OTHER])
    assert.equal(signatureFault(headers, BODY, secret, SENT_MS), undefined);
});

test('without a secret there is an id and a time, and no signature', () => {
  const headers = signedHeaders(ID, BODY, ['', ''], SENT_MS);
  assert.deepEqual(Object.keys(headers), ['webhook-id', 'webhook-timestamp']);
  assert.match(signatureFault({ ...headers }, BODY, SECRET, SENT_MS) ?? '', /is missing/);
});

test('another body, secret, id or time is noticed', () => {
  const headers = { ...signedHeaders(ID, BODY, [SECRET], SENT_MS) };
  assert.match(signatureFault(headers, `${BODY} `, SECRET, SENT_MS) ?? '', /another body/);
  assert.match(signatureFault(headers, BODY, OTHER, SENT_MS) ?? '', /another secret/);
  assert.match(signatureFault({ ...headers, 'webhook-id': 'x' }, BODY, SECRET, SENT_MS) ?? '', /another/);
  assert.match(signatureFault(headers, BODY, SECRET, SENT_MS + 301_000) ?? '', /5 minutes off/);
  assert.match(signatureFault(headers, BODY, 'whsec_c2hvcnQ=', SENT_MS) ?? '', /24 to 64 bytes/);
});
