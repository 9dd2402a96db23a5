import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, ImError, make } from '@im/protocol';
import type { BeforeReply } from '@im/webhooks';
import { modified } from './modify.ts';

const message = make('sdkws.MsgData', {
  sendID: 'a',
  recvID: 'b',
  contentType: 101,
  content: Buffer.from('{"content":"x"}'),
  options: { offlinePush: false },
  atUserIDList: ['c'],
});
const changed = (reply: Partial<BeforeReply['beforeMsgModify']>) => {
  const { message: after, changes } = modified(message, reply as BeforeReply['beforeMsgModify']);
  return { after, changes: changes && Object.keys(changes).sort() };
};

test('what an answer repeats, or leaves out, is no change', () => {
  const same = {
    recvID: 'b',
    contentType: 101,
    content: '{"content":"x"}',
    options: { offlinePush: false },
    atUserIDList: ['c'],
    groupID: undefined,
    offlinePushInfo: undefined,
  };
  const { after, changes } = changed(same);
  assert.equal(after, message);
  assert.equal(changes, undefined);
});

test('each field that differs replaces that of the message, and is named', () => {
  const { after, changes } = changed({
    recvID: 'b',
    content: '{"content":"y"}',
    options: { offlinePush: true },
    atUserIDList: [],
    ex: 'e',
    offlinePushInfo: make('sdkws.OfflinePushInfo', { title: 't' }),
  });
  assert.deepEqual(changes, ['atUserIDList', 'content', 'ex', 'offlinePushInfo', 'options']);
  const { sendID, recvID, ex, groupID, offlinePushInfo } = after;
  assert.deepEqual([sendID, recvID, ex, groupID, offlinePushInfo?.title], ['a', 'b', 'e', '', 't']);
  assert.equal(Buffer.from(after.content).toString(), '{"content":"y"}');
  assert.equal(Buffer.from(message.content).toString(), '{"content":"x"}');
});

test('content must be JSON', () => {
  assert.throws(
    () => changed({ content: 'hello' }),
    (error) => error instanceof ImError && error.code === ERR.ArgsError,
  );
});
