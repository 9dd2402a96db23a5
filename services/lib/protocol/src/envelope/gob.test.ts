import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutate, printedSeed, seeded } from '@im/testing';
import { EnvelopeError, type RequestEnvelope, type ResponseEnvelope } from './envelope.ts';
import { decodeGobRequest, decodeGobResponse } from './gob-decode.ts';
import { encodeGobRequest, encodeGobResponse } from './gob-encode.ts';
import { list, mapOf, message, structType, uint, value, zig } from './testing/gob-stream.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

const REQUEST = hex(
  '657f0301010c47656e6572616c577352657101ff80000106010d5265714964656e7469666965720104000105546f6b656e010c00010653656e644944010c00010b4f7065726174696f6e4944010c0001074d7367496e6372010c00010444617461010a0000001cff8001fe07d20202753101036f7031010475315f3101040a02753100',
);
const PREFIX = hex(
  '60ff83030101045265737001ff84000106010d5265714964656e74696669657201040001074d7367496e6372010c00010b4f7065726174696f6e4944010c000107457272436f646501040001064572724d7367010c00010444617461010a000000',
);

const response = (fields: Partial<ResponseEnvelope>): ResponseEnvelope => ({
  reqIdentifier: 0,
  msgIncr: '',
  operationID: '',
  errCode: 0,
  errMsg: '',
  data: null,
  ...fields,
});
const request: RequestEnvelope = {
  reqIdentifier: 1001,
  token: '',
  sendID: 'u1',
  operationID: 'op1',
  msgIncr: 'u1_1',
  data: hex('0a027531'),
};

test('the measured request of the Go client decodes, and encodes to the same bytes', () => {
  assert.deepEqual(decodeGobRequest(REQUEST), request);
  assert.deepEqual(decodeGobRequest(REQUEST), request, 'from the kept plan');
  assert.deepEqual(encodeGobRequest(request), REQUEST);
});

test('answers are the bytes that Go clients were measured to accept', () => {
  const golden: [string, Partial<ResponseEnvelope>, string][] = [
    [
      'answer',
      { reqIdentifier: 1001, msgIncr: 'u1_1', operationID: 'op1', data: hex('0a00') },
      '16 ff84 01fe07d2 010475315f31 01036f7031 03020a00 00',
    ],
    [
      'error',
      { reqIdentifier: 1003, msgIncr: 'u1_1', operationID: 'op1', errCode: 1302, errMsg: 'BlockedByPeer' },
      '25 ff84 01fe07d6 010475315f31 01036f7031 01fe0a2c 010d426c6f636b656442795065657200',
    ],
    ['kick', { reqIdentifier: 2002 }, '07 ff84 01fe0fa4 00'],
    ['empty', {}, '03 ff84 00'],
    [
      'push',
      { reqIdentifier: 2001, operationID: 'op1', data: Buffer.alloc(300, 7) },
      `fe013c ff84 01fe0fa2 02036f7031 03fe012c ${'07'.repeat(300)} 00`,
    ],
  ];
  for (const [name, fields, body] of golden) {
    const bytes = encodeGobResponse(response(fields));
    assert.equal(bytes.toString('hex'), Buffer.concat([PREFIX, hex(body)]).toString('hex'), name);
    assert.deepEqual(decodeGobResponse(bytes), response(fields), name);
  }
});

test('integers of every size survive, negative ones too', () => {
  for (const errCode of [
    0,
    1,
    -1,
    63,
    64,
    -64,
    -65,
    127,
    128,
    300,
    70_000,
    -70_000,
    2 ** 31,
    -(2 ** 31),
    2 ** 51,
    -(2 ** 52),
  ]) {
    const bytes = encodeGobResponse(response({ reqIdentifier: 7, errCode }));
    assert.equal(decodeGobResponse(bytes).errCode, errCode);
  }
});

test('fields go by their names: other order, other ids, unknown fields of every kind', () => {
  const inner = structType(70, 'Inner', [
    ['A', 2],
    ['B', 6],
  ]);
  const ints = list(71, 2);
  const map = mapOf(72, 6, 70);
  const outer = structType(80, 'Whatever', [
    ['MsgIncr', 6],
    ['Flag', 1],
    ['Inner', 70],
    ['Ints', 71],
    ['Map', 72],
    ['Any', 8],
    ['Complex', 7],
    ['SendID', 6],
    ['ReqIdentifier', 2],
  ]);
  const frame = Buffer.concat([
    inner,
    ints,
    map,
    outer,
    value(80, [
      [1, uint(2), Buffer.from('m1')],
      [1, uint(1)],
      [1, [1], zig(5), [1], uint(1), Buffer.from('x'), [0]],
      [1, uint(2), zig(1), zig(-300)],
      [1, uint(1), uint(1), Buffer.from('k'), [0]],
      [1, uint(3), Buffer.from('int'), zig(2), uint(2), [0], zig(9)],
      [1, [0xfe, 0x40, 0x10], [0]],
      [1, uint(2), Buffer.from('u1')],
      [1, zig(1003)],
    ]),
  ]);
  assert.deepEqual(decodeGobRequest(frame), {
    reqIdentifier: 1003,
    token: '',
    sendID: 'u1',
    operationID: '',
    msgIncr: 'm1',
    data: Buffer.alloc(0),
  });
});

test('streams that lie about themselves are refused', () => {
  const ok = structType(64, 'R', [['SendID', 6]]);
  const body = value(64, [[1, uint(2), Buffer.from('u1')]]);
  assert.equal(decodeGobRequest(Buffer.concat([ok, body])).sendID, 'u1');
  const bad: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['only a definition', ok],
    ['no definition', body],
    ['a second value', Buffer.concat([ok, body, body])],
    ['value of an undefined type', Buffer.concat([ok, value(65, [])])],
    ['value of a basic type', message([...zig(6), 0, 2, 0x75, 0x31])],
    ['the same type twice', Buffer.concat([ok, ok, body])],
    ['no field in common', Buffer.concat([structType(64, 'R', [['Other', 6]]), value(64, [])])],
    [
      'an unsigned ReqIdentifier',
      Buffer.concat([structType(64, 'R', [['ReqIdentifier', 3]]), value(64, [[1, uint(5)]])]),
    ],
    ['a string beyond the message', Buffer.concat([ok, message([...zig(64), 1, 200, 0x75])])],
    [
      'a message beyond the frame',
      Buffer.concat([ok, Buffer.from([0xf8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]),
    ],
    ['an integer of nine bytes', Buffer.concat([ok, Buffer.from([0xf7, 1, 1, 1, 1, 1, 1, 1, 1, 1])])],
    ['a field number beyond the struct', Buffer.concat([ok, value(64, [[9, uint(1), Buffer.from('x')]])])],
    ['bytes after the value', Buffer.concat([ok, message([...zig(64), 0, 0])])],
    [
      'a list that counts more than there is',
      Buffer.concat([
        list(65, 2),
        structType(64, 'R', [
          ['SendID', 6],
          ['L', 65],
        ]),
        value(64, [[2, [0xfc, 0x7f, 0xff, 0xff, 0xff]]]),
      ]),
    ],
    [
      'a struct inside itself',
      Buffer.concat([
        structType(64, 'R', [
          ['SendID', 6],
          ['Self', 64],
        ]),
        value(64, [...Array(40).fill([2])]),
      ]),
    ],
    [
      'too many definitions',
      Buffer.concat([...Array(20).keys()].map((i) => structType(64 + i, 'R', [['SendID', 6]]))),
    ],
    ['too many fields', structType(64, 'R', Array(300).fill(['SendID', 6]))],
  ];
  for (const [name, frame] of bad) assert.throws(() => decodeGobRequest(frame), EnvelopeError, name);
});

test('mutated frames decode or throw EnvelopeError, nothing else', () => {
  const random = seeded(printedSeed('gob mutations'));
  for (let i = 0; i < 20_000; i++) {
    const frame = mutate(
      random,
      random.pick([REQUEST, encodeGobResponse(response({ errCode: i, data: hex('0a') }))]),
    );
    for (const decode of [decodeGobRequest, decodeGobResponse]) {
      try {
        decode(frame);
      } catch (error) {
        assert.ok(error instanceof EnvelopeError, `${error} for ${frame.toString('hex')}`);
      }
    }
  }
});

test('random envelopes survive the way through the other side', () => {
  const random = seeded(printedSeed('gob round trips'));
  for (let i = 0; i < 2_000; i++) {
    const sent = {
      ...request,
      reqIdentifier: random.int(1 << 20),
      operationID: random.text(random.int(300)),
      data: random.bytes(random.int(600)),
    };
    assert.deepEqual(decodeGobRequest(encodeGobRequest(sent)), sent);
    const data = random.bytes(1 + random.int(70_000));
    const answer = response({ reqIdentifier: i, msgIncr: random.text(20), errMsg: random.text(10), data });
    assert.deepEqual(decodeGobResponse(encodeGobResponse(answer)), answer);
  }
});
