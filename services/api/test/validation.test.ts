import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make, serviceMethods } from '@im/protocol';
import type { FieldRule } from '../src/field-rules.ts';
import { RPC_ROUTES } from '../src/routes/index.ts';
import { ADMIN, startApi } from './harness.ts';

const page = { pageNumber: 1, showNumber: 10 };

function names(rules: readonly FieldRule[]): string[] {
  return rules.map(({ field }) => field);
}

test('every rule names a field of its request', () => {
  for (const { path, domain, method, request, rules } of RPC_ROUTES) {
    assert.ok(
      serviceMethods(domain).some(({ name }) => name === method),
      path,
    );
    const message = make(request);
    for (const field of names(rules)) assert.ok(field in message, `${path}: ${request} has no ${field}`);
  }
});

test('every demanded field is demanded: an empty body is refused where there are rules', async () => {
  await using api = await startApi();
  for (const { path, rules, badInput } of RPC_ROUTES) {
    const { status, json } = await api.post(
      path,
      {},
      { ...ADMIN, headers: { 'content-type': 'application/json' } },
    );
    const optional = rules.every(({ field }) => ['memberUserIDs', 'adminUserIDs'].includes(field));
    assert.equal(json.errCode, optional ? 0 : 1001, path);
    assert.equal(status, optional ? 200 : badInput, path);
    if (!optional) assert.notEqual(json.errDlt, '', path);
  }
  assert.equal(api.calls.length, RPC_ROUTES.filter(({ rules }) => rules.length === 0).length);
});

test('what is no JSON object is refused on every route', async () => {
  await using api = await startApi();
  for (const { path, badInput } of RPC_ROUTES) {
    for (const body of ['', '{', '[]', '1', 'null', '"x"', '\u0000']) {
      const { status, json } = await api.post(path, body, ADMIN);
      assert.deepEqual([status, json.errCode], [badInput, 1001], `${path} ${body}`);
    }
  }
  assert.equal(api.calls.length, 0);
});

/** Bodies that break a rule, by path, and the detail that says which. */
const refused: [path: string, body: unknown, detail: RegExp][] = [
  [
    '/third/set_push_token',
    { userID: 'u1', platformID: 12, kind: 'fcm', token: 't' },
    /^platformID must be 1 to 11$/,
  ],
  ['/third/set_push_token', { platformID: 1, kind: 'fcm', token: 't' }, /^userID is empty$/],
  ['/third/set_push_token', { userID: 'u1', platformID: 1, token: 't' }, /^kind is empty$/],
  ['/third/set_push_token', { userID: 'u1', platformID: 1, kind: 'fcm' }, /^token is empty$/],
  ['/third/del_push_token', { kind: 'fcm', token: 't' }, /^userID is empty$/],
  ['/third/del_push_token', { userID: 'u1', token: 't' }, /^kind is empty$/],
  ['/third/del_push_token', { userID: 'u1', kind: 'fcm' }, /^token is empty$/],
  ['/third/set_quiet_hours', {}, /^userID is empty$/],
  ['/third/get_quiet_hours', {}, /^userID is empty$/],
  ['/verification/send_code', { mail: 'a@b.org' }, /^purpose is empty$/],
  ['/verification/verify_code', { mail: 'a@b.org', code: '1' }, /^purpose is empty$/],
  ['/verification/verify_code', { mail: 'a@b.org', purpose: 'login' }, /^code is empty$/],
  ['/user/get_users_info', { userIDs: [] }, /^userIDs is empty$/],
  ['/user/get_users_info', { userIDs: null }, /^userIDs is empty$/],
  ['/user/get_users_info', { userIDs: 'u1' }, /^field userIDs: cannot use string as array$/],
  ['/user/get_users_info', { userIDs: [1] }, /^field userIDs\[0\]: cannot use number as string$/],
  ['/user/get_users_info', { userIDs: ['a\u001fb'] }, /^userIDs contains a control character$/],
  ['/user/get_users_info', { userIDs: ['u'.repeat(3_000)] }, /^userIDs is longer than/],
  ['/user/get_users', {}, /^pagination is empty$/],
  ['/user/get_users', { pagination: { pageNumber: 0, showNumber: 1 } }, /^pageNumber is invalid$/],
  ['/user/get_users', { pagination: { pageNumber: 1, showNumber: 99_999 } }, /^showNumber is larger/],
  ['/user/update_user_info', { userInfo: { nickname: 'x' } }, /^userID is empty$/],
  ['/user/update_user_info_ex', { userInfo: { userID: 'u1', ex: { value: 'x' } } }, /^field userInfo\.ex: /],
  [
    '/user/set_global_msg_recv_opt',
    { userID: 'u1', globalRecvMsgOpt: 3 },
    /^globalRecvMsgOpt must be 0 to 2: it is 3$/,
  ],
  ['/user/subscribe_users_status', { userID: 'u1', userIDs: ['a'], genre: 3 }, /^genre must be one of 1, 2$/],
  ['/auth/force_logout', { platformID: 11, userID: 'u1' }, /^platformID must be 1 to 10$/],
  ['/auth/force_logout', { platformID: 1.5, userID: 'u1' }, /^field platformID: cannot use number as int32$/],
  [
    '/friend/add_friend_response',
    { fromUserID: 'a', toUserID: 'b', handleResult: 0 },
    /^handleResult must be one of/,
  ],
  [
    '/friend/update_friends',
    { ownerUserID: 'a', friendUserIDs: ['b', 'b'] },
    /^friendUserIDs has repeated entries$/,
  ],
  ['/friend/is_friend', { userID1: 'a', userID2: 'b\n' }, /^userID2 contains a control character$/],
  [
    '/group/kick_group',
    { groupID: 'g', kickedUserIDs: Array.from({ length: 1_001 }, (_, i) => `u${i}`) },
    /more than 1000/,
  ],
  ['/group/join_group', { groupID: 'g', joinSource: 5 }, /^joinSource must be 1 to 4$/],
  [
    '/group/mute_group_member',
    { groupID: 'g', userID: 'u', mutedSeconds: 0 },
    /^mutedSeconds must be 1 or more$/,
  ],
  ['/group/set_group_member_info', { members: [{ groupID: 'g' }] }, /^userID is empty$/],
  ['/group/get_full_group_member_user_ids', { groupID: 'g', idHash: -1 }, /^field idHash: /],
  ['/conversation/set_conversations', { userIDs: ['u1'], conversation: {} }, /^conversationType is empty$/],
  ['/conversation/delete_conversations', { ownerUserID: 'u1' }, /^exactly one of/],
  [
    '/conversation/delete_conversations',
    { ownerUserID: 'u1', needDeleteTime: 1, conversationIDs: ['si_a_b'] },
    /^exactly one of/,
  ],
  ['/msg/revoke_msg', { conversationID: 'si_a_b', userID: 'u1', seq: 0 }, /^seq must be 1 or more$/],
  [
    '/msg/mark_msgs_as_read',
    { conversationID: 'si_a_b', userID: 'u1', seqs: [1, 0] },
    /^seqs must be 1 or more$/,
  ],
  ['/statistics/user/register', { start: 2, end: 1 }, /^start is later than end$/],
  ['/object/initiate_form_data', { name: 'u1/a', size: -1 }, /^size must be 1 or more$/],
];
for (const [path, body, detail] of refused) {
  test(`${path} refuses ${JSON.stringify(body).slice(0, 80)}`, async () => {
    await using api = await startApi();
    const { json } = await api.post(path, body, ADMIN);
    assert.equal(json.errCode, 1001);
    assert.equal(json.errMsg, 'ArgsError');
    assert.match(json.errDlt, detail);
    assert.equal(api.calls.length, 0);
  });
}

test('keys match whatever their case, unknown ones are ignored, null is unset', async () => {
  await using api = await startApi();
  await api.post('/friend/get_friend_list', {
    USERID: 'u1',
    Pagination: { PAGENUMBER: 1, shownumber: 2 },
    x: 1,
  });
  assert.equal(api.calls[0]?.request.userID, 'u1');
  await api.post('/user/update_user_info_ex', '{"userInfo":{"userID":"u1","nickname":null,"faceURL":""}}');
  const userInfo = api.calls[1]?.request.userInfo as { nickname: unknown; faceURL: unknown; ex: unknown };
  assert.deepEqual([userInfo.nickname, userInfo.faceURL, userInfo.ex], [null, '', null]);
});

test('64-bit hashes pass without loss', async () => {
  await using api = await startApi();
  await api.post('/friend/get_full_friend_user_ids', '{"idHash":13835058055282163712,"userID":"u1"}');
  assert.equal(api.calls[0]?.request.idHash, '13835058055282163712');
});

test('texts that are no Unicode become what Go makes of them', async () => {
  await using api = await startApi();
  await api.post(
    '/friend/add_friend',
    '{"fromUserID":"u1","toUserID":"u2","reqMsg":"a\\ud83db \\ud83d\\ude00 \\\\ud800"}',
  );
  assert.equal(api.calls[0]?.request.reqMsg, 'a\ufffdb \u{1f600} \\ud800');
  const bytes = Buffer.concat([
    Buffer.from('{"fromUserID":"u1","toUserID":"u2","reqMsg":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ]);
  await api.post('/friend/add_friend', bytes);
  assert.equal(api.calls[1]?.request.reqMsg, '\ufffd');
});

test('fields are validated before rights: others hear 1001 for bad ones and 1002 for good ones', async () => {
  await using api = await startApi();
  assert.equal((await api.post('/user/account_check', {})).json.errCode, 1001);
  const { json } = await api.post('/user/account_check', { checkUserIDs: ['u1'] });
  assert.deepEqual([json.errCode, json.errMsg], [1002, 'NoPermissionError']);
  assert.equal(api.calls.length, 0);
});

test('what only administrators may do is refused to others', async () => {
  await using api = await startApi();
  const bodies: Record<string, object> = {
    '/auth/get_user_token': { userID: 'u1', platformID: 1 },
    '/auth/force_logout': { userID: 'u1', platformID: 1 },
    '/user/user_register': { users: [{ userID: 'u1', nickname: 'n' }] },
    '/user/account_check': { checkUserIDs: ['u1'] },
    '/user/get_users_online_status': { userIDs: ['u1'] },
    '/user/add_notification_account': { nickName: 'n' },
    '/user/update_notification_account': { userID: 'u1' },
    '/user/search_notification_account': { pagination: page },
    '/user/set_user_client_config': {},
    '/user/del_user_client_config': {},
    '/user/page_user_client_config': { pagination: page },
    '/friend/import_friend': { ownerUserID: 'u1', friendUserIDs: ['u2'] },
    '/msg/search_msg': { pagination: page },
    '/msg/delete_msg_phsical_by_seq': { conversationID: 'c', seqs: [1] },
    '/msg/delete_msg_physical': { conversationIDs: ['c'] },
    '/third/logs/delete': {},
    '/third/logs/search': {},
    '/statistics/user/active': { start: 1, end: 2, pagination: page },
    '/statistics/group/create': { start: 1, end: 2 },
    '/statistics/group/active': { start: 1, end: 2, pagination: page },
  };
  assert.deepEqual(
    RPC_ROUTES.filter(({ admin }) => admin)
      .map(({ path }) => path)
      .sort(),
    Object.keys(bodies).sort(),
  );
  for (const [path, body] of Object.entries(bodies)) {
    assert.equal((await api.post(path, body)).json.errCode, 1002, path);
    assert.equal((await api.post(path, body, ADMIN)).json.errCode, 0, path);
  }
});
