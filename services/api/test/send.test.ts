import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, ImError, make, type msg, type sdkws } from '@im/protocol';
import { ADMIN } from './harness.ts';
import { TEXT, withSend } from './send-harness.ts';

test('an administrator sends a text as any user', async () => {
  await using api = await withSend();
  const { status, text } = await api.post(
    '/msg/send_msg',
    { ...TEXT, ex: 'e', offlinePushInfo: { title: 't' } },
    ADMIN,
  );
  const [sent] = api.sent;
  assert.ok(sent);
  assert.equal(status, 200);
  assert.equal(
    text,
    `{"errCode":0,"errMsg":"","errDlt":"","data":{"serverMsgID":"s1","clientMsgID":"${sent.clientMsgID}","sendTime":1700000000000}}`,
  );
  assert.match(sent.clientMsgID, /^[0-9a-f]{32}$/);
  assert.deepEqual([sent.sendID, sent.recvID, sent.sessionType, sent.contentType], ['u1', 'u2', 1, 101]);
  assert.deepEqual([sent.msgFrom, sent.status, sent.sendTime, sent.options], [200, 0, 0, {}]);
  assert.equal(Buffer.from(sent.content).toString(), '{"content":"hello"}');
  assert.equal(sent.offlinePushInfo?.title, 't');
  assert.ok(Math.abs(sent.createTime - Date.now()) < 5_000);
});

test('options follow isOnlineOnly and notOfflinePush', async () => {
  await using api = await withSend();
  await api.post('/msg/send_msg', { ...TEXT, isOnlineOnly: true, notOfflinePush: true, sendTime: 5 }, ADMIN);
  assert.deepEqual(api.sent[0]?.options, {
    history: false,
    persistent: false,
    senderSync: false,
    conversationUpdate: false,
    offlinePush: false,
  });
  assert.equal(api.sent[0]?.sendTime, 5);
});

test('content is stored with sorted keys and numbers as doubles', async () => {
  await using api = await withSend();
  const body = `{"sendID":"u1","recvID":"u2","contentType":110,"sessionType":1,"content":{"extension":"","data":"x","b":{"z":9007199254740993,"a":[1.0,{"d":1,"c":null}]}}}`;
  await api.post('/msg/send_msg', body, ADMIN);
  const content = Buffer.from(api.sent[0]?.content ?? []).toString();
  assert.equal(content, '{"b":{"a":[1,{"c":null,"d":1}],"z":9007199254740992},"data":"x","extension":""}');
});

test('an @-message names its users in the message too', async () => {
  await using api = await withSend();
  const content = { text: 'hi', atUserList: ['u2', 'u3'] };
  await api.post(
    '/msg/send_msg',
    { sendID: 'u1', groupID: 'g', content, contentType: 106, sessionType: 3 },
    ADMIN,
  );
  assert.deepEqual(api.sent[0]?.atUserIDList, ['u2', 'u3']);
});

test('a notification account sends a notification; others may not', async () => {
  await using api = await withSend();
  const content = { notificationName: 'n', notificationType: 1, text: 'hello', mixType: 0 };
  const body = { sendID: 'acc', recvID: 'u2', content, contentType: 1400, sessionType: 1 };
  for (const [appMangerLevel, code] of [
    [undefined, 1101],
    [1, 1002],
    [3, 0],
  ]) {
    const usersInfo =
      appMangerLevel === undefined ? [] : [make('sdkws.UserInfo', { userID: 'acc', appMangerLevel })];
    api.stub('user.getDesignateUsers', () => make('user.GetDesignateUsersResp', { usersInfo }));
    assert.equal((await api.post('/msg/send_msg', body, ADMIN)).json.errCode, code);
  }
  assert.equal(api.sent[0]?.sessionType, 4);
  assert.equal(
    Buffer.from(api.sent[0]?.content ?? []).toString(),
    JSON.stringify({ detail: '{"mixType":0,"notificationName":"n","notificationType":1,"text":"hello"}' }),
  );
});

test('only administrators send as others', async () => {
  await using api = await withSend();
  for (const [path, body] of [
    ['/msg/send_msg', TEXT],
    ['/msg/batch_send_msg', { ...TEXT, recvIDs: ['u2'] }],
    ['/msg/send_business_notification', { sendUserID: 'u1', recvUserID: 'u2' }],
  ] as const) {
    assert.equal((await api.post(path, body)).json.errCode, 1002, path);
  }
  assert.equal(api.sent.length, 0);
});

test('an error of the message domain passes', async () => {
  await using api = await withSend();
  api.stub('msg.sendMsg', () => {
    throw new ImError(ERR.BlockedByPeer);
  });
  const { text } = await api.post('/msg/send_msg', TEXT, ADMIN);
  assert.equal(text, '{"errCode":1302,"errMsg":"BlockedByPeer","errDlt":""}');
});

test('fields changed by a webhook are returned', async () => {
  await using api = await withSend();
  api.stub('msg.sendMsg', () =>
    make('msg.SendMsgResp', {
      serverMsgID: 's',
      clientMsgID: 'c',
      modify: make('sdkws.MsgData', { content: Buffer.from('{"content":"bye"}'), ex: 'x' }),
    }),
  );
  const { json } = await api.post('/msg/send_msg', TEXT, ADMIN);
  assert.deepEqual((json.data as { modify: unknown }).modify, { content: '{"content":"bye"}', ex: 'x' });
});

test('a batch has one clientMsgID for all, and names those that failed', async () => {
  await using api = await withSend();
  const { json } = await api.post('/msg/batch_send_msg', { ...TEXT, recvIDs: ['u2', 'bad', 'u3'] }, ADMIN);
  const { results, failedUserIDs } = json.data as {
    results: { recvID: string; clientMsgID: string }[];
    failedUserIDs: string[];
  };
  assert.deepEqual(
    results.map(({ recvID }) => recvID),
    ['u2', 'u3'],
  );
  assert.deepEqual(failedUserIDs, ['bad']);
  assert.equal(new Set(api.sent.map(({ clientMsgID }) => clientMsgID)).size, 1);
  assert.deepEqual(
    api.sent.map(({ recvID }) => recvID),
    ['u2', 'bad', 'u3'],
  );
});

test('a batch to all pages through the users; recvIDs must be present nevertheless', async () => {
  await using api = await withSend();
  const pages: number[] = [];
  api.stub('user.getAllUserID', (_ctx, { pagination }: { pagination: sdkws.RequestPagination }) => {
    pages.push(pagination.pageNumber);
    const count = pagination.pageNumber === 1 ? pagination.showNumber : 2;
    const userIDs = Array.from({ length: count }, (_, i) => `p${pagination.pageNumber}_${i}`);
    return make('user.GetAllUserIDResp', { total: 502, userIDs });
  });
  const body = { ...TEXT, isSendAll: true };
  assert.equal((await api.post('/msg/batch_send_msg', body, ADMIN)).status, 400);
  const { json } = await api.post('/msg/batch_send_msg', { ...body, recvIDs: [] }, ADMIN);
  assert.equal((json.data as { results: unknown[] }).results.length, 502);
  assert.deepEqual(pages, [1, 2]);
  const nobody = await api.post('/msg/batch_send_msg', { ...TEXT, recvIDs: [] }, ADMIN);
  assert.match(nobody.text, /"data":\{"results":null,"failedUserIDs":null\}/);
});

function key(value: object): string {
  return encodeURIComponent(Buffer.from(JSON.stringify(value)).toString('base64'));
}

test('a bot answers the sender of a message, and only as itself', async () => {
  await using api = await withSend();
  api.stub('user.getDesignateUsers', () =>
    make('user.GetDesignateUsersResp', {
      usersInfo: [make('sdkws.UserInfo', { userID: 'bot', nickname: 'B' })],
    }),
  );
  const url = `/msg/send_simple_msg?key=${key({ sendID: 'u9', recvID: 'bot', groupID: '' })}`;
  assert.equal((await api.post(url, { content: 'hi' })).json.errCode, 1002);
  assert.equal((await api.post(url, { content: 'hi' }, { token: 'bot-token' })).json.errCode, 0);
  const [sent] = api.sent;
  assert.deepEqual(
    [sent?.sendID, sent?.recvID, sent?.senderNickname, sent?.contentType],
    ['bot', 'u9', 'B', 118],
  );
  assert.deepEqual([sent?.msgFrom, sent?.senderPlatformID, sent?.sessionType], [100, 10, 1]);
  const group = `/msg/send_simple_msg?key=${key({ sendID: 'u9', recvID: '', groupID: 'g1' })}`;
  assert.equal(
    (await api.post(group, { sendID: 'bot', content: 'hi' }, { token: 'bot-token' })).json.errCode,
    0,
  );
  assert.deepEqual([api.sent[1]?.sendID, api.sent[1]?.groupID, api.sent[1]?.sessionType], ['bot', 'g1', 3]);
});

for (const query of [
  '',
  '?key=',
  '?key=%7B%7D',
  '?key=AAAA',
  `?key=${key({ sendID: 'u9' })}`,
  `?key=${key({ groupID: 'g' })}`,
]) {
  test(`send_simple_msg${query} is refused`, async () => {
    await using api = await withSend();
    const { json } = await api.post(`/msg/send_simple_msg${query}`, { content: 'hi' });
    assert.equal(json.errCode, 1001);
  });
}

test('a business notification goes to exactly one receiver', async () => {
  await using api = await withSend();
  const body = { key: 'k', data: '{"a":1}', sendUserID: 'u1' };
  for (const receivers of [{}, { recvUserID: 'u2', recvGroupID: 'g' }]) {
    const { status, json } = await api.post(
      '/msg/send_business_notification',
      { ...body, ...receivers },
      ADMIN,
    );
    assert.deepEqual([status, json.errCode], [400, 1001]);
  }
  await api.post('/msg/send_business_notification', { ...body, recvUserID: 'u2' }, ADMIN);
  await api.post(
    '/msg/send_business_notification',
    { ...body, recvGroupID: 'g', sendMsg: true, reliabilityLevel: 2 },
    ADMIN,
  );
  const requests = api.calls.map(({ request }) => request as unknown as msg.SendNotificationReq);
  assert.deepEqual(
    requests.map((r) => [
      r.contentType,
      r.sessionType,
      r.recvID,
      r.sendMessage,
      r.reliabilityLevel,
      r.detail,
    ]),
    [
      [2001, 1, 'u2', false, 1, '{"key":"k","data":"{\\"a\\":1}"}'],
      [2001, 3, 'g', true, 2, '{"key":"k","data":"{\\"a\\":1}"}'],
    ],
  );
});
