import { gzipSync } from 'node:zlib';
import { gobFrames, jsonFrames, textMessage } from '@im/client';
import { encode, make, REQ, SESSION } from '@im/protocol';
import type { Random } from './random.ts';

/** How a connection frames its envelopes. */
export interface Framing {
  readonly encoding: 'json' | 'gob';
  readonly gzip: boolean;
}

/**
 * What must follow a frame: the connection ends without an answer, or one of these error codes comes
 * and the connection lives, or, where a mutation may hit irrelevant bytes, either, and immediately.
 */
export type Expected = 'close' | readonly number[] | 'any';

export interface BadFrame {
  readonly kind: string;
  readonly frame: Buffer | string;
  readonly expected: Expected;
}

const SERVER_ERROR = 500;
const ARGS = 1001;
const NO_PERMISSION = 1002;
/** Of a WebSocket message, as received. */
const READ_LIMIT = 51_200;

interface Envelope {
  reqIdentifier: number;
  msgIncr: string;
  operationID: string;
  sendID: string;
  data: Uint8Array;
}

let counter = 0;

function envelope(userID: string, reqIdentifier: number, data: Uint8Array): Envelope {
  counter += 1;
  return {
    reqIdentifier,
    msgIncr: `${userID}_${counter}`,
    operationID: `bad-${counter}`,
    sendID: userID,
    data,
  };
}

/** Valid requests of every kind, to be broken. */
function valid(random: Random, userID: string): Envelope {
  const requests: (() => Envelope)[] = [
    () =>
      envelope(
        userID,
        REQ.GetNewestSeq,
        encode('sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID })),
      ),
    () => envelope(userID, REQ.PullMsgByRange, pull(userID)),
    () => envelope(userID, REQ.SendMsg, textMessage(userID, { user: 'bad_peer' }, `c${counter}`, 'hello')),
    () =>
      envelope(
        userID,
        REQ.PullMsgBySeqList,
        encode(
          'msg.GetSeqMessageReq',
          make('msg.GetSeqMessageReq', {
            userID,
            conversations: [
              make('msg.ConversationSeqs', { conversationID: `si_bad_peer_${userID}`, seqs: [1, 2, 3] }),
            ],
          }),
        ),
      ),
    () =>
      envelope(
        userID,
        REQ.GetConvMaxReadSeq,
        encode(
          'msg.GetConversationsHasReadAndMaxSeqReq',
          make('msg.GetConversationsHasReadAndMaxSeqReq', { userID }),
        ),
      ),
    () =>
      envelope(
        userID,
        REQ.SetBackground,
        encode('sdkws.SetAppBackgroundStatusReq', make('sdkws.SetAppBackgroundStatusReq', { userID })),
      ),
  ];
  return random.pick(requests)();
}

function pull(userID: string): Uint8Array {
  return encode(
    'sdkws.PullMessageBySeqsReq',
    make('sdkws.PullMessageBySeqsReq', {
      userID,
      seqRanges: [
        make('sdkws.SeqRange', { conversationID: `si_bad_peer_${userID}`, begin: 1, end: 10, num: 10 }),
      ],
    }),
  );
}

function plain(framing: Framing, request: Envelope): Buffer {
  return Buffer.from((framing.encoding === 'json' ? jsonFrames : gobFrames).encode(request));
}
function wrap(framing: Framing, bytes: Buffer): Buffer {
  return framing.gzip ? gzipSync(bytes) : bytes;
}
const framed = (framing: Framing, request: Envelope) => wrap(framing, plain(framing, request));

type Maker = (random: Random, framing: Framing, userID: string) => Omit<BadFrame, 'kind'>;

function flip(random: Random, bytes: Buffer): Buffer {
  const broken = Buffer.from(bytes);
  for (let n = 1 + random.below(8); n > 0; n--) {
    const at = random.below(broken.length);
    broken[at] = (broken[at] ?? 0) ^ (1 << random.below(8));
  }
  return broken;
}

/** A struct type with a field count, and a value length, far beyond the frame. */
function gobBomb(random: Random): Buffer {
  const huge = random.pick(['f8ffffffffffffffff', 'fc7fffffff', 'fd0fffff']);
  const bombs = [
    huge,
    `0a7f0301010158${huge}`,
    `657f0301010c47656e6572616c577352657101ff800001${huge}`,
    `03ff8001${huge}`,
    `0cff80${'01'.repeat(10)}`,
    '7f'.repeat(2000),
  ];
  return Buffer.from(random.pick(bombs), 'hex');
}

const MAKERS: Readonly<Record<string, Maker>> = {
  'cut off': (random, framing, userID) => {
    const whole = framed(framing, valid(random, userID));
    return { frame: whole.subarray(0, 1 + random.below(whole.length - 1)), expected: 'close' };
  },
  'flipped bits': (random, framing, userID) => ({
    frame: wrap(framing, flip(random, plain(framing, valid(random, userID)))),
    expected: 'any',
  }),
  'flipped bits of the compressed frame': (random, framing, userID) => ({
    frame: flip(random, framed(framing, valid(random, userID))),
    expected: 'any',
  }),
  'random bytes': (random) => ({ frame: random.bytes(1 + random.below(400)), expected: 'close' }),
  'the other encoding': (random, framing, userID) => {
    const other: Framing = { ...framing, encoding: framing.encoding === 'json' ? 'gob' : 'json' };
    return { frame: framed(other, valid(random, userID)), expected: 'close' };
  },
  'gzip where none was agreed, or none where it was': (random, framing, userID) => ({
    frame: framed({ ...framing, gzip: !framing.gzip }, valid(random, userID)),
    expected: 'close',
  }),
  'gzip bomb': (random, framing) => {
    if (!framing.gzip) return { frame: gzipSync(Buffer.alloc(1_000_000)), expected: 'close' };
    return { frame: BOMBS[random.below(BOMBS.length)] ?? '', expected: 'close' };
  },
  'gob bomb': (random, framing) => ({ frame: wrap(framing, gobBomb(random)), expected: 'close' }),
  'too large': (random) => ({
    frame: Buffer.alloc(READ_LIMIT + 1 + random.below(READ_LIMIT), 0x78),
    expected: 'close',
  }),
  'wrong types': (random, framing, userID) => {
    if (framing.encoding === 'gob') {
      // A string where a type id belongs, and an unknown type for a known field.
      const bytes = plain(framing, valid(random, userID));
      const at = bytes.indexOf('ReqIdentifier') + 'ReqIdentifier'.length + 1;
      bytes[at] = random.pick([0x06, 0x08, 0x0c, 0x10]);
      return { frame: wrap(framing, bytes), expected: 'close' };
    }
    const bodies = [
      { reqIdentifier: '1001', msgIncr: 'x', sendID: userID, operationID: 'o', data: '' },
      { reqIdentifier: 1001, msgIncr: 7, sendID: userID, operationID: 'o', data: '' },
      { reqIdentifier: 1001.5, msgIncr: 'x', sendID: userID, operationID: 'o', data: '' },
      { reqIdentifier: 1001, msgIncr: 'x', sendID: [userID], operationID: 'o', data: '' },
      { reqIdentifier: 1001, msgIncr: 'x', sendID: userID, operationID: {}, data: '' },
      { reqIdentifier: 1001, msgIncr: 'x', sendID: userID, operationID: 'o', data: '%%%' },
      { reqIdentifier: 1001, msgIncr: 'x', sendID: userID, operationID: 'o', data: { a: 1 } },
      [1001],
      'text',
      12,
    ];
    return { frame: wrap(framing, Buffer.from(JSON.stringify(random.pick(bodies)))), expected: 'close' };
  },
  'deep nesting': (random, framing) => {
    const depth = 1_000 + random.below(20_000);
    return { frame: wrap(framing, Buffer.from('['.repeat(depth) + ']'.repeat(depth))), expected: 'close' };
  },
  'another sender': (random, framing, userID) => ({
    frame: framed(framing, { ...valid(random, userID), sendID: random.pick(['', 'bad_peer', `${userID} `]) }),
    expected: 'close',
  }),
  'unknown request': (random, framing, userID) => {
    const reqIdentifier = random.pick([0, 1, 1000, 1008, 2001, 2002, 3001, 999_999, -1003]);
    return { frame: framed(framing, { ...valid(random, userID), reqIdentifier }), expected: 'close' };
  },
  'data that is no message': (random, framing, userID) => {
    const request = valid(random, userID);
    // A field of wire type 7 exists in no protobuf message.
    const data = Buffer.concat([Buffer.from([0x0f]), random.bytes(1 + random.below(20))]);
    return { frame: framed(framing, { ...request, data }), expected: [SERVER_ERROR, ARGS] };
  },
  'data of another user': (random, framing, userID) => {
    const other = 'bad_peer';
    const makers = [
      () =>
        envelope(
          userID,
          REQ.GetNewestSeq,
          encode('sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID: other })),
        ),
      () => envelope(userID, REQ.PullMsgByRange, pull(other)),
      () => envelope(userID, REQ.SendMsg, textMessage(other, { user: userID }, 'x', 'not mine')),
    ];
    return { frame: framed(framing, random.pick(makers)()), expected: [NO_PERMISSION] };
  },
  'messages that may not be sent': (random, framing, userID) => {
    const base = {
      sendID: userID,
      recvID: 'bad_peer',
      clientMsgID: `c${counter}`,
      sessionType: SESSION.Single,
      contentType: 101,
      content: Buffer.from('{"content":"x"}'),
    };
    const wrong = random.pick([
      { content: Buffer.alloc(0) },
      { sessionType: 2 },
      { sessionType: 99 },
      { sessionType: 0 },
      { contentType: 1400 },
      { sessionType: SESSION.Notification },
    ]);
    const data = encode('sdkws.MsgData', make('sdkws.MsgData', { ...base, ...wrong }));
    return { frame: framed(framing, envelope(userID, REQ.SendMsg, data)), expected: [ARGS] };
  },
  'no operationID where one is needed': (_random, framing, userID) => ({
    frame: framed(framing, { ...envelope(userID, REQ.PullMsgByRange, pull(userID)), operationID: '' }),
    expected: [SERVER_ERROR, ARGS],
  }),
  'text that is no heartbeat': (random) => ({
    frame: random.pick([
      '',
      'hello',
      '{',
      '[]',
      '{"type":"pung"}',
      '{"type":1}',
      'null',
      '{"type":"ping"',
      '"ping"',
    ]),
    expected: 'close',
  }),
};

/** Kinds of bad frames, for the table. */
export const BAD_FRAME_KINDS: readonly string[] = Object.keys(MAKERS);

/** One bad frame of a random kind. */
export function badFrame(random: Random, framing: Framing, userID: string): BadFrame {
  const kind = random.pick(BAD_FRAME_KINDS);
  const made = MAKERS[kind]?.(random, framing, userID);
  if (!made) throw new RangeError(kind);
  return { kind, ...made };
}

/** Small frames that inflate to 32 MiB: of zeros, and of JSON. */
const BOMBS: readonly Buffer[] = [
  gzipSync(Buffer.alloc(32 * 1024 * 1024)),
  gzipSync(Buffer.from(`{"reqIdentifier":1001,"data":"${'A'.repeat(32 * 1024 * 1024)}"}`)),
];
