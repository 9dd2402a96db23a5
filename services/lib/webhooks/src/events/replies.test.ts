import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readReply } from './replies.ts';

test('an answer refuses only with actionCode 0 and nextCode 1', () => {
  const refused = { errCode: 5001, errMsg: 'no', errDlt: 'because' };
  assert.deepEqual(readReply('beforeAddFriend', JSON.stringify({ actionCode: 0, nextCode: 1, ...refused })), {
    refused,
  });
  for (const verdict of [
    { actionCode: 1, nextCode: 1 },
    { actionCode: 0, nextCode: 0 },
    { errCode: 5001 },
    {},
  ])
    assert.deepEqual(readReply('beforeAddFriend', JSON.stringify(verdict)), { reply: {} });
});

test('keys count in any case, null changes nothing, unknown keys do not count', () => {
  const answer =
    '{"ActionCode":0,"CONTENT":"{}","recvID":null,"atUserIDList":["a"],"seq":5,"options":{"x":true}}';
  const read = readReply('beforeMsgModify', answer);
  assert.ok('reply' in read);
  const { content, recvID, atUserIDList, options } = read.reply;
  assert.deepEqual(
    { content, recvID, atUserIDList, options, seq: 'seq' in read.reply },
    { content: '{}', recvID: undefined, atUserIDList: ['a'], options: { x: true }, seq: false },
  );
});

test('what is not JSON of the shape is an error that names the field', () => {
  assert.throws(() => readReply('beforeAddFriend', 'OK'), SyntaxError);
  assert.throws(() => readReply('beforeAddFriend', '[]'), /not a JSON object/);
  assert.throws(() => readReply('beforeAddFriend', '{"actionCode":"0"}'), /^Error: actionCode: /);
  assert.throws(
    () => readReply('beforeUserRegister', '{"users":[{"nickname":"x"}]}'),
    /^Error: users.0.userID: /,
  );
  assert.throws(() => readReply('beforeMsgModify', '{"sessionType":1e10}'), /^Error: sessionType: /);
});
