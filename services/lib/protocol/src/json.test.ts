import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fromJson, goJsonStrings, ImError, make, toJson, toJsonParts } from './index.ts';

test('zero values are written, lists and messages are null, empty maps are left out', () => {
  const text = toJson('sdkws.MsgData', make('sdkws.MsgData', { sendID: 'u1', content: Buffer.from('{}') }));
  const value = JSON.parse(text);
  assert.equal(value.sendID, 'u1');
  assert.equal(value.recvID, '');
  assert.equal(value.seq, 0);
  assert.equal(value.isRead, false);
  assert.equal(value.atUserIDList, null);
  assert.equal(value.offlinePushInfo, null);
  assert.equal(value.content, 'e30=');
  assert.equal('options' in value, false);
});

test('the one map that a client reads unasked is present when it is empty', () => {
  const name = 'group.BatchGetIncrementalGroupMemberResp';
  assert.equal(toJson(name, make(name)), '{"respList":{}}');
});

test('the lists of user commands are lists when they are empty, where others are null', () => {
  for (const name of ['user.ProcessUserCommandGetResp', 'user.ProcessUserCommandGetAllResp'] as const) {
    assert.equal(toJson(name, make(name)), '{"CommandResp":[]}');
  }
});

test('a long message has the same text in parts', () => {
  const name = 'user.GetPaginationUsersResp';
  const user = (i: number) => make('sdkws.UserInfo', { userID: `u${i}`, ex: '\u0001"'.repeat(100) });
  for (const count of [0, 1, 3_000]) {
    const message = make(name, { total: count, users: Array.from({ length: count }, (_, i) => user(i)) });
    const parts = [...toJsonParts(name, message)];
    assert.equal(parts.join(''), toJson(name, message));
    assert.ok(parts.every((part) => part.length < 70_000));
    assert.ok(count < 3_000 || parts.length > 20, String(parts.length));
  }
  const batch = 'group.BatchGetIncrementalGroupMemberResp';
  assert.deepEqual([...toJsonParts(batch, make(batch))], ['{"respList":{}}']);
});

test('keys match case-insensitively, unknown keys are ignored, null is unset', () => {
  const m = fromJson(
    'sdkws.MsgData',
    '{"SENDID":"u1","Options":{"history":false},"nope":1,"recvID":null,"seq":9007199254740991}',
  );
  assert.equal(m.sendID, 'u1');
  assert.equal(m.recvID, '');
  assert.deepEqual(m.options, { history: false });
  assert.equal(m.seq, 9007199254740991);
});

test('wrapper fields take the bare value and stay null when absent', () => {
  const c = fromJson('conversation.ConversationReq', '{"isPinned":false,"ex":""}');
  assert.equal(c.isPinned, false);
  assert.equal(c.ex, '');
  assert.equal(c.burnDuration, null);
  assert.throws(() => fromJson('conversation.ConversationReq', '{"ex":{"value":"x"}}'), /1001.*field ex/);
});

test('64-bit hashes pass without loss', () => {
  const m = fromJson('group.GetFullGroupMemberUserIDsReq', '{"idHash":18446744073709551615,"groupID":"g"}');
  assert.equal(m.idHash, '18446744073709551615');
  const spaced = '{"groupID":"\\"idHash\\":1234567890123456789","IDHASH" :\\n 9007199254740993}'.replace(
    '\\n',
    '\n',
  );
  const odd = fromJson('group.GetFullGroupMemberUserIDsReq', spaced);
  assert.deepEqual([odd.idHash, odd.groupID], ['9007199254740993', '"idHash":1234567890123456789']);
  for (const wrong of ['18446744073709551616', '-9007199254740993', '1e30', '9007199254740993.5', '"5"']) {
    assert.throws(
      () => fromJson('group.GetFullGroupMemberUserIDsReq', `{"idHash":${wrong}}`),
      /field idHash/,
    );
  }
  assert.match(toJson('group.GetFullGroupMemberUserIDsReq', m), /"idHash":18446744073709551615/);
  assert.match(
    toJson('group.GetFullGroupMemberUserIDsReq', make('group.GetFullGroupMemberUserIDsReq')),
    /"idHash":0/,
  );
});

test('a wrong type names the field', () => {
  for (const [text, field] of [
    ['{"userID":5}', 'userID'],
    ['{"seqRanges":{}}', 'seqRanges'],
    ['{"seqRanges":[{"begin":"1"}]}', 'seqRanges[0].begin'],
    ['{"order":1.5}', 'order'],
  ] as const) {
    assert.throws(
      () => fromJson('sdkws.PullMessageBySeqsReq', text),
      (e: unknown) => e instanceof ImError && e.code === 1001 && e.detail.includes(`field ${field}`),
    );
  }
  assert.throws(() => fromJson('sdkws.PullMessageBySeqsReq', '{'), /not valid JSON/);
  assert.throws(() => fromJson('sdkws.PullMessageBySeqsReq', '[]'), /field body/);
});

test('id hashes are taken over the text Go would write', () => {
  const text = goJsonStrings(['u1', 'u2', '<é>']);
  assert.equal(text, '["u1","u2","\\u003cé\\u003e"]');
  assert.equal(createHash('md5').update(text).digest().readBigUInt64BE(0), 2326855803504140794n);
});

test('a body costs no more to read because its message has a hash', () => {
  const text = `{"x":[${'1,'.repeat(1_000_000)}1],"idHash":5}`;
  const cpu = (read: () => unknown) => {
    const before = process.cpuUsage();
    read();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  cpu(() => JSON.parse(text));
  const plain = cpu(() => JSON.parse(text));
  const hashed = cpu(() => fromJson('group.GetFullGroupMemberUserIDsReq', text));
  assert.ok(hashed < 6 * plain + 50, `${hashed} ms, without a hash ${plain} ms`);
});
