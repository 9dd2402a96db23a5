import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandDatabase, MessageReader, refusalOf } from './mongo-messages.ts';

/** `{ping: 1, $db: <database>}` as an OP_MSG. */
function ping(database: string, requestID: number): Buffer {
  const name = Buffer.from(`${database}\0`);
  const length = Buffer.alloc(4);
  length.writeInt32LE(name.length);
  const fields = Buffer.concat([
    Buffer.from('\x10ping\0\x01\0\0\0', 'latin1'),
    Buffer.from('\x02$db\0', 'latin1'),
    length,
    name,
  ]);
  const message = Buffer.concat([Buffer.alloc(21), Buffer.alloc(4), fields, Buffer.alloc(1)]);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(requestID, 4);
  message.writeInt32LE(2013, 12);
  message.writeInt32LE(message.length - 21, 21);
  return message;
}

test('messages are cut wherever the stream was cut', () => {
  const messages = [ping('openim', 1), ping('openim_shop', 2), ping('admin', 3)];
  const stream = Buffer.concat(messages);
  for (const size of [1, 7, 16, 40, stream.length]) {
    const reader = new MessageReader();
    const found: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size)
      found.push(...reader.read(stream.subarray(at, at + size)));
    assert.deepEqual(found, messages, `chunks of ${size}`);
  }
});

test('a command names its database, and a refusal answers it', () => {
  const command = ping('openim_shop', 7);
  assert.equal(commandDatabase(command), 'openim_shop');
  const refusal = refusalOf(command, 'openim_shop');
  assert.equal(refusal.readInt32LE(0), refusal.length);
  assert.equal(refusal.readInt32LE(8), 7, 'the request that it answers');
  assert.equal(refusal.readInt32LE(21), refusal.length - 21, 'length of the document');
  assert.ok(refusal.includes(Buffer.from('\x10code\0\x0d\0\0\0', 'latin1')), 'error 13');
});
