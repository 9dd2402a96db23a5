import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { decode, encode, make } from '../codec.ts';
import { dedupKeyOf, deliveryField } from './log.ts';
import { FieldReader, tagOf, varintSize, writeVarint } from './wire.ts';

const EDGES = [0, 1, 7, 14, 21, 28, 31, 32, 35, 42, 49, 52].flatMap((bits) => [2 ** bits - 1, 2 ** bits]);

test('varints are those of the codec, up to 2^53', () => {
  for (const value of [...EDGES, Number.MAX_SAFE_INTEGER]) {
    const wanted = protobuf.Writer.create().uint64(value).finish();
    assert.equal(varintSize(value), wanted.length, String(value));
    const out = Buffer.alloc(wanted.length);
    assert.equal(writeVarint(out, 0, value), wanted.length);
    assert.deepEqual(out, Buffer.from(wanted), String(value));
  }
});

test('tags are numbers and wire types of the schema', () => {
  assert.equal(tagOf('sdkws.MsgData', 'clientMsgID'), (4 << 3) | 2);
  assert.equal(tagOf('sdkws.MsgData', 'seq'), (14 << 3) | 0);
  assert.equal(tagOf('sdkws.MsgData', 'options'), (19 << 3) | 2);
  assert.equal(tagOf('log.Delivery', 'addedUserIDs'), (19 << 3) | 2);
  assert.equal(tagOf('sdkws.PushMessages', 'msgs'), (1 << 3) | 2);
  assert.throws(() => tagOf('sdkws.MsgData', 'nothing' as 'seq'), /no field nothing/);
});

test('a reader visits the fields of nested messages and passes over the others', () => {
  const message = make('sdkws.MsgData', {
    sendID: 'ä',
    seq: 2 ** 40,
    content: Buffer.alloc(200, 1),
    status: -1,
  });
  const list = encode('sdkws.PullMsgs', make('sdkws.PullMsgs', { Msgs: [message], isEnd: true, endSeq: 3 }));
  const padded = Buffer.concat([Buffer.alloc(9), list]);
  const outer = new FieldReader(padded, 9);
  assert.ok(outer.next());
  assert.equal(outer.tag, tagOf('sdkws.PullMsgs', 'Msgs'));
  const fields = outer.fields();
  const found: unknown[] = [];
  while (fields.next()) {
    if (fields.tag === tagOf('sdkws.MsgData', 'sendID')) found.push(fields.text());
    else if (fields.tag === tagOf('sdkws.MsgData', 'seq')) found.push(fields.varint());
    else if (fields.tag === tagOf('sdkws.MsgData', 'content')) found.push(fields.bytes().length);
    else fields.skip();
  }
  assert.deepEqual(found, ['ä', 200, 2 ** 40]);
  assert.ok(outer.next());
  outer.skip();
  assert.ok(outer.next());
  assert.equal(outer.varint(), 3);
  assert.equal(outer.next(), false);
});

test('a record names its dedup key at its start, other bytes name none', () => {
  const dedupKey = Buffer.from('0123456789abcdef');
  const record = encode('log.Record', make('log.Record', { dedupKey, tenant: 't', entries: [] }));
  assert.deepEqual(Buffer.from(dedupKeyOf(record) ?? []), dedupKey);
  const short = encode(
    'log.Record',
    make('log.Record', { dedupKey: dedupKey.subarray(1), tenant: 'tenant' }),
  );
  for (const bytes of [short, record.subarray(0, 17), Buffer.alloc(40)])
    assert.equal(dedupKeyOf(bytes), undefined);
});

test('fields behind an encoded delivery become part of it', () => {
  const common = encode('log.Delivery', make('log.Delivery', { seq: 4 }));
  const long = '漢'.repeat(60);
  const delivery = decode(
    'log.Delivery',
    Buffer.concat([
      common,
      deliveryField('targetGroupID', 'g'),
      deliveryField('targetUserID', long),
      deliveryField('addedUserIDs', 'a'),
      deliveryField('addedUserIDs', 'b'),
      deliveryField('removedUserIDs', ''),
    ]),
  );
  assert.equal(delivery.seq, 4);
  assert.equal(delivery.targetGroupID, 'g');
  assert.equal(delivery.targetUserID, long);
  assert.deepEqual([delivery.addedUserIDs, delivery.removedUserIDs], [['a', 'b'], ['']]);
});
