import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, make } from '../codec.ts';
import { withClientMsgID, withIsRead, withSeq } from './msg-data.ts';

const full = make('sdkws.MsgData', {
  sendID: 'u1',
  clientMsgID: 'c1',
  content: Buffer.alloc(70_000, 1),
  seq: 5,
  sendTime: 1_790_000_000_000,
  status: -1,
  options: { history: false },
  atUserIDList: ['a', 'b'],
});

let made = 0;
const newID = () => `new${++made}`;

test('a message with an id stays as it is', () => {
  const data = encode('sdkws.MsgData', full);
  assert.equal(withClientMsgID(data, newID), data);
});

test('an absent or empty id is filled, the rest stays', () => {
  const absent = encode('sdkws.MsgData', make('sdkws.MsgData', { sendID: 'u1', seq: 5 }));
  const empty = Buffer.concat([absent, Buffer.from([0x22, 0x00])]);
  for (const data of [absent, empty, Buffer.alloc(0)]) {
    const first = decode('sdkws.MsgData', withClientMsgID(data, newID));
    const second = decode('sdkws.MsgData', withClientMsgID(data, newID));
    assert.match(first.clientMsgID, /^new\d+$/);
    assert.notEqual(first.clientMsgID, second.clientMsgID);
    assert.equal(first.sendID, data.length === 0 ? '' : 'u1');
  }
});

test('what is no protobuf is refused', () => {
  for (const hex of [
    'ff',
    '0a05',
    '0a',
    '22ffffffff7f',
    '00',
    '03',
    '0b',
    '09aa',
    '0dff',
    '08ffffffffffffffffffff01',
  ]) {
    assert.throws(() => withClientMsgID(Buffer.from(hex, 'hex'), newID), /500/, hex);
  }
});

test('fields of other types and unknown ones are passed over', () => {
  const unknown = Buffer.from('f80101f90100000000000000 00fd0100000000'.replace(' ', ''), 'hex');
  assert.doesNotThrow(() => withClientMsgID(Buffer.concat([encode('sdkws.MsgData', full), unknown]), newID));
});

test('a seq is put into a message without decoding it', () => {
  const data = encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: 'x', seq: 0 }));
  for (const seq of [1, 127, 128, 300, 2 ** 31, 2 ** 33 + 5, Number.MAX_SAFE_INTEGER]) {
    const wanted = encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: 'x', seq }));
    assert.deepEqual(Buffer.from(withSeq(data, seq)), Buffer.from(wanted));
  }
  assert.equal(withSeq(data, 0), data);
});

test('a message becomes read without decoding it', () => {
  const read = decode('sdkws.MsgData', withIsRead(encode('sdkws.MsgData', full)));
  assert.deepEqual([read.isRead, read.seq, read.clientMsgID], [true, 5, 'c1']);
});
