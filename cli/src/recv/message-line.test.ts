import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make } from '@im/protocol';
import { messageLine, printedMessage } from './message-line.ts';

function line(contentType: number, content: string, seq = 7): string {
  const message = make('sdkws.MsgData', {
    sendID: 'alice',
    recvID: 'bob',
    contentType,
    content: Buffer.from(content),
    seq,
    sendTime: Date.UTC(2026, 10, 23, 12),
  });
  return messageLine(printedMessage('si_alice_bob', message));
}

test('a message is one line of time, conversation, seq, sender and text', () => {
  assert.equal(line(101, '{"content":"hi"}'), '2026-11-23T12:00:00.000Z si_alice_bob #7 alice: hi');
  assert.match(line(106, '{"text":"@bob hi"}'), /alice: @bob hi$/);
});

test('a message without text is shown by its kind', () => {
  assert.match(line(102, '{"sourcePicture":{}}'), /\[Picture\]$/);
  assert.match(line(1501, '{"detail":"{}"}'), /\[GroupCreated\]$/);
  assert.match(line(9999, ''), /\[9999\]$/);
  assert.match(line(113, '{}', 0), /si_alice_bob alice: \[Typing\]$/);
});

test('content cannot break the line or steer the terminal', () => {
  assert.match(line(101, '{"content":"a\\nb\\u001b[2Jc\\u202ed"}'), /alice: a\\nb\\u001b\[2Jc\\u202ed$/);
  assert.match(line(101, 'not json \u0007'), /not json \\u0007$/);
});
