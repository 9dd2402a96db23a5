import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImError, make, type sdkws } from '@im/protocol';
import { checkMessageShape, MAX_MESSAGE_BYTES } from './message-shape.ts';

const good: Partial<sdkws.MsgData> = {
  sendID: 'a',
  recvID: 'b',
  clientMsgID: 'c1',
  sessionType: 1,
  contentType: 101,
  content: Buffer.from('{"content":"x"}'),
};

/** A change of a good message, and the field that the refusal must name. */
const refused: readonly [Partial<sdkws.MsgData>, RegExp][] = [
  [{ sendID: '' }, /sendID is empty/],
  [{ sendID: 'a\u0000' }, /sendID contains a control character/],
  [{ sendID: 'x'.repeat(257) }, /sendID is longer/],
  [{ sendID: '漢'.repeat(86) }, /sendID is longer/],
  [{ recvID: '' }, /recvID is empty/],
  [{ recvID: 'b\n' }, /recvID contains a control character/],
  [{ recvID: 'b\u001fc' }, /recvID contains a control character/],
  [{ sessionType: 3, groupID: '' }, /groupID is empty/],
  [{ sessionType: 3, groupID: 'g\t' }, /groupID contains a control character/],
  [{ sessionType: 4, recvID: '', contentType: 1400 }, /recvID is empty/],
  [{ clientMsgID: 'x'.repeat(300) }, /clientMsgID is longer/],
  [{ clientMsgID: 'c\u0001' }, /clientMsgID contains a control character/],
  [{ content: Buffer.alloc(0) }, /content is empty/],
  [{ contentType: 0 }, /contentType is missing/],
  [{ contentType: -5 }, /contentType is missing/],
  [{ sessionType: 0 }, /unknown sessionType/],
  [{ sessionType: 2, groupID: 'g' }, /unknown sessionType/],
  [{ sessionType: 5 }, /unknown sessionType/],
  [{ sessionType: 4 }, /contentType 1400 and sessionType 4/],
  [{ contentType: 1400 }, /contentType 1400 and sessionType 4/],
  [{ sendTime: -1 }, /sendTime is not a time/],
  [{ sendTime: 2 ** 60 }, /sendTime is not a time/],
  [{ createTime: -1 }, /createTime is not a time/],
  [{ atUserIDList: Array.from({ length: 1_001 }, String) }, /atUserIDList has more/],
  [
    { options: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, true])) },
    /options has more/,
  ],
  [{ options: { ['k'.repeat(257)]: true } }, /options is longer than 256/],
  [{ ex: 'e'.repeat(16_385) }, /ex is longer than 16384 characters: it has 16385/],
  [{ attachedInfo: 'e'.repeat(16_385) }, /attachedInfo is longer than 16384/],
  [{ senderNickname: 'n'.repeat(1_025) }, /senderNickname is longer than 1024/],
  [{ senderFaceURL: 'n'.repeat(2_049) }, /senderFaceURL is longer than 2048/],
  [
    { offlinePushInfo: make('sdkws.OfflinePushInfo', { desc: 'd'.repeat(4_097) }) },
    /offlinePushInfo.desc is/,
  ],
  [{ seq: 2 ** 60 }, /seq must be/],
];

test('a good message passes, in every kind of session', () => {
  for (const change of [
    {},
    { sessionType: 3, groupID: 'g', recvID: '' },
    { sessionType: 4, contentType: 1400 },
    { clientMsgID: '', sendTime: 1 },
    { sendID: '漢'.repeat(85) },
  ]) {
    checkMessageShape(make('sdkws.MsgData', { ...good, ...change }), 100);
  }
});

test('each wrong field is refused by name', () => {
  for (const [change, named] of refused) {
    assert.throws(
      () => checkMessageShape(make('sdkws.MsgData', { ...good, ...change }), 100),
      (error: unknown) => error instanceof ImError && error.code === 1001 && named.test(error.detail),
      JSON.stringify(change).slice(0, 100),
    );
  }
});

test('a message that is too large is refused', () => {
  const message = make('sdkws.MsgData', good);
  checkMessageShape(message, MAX_MESSAGE_BYTES);
  assert.throws(() => checkMessageShape(message, MAX_MESSAGE_BYTES + 1), /content: the message is larger/);
});
