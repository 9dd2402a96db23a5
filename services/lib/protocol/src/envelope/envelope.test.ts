import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { mutate, printedSeed, seeded } from '@im/testing';
import { declaredBytes, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './codec.ts';
import { EnvelopeError, type Framing, type RequestEnvelope, type ResponseEnvelope } from './envelope.ts';
import { gunzip, gzip } from './gzip.ts';

const JSON_FRAMING: Framing = { encoding: 'json', gzip: false };
const ALL: Framing[] = [
  { encoding: 'gob', gzip: false },
  { encoding: 'gob', gzip: true },
  JSON_FRAMING,
  { encoding: 'json', gzip: true },
];
const LIMIT = 1 << 20;

const request: RequestEnvelope = {
  reqIdentifier: 1003,
  token: '',
  sendID: 'u1',
  operationID: 'op1',
  msgIncr: 'u1_1',
  data: Buffer.from('0a027531', 'hex'),
};
const response: ResponseEnvelope = {
  reqIdentifier: 1001,
  msgIncr: 'u1_1',
  operationID: 'op1',
  errCode: 0,
  errMsg: '',
  data: Buffer.from('0a00', 'hex'),
};
const text = (framing: Framing, r: ResponseEnvelope) => encodeResponse(framing, r).toString();

test('JSON answers have exactly the documented form', () => {
  assert.equal(
    text(JSON_FRAMING, response),
    '{"reqIdentifier":1001,"msgIncr":"u1_1","operationID":"op1","errCode":0,"errMsg":"","data":"CgA="}',
  );
  assert.match(text(JSON_FRAMING, { ...response, data: null }), /"data":null}$/);
  assert.match(text(JSON_FRAMING, { ...response, data: Buffer.alloc(0) }), /"data":""}$/);
});

test('JSON requests: keys in any case, token optional, null like absent', () => {
  const decode = (json: string) => decodeRequest(JSON_FRAMING, Buffer.from(json), LIMIT);
  assert.deepEqual(
    decode('{"reqIdentifier":1003,"msgIncr":"u1_1","sendID":"u1","operationID":"op1","data":"CgJ1MQ=="}'),
    request,
  );
  assert.deepEqual(
    decode(
      '{"ReqIdentifier":1003,"MSGINCR":"u1_1","sendid":"u1","operationID":"op1","token":null,"data":"CgJ1MQ==","more":[1]}',
    ),
    request,
  );
  assert.equal(decode('{"data":null}').data.length, 0);
});

test('JSON requests of wrong types are refused', () => {
  for (const json of [
    '',
    'null',
    '[]',
    '"x"',
    '{',
    '{"reqIdentifier":"1003"}',
    '{"reqIdentifier":1.5}',
    '{"sendID":1}',
    '{"data":{}}',
    '{"data":"a"}',
    '{"data":"ab=c"}',
    '{"data":"****"}',
  ]) {
    assert.throws(() => decodeRequest(JSON_FRAMING, Buffer.from(json), LIMIT), EnvelopeError, json);
  }
});

test('every framing carries requests and answers to the other side', () => {
  const random = seeded(printedSeed('framing round trips'));
  for (const framing of ALL) {
    for (let i = 0; i < 200; i++) {
      const sent = {
        ...request,
        operationID: random.text(random.int(100)),
        data: random.bytes(random.int(3_000)),
      };
      assert.deepEqual(decodeRequest(framing, encodeRequest(framing, sent), LIMIT), sent);
      const answer = {
        ...response,
        errMsg: random.text(10),
        errCode: i,
        data: random.bytes(1 + random.int(3_000)),
      };
      assert.deepEqual(decodeResponse(framing, encodeResponse(framing, answer)), answer);
    }
  }
});

test('gzip members small and large are what any reader expects', () => {
  const random = seeded(printedSeed('gzip'));
  for (const size of [0, 1, 100, 511, 512, 513, 5_000, 70_000]) {
    const data = random.bytes(size);
    assert.deepEqual(gunzipSync(gzip(data)), data);
    assert.deepEqual(gunzip(gzip(data), LIMIT), data);
  }
});

test('a gzip member that says a wrong size is refused, several members are read as one', () => {
  const plain = Buffer.alloc(100_000, 'words ');
  for (const said of [0, 99_999, 100_001, LIMIT, LIMIT + 1, 0xffff_ffff]) {
    const wrong = Buffer.from(gzip(plain));
    wrong.writeUInt32LE(said, wrong.length - 4);
    assert.throws(() => gunzip(wrong, LIMIT), EnvelopeError, String(said));
  }
  const parts = [plain, Buffer.from('and so on'), Buffer.alloc(0)];
  assert.deepEqual(gunzip(Buffer.concat(parts.map(gzip)), LIMIT), Buffer.concat(parts));
});

test('a gzip bomb, a damaged member and plain bytes are refused within the limit', () => {
  const bomb = gzipSync(Buffer.alloc(64 << 20));
  assert.ok(bomb.length < 70_000);
  const before = process.memoryUsage().rss;
  assert.throws(() => gunzip(bomb, LIMIT), EnvelopeError);
  assert.ok(process.memoryUsage().rss - before < 32 << 20, 'inflated too much');
  const damaged = gzip(Buffer.alloc(900, 1));
  damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 1;
  assert.throws(() => gunzip(damaged, LIMIT), EnvelopeError);
  assert.throws(() => gunzip(Buffer.from('plain'), LIMIT), EnvelopeError);
  assert.throws(() => gunzip(Buffer.alloc(0), LIMIT), EnvelopeError);
});

test('mutated frames of every framing decode or throw EnvelopeError, nothing else', () => {
  const random = seeded(printedSeed('framing mutations'));
  for (const framing of ALL) {
    const original = encodeRequest(framing, { ...request, data: random.bytes(700) });
    for (let i = 0; i < 2_000; i++) {
      const frame = mutate(random, original);
      try {
        decodeRequest(framing, frame, LIMIT);
      } catch (error) {
        assert.ok(error instanceof EnvelopeError, `${error} for ${frame.toString('hex')}`);
      }
    }
  }
});

test('a frame says how large its request is before it is inflated', () => {
  for (const framing of ALL) {
    const large = { ...request, operationID: 'o'.repeat(100_000) };
    const frame = encodeRequest(framing, large);
    const plain = encodeRequest({ ...framing, gzip: false }, large);
    assert.equal(declaredBytes(framing, frame), plain.length);
  }
  const gzipped: Framing = { encoding: 'json', gzip: true };
  assert.equal(declaredBytes(gzipped, Buffer.alloc(3)), 3, 'no gzip member');
});
