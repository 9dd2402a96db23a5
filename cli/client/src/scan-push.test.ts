import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, make } from '@im/protocol';
import { loadContent, loadText, parseLoadContent, parseLoadText } from './load-text.ts';
import { scanPush } from './scan-push.ts';

const message = (seq: number, text: string) =>
  make('sdkws.MsgData', {
    sendID: 'alice',
    recvID: 'böb',
    clientMsgID: `c${seq}`,
    contentType: 101,
    content: loadContent(text),
    seq,
    sendTime: 1_800_000_000_123,
    status: 2,
    isRead: true,
    options: { history: false },
    attachedInfo: 'x',
  });

test('messages are found in pushes, chats and notifications apart', () => {
  const bytes = encode(
    'sdkws.PushMessages',
    make('sdkws.PushMessages', {
      msgs: {
        si_alice_böb: make('sdkws.PullMsgs', {
          Msgs: [message(2 ** 40 + 5, 'one'), message(7, 'two')],
          isEnd: true,
          endSeq: 9,
        }),
      },
      notificationMsgs: { n_alice_böb: make('sdkws.PullMsgs', { Msgs: [message(0, 'three')] }) },
    }),
  );
  const found = scanPush(bytes);
  assert.deepEqual(
    found.map((m) => [m.conversationID, m.notification, m.seq, m.clientMsgID, m.contentType, m.status]),
    [
      ['si_alice_böb', false, 2 ** 40 + 5, `c${2 ** 40 + 5}`, 101, 2],
      ['si_alice_böb', false, 7, 'c7', 101, 2],
      ['n_alice_böb', true, 0, 'c0', 101, 2],
    ],
  );
  assert.equal(found[1]?.content.toString(), '{"content":"two"}');
  assert.equal(found[1]?.sendID, 'alice');
});

test('truncated bytes are an error', () => {
  const bytes = encode(
    'sdkws.PushMessages',
    make('sdkws.PushMessages', { msgs: { c: make('sdkws.PullMsgs', { Msgs: [message(1, 'one')] }) } }),
  );
  for (let length = 1; length < bytes.length; length++) {
    assert.throws(() => scanPush(bytes.subarray(0, length)), RangeError, `${length} bytes`);
  }
});

test('load texts carry id and time, and are padded', () => {
  const text = loadText('a.17', 1_800_000_000_000.25, 100);
  assert.equal(text.length, 100);
  assert.deepEqual(parseLoadText(text), { id: 'a.17', sentAt: 1_800_000_000_000.25 });
  assert.deepEqual(parseLoadContent(loadContent(text)), { id: 'a.17', sentAt: 1_800_000_000_000.25 });
  assert.equal(parseLoadText('hello'), undefined);
  assert.equal(parseLoadContent(Buffer.from('{"detail":"x"}')), undefined);
});
