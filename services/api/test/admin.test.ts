import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPERATIONS } from '@im/admin-api';
import { ERR, ImError, make } from '@im/protocol';
import { ADMIN_ROUTES } from '../src/admin/routes/index.ts';
import { startApi } from './harness.ts';

type Api = Awaited<ReturnType<typeof startApi>>;

async function get(api: Api, path: string, headers: Record<string, string> = { token: 'admin-token' }) {
  const response = await api.app.inject({ method: 'GET', url: `/admin/v1${path}`, headers });
  return { status: response.statusCode, headers: response.headers, json: response.json() };
}

const user = (userID: string) => make('sdkws.UserInfo', { userID, nickname: userID, createTime: 7 });

test('every operation has one route, and its name once', () => {
  assert.deepEqual(
    ADMIN_ROUTES.map(({ operation }) => operation.id).sort(),
    OPERATIONS.map(({ id }) => id).sort(),
  );
  assert.equal(new Set(OPERATIONS.map(({ id }) => id)).size, OPERATIONS.length);
});

test('each parameter of a path is one of the schema, and acts name one of them', () => {
  for (const { id, path, params, query, body, audit } of OPERATIONS) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const namesOf = (schema: unknown) => Object.keys((schema as { shape: object }).shape);
    assert.deepEqual(namesOf(params).sort(), named.sort(), id);
    const parts = [params, query, body].flatMap(namesOf);
    if (audit?.param !== undefined) assert.ok(parts.includes(audit.param), id);
  }
});

test('the document is served without a token, and each reference in it leads somewhere', async () => {
  await using api = await startApi();
  const { status, json } = await get(api, '/openapi.json', {});
  assert.equal(status, 200);
  assert.equal(json.openapi, '3.1.0');
  const ids = Object.values<Record<string, { operationId: string }>>(json.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  assert.deepEqual(ids.sort(), OPERATIONS.map(({ id }) => id).sort());
  for (const [, ref = ''] of JSON.stringify(json).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = ref.split('/').reduce((at, key) => at?.[key], json);
    assert.ok(found, ref);
  }
});

test('only administrators are served, by either header, each of their tenant', async () => {
  await using api = await startApi();
  const statusOf = async (headers: Record<string, string>, prefix = '') => {
    const url = `${prefix}/admin/v1/users`;
    const response = await api.app.inject({ method: 'GET', url, headers });
    return [response.statusCode, response.json().error?.code ?? 0];
  };
  assert.deepEqual(await statusOf({}), [401, ERR.TokenNotExistError]);
  assert.deepEqual(await statusOf({ token: 'nonsense' }), [401, ERR.TokenNotExistError]);
  assert.deepEqual(await statusOf({ token: 'u1-token' }), [403, ERR.NoPermissionError]);
  assert.deepEqual(await statusOf({ token: 'admin-token' }), [200, 0]);
  assert.deepEqual(await statusOf({ authorization: 'Bearer admin-token' }), [200, 0]);
  assert.deepEqual(await statusOf({ token: 'admin-token' }, '/t/t2'), [403, ERR.NoPermissionError]);
  assert.deepEqual(await statusOf({ token: 'boss-token' }, '/t/t2'), [200, 0]);
  assert.deepEqual(await statusOf({ host: 'chat.example.com', token: 'boss-token' }), [200, 0]);
  assert.deepEqual(
    api.calls.map(({ target, ctx }) => [target, ctx.tenant, ctx.opUserID, ctx.opAdmin]),
    [
      ['user.searchUsers', 'default', 'imAdmin', true],
      ['user.searchUsers', 'default', 'imAdmin', true],
      ['user.searchUsers', 't2', 'boss', true],
      ['user.searchUsers', 't2', 'boss', true],
    ],
  );
});

test('a refusal names the field, what is wrong and the request', async () => {
  await using api = await startApi();
  const refused = async (path: string) => {
    const { status, json } = await get(api, path, { token: 'admin-token', operationid: 'op7' });
    assert.deepEqual(
      [status, json.error.code, json.error.name, json.error.requestID],
      [400, ERR.ArgsError, 'ArgsError', 'op7'],
    );
    return [json.error.field, json.error.message];
  };
  assert.equal((await refused('/users?limit=0'))[0], 'limit');
  assert.equal((await refused('/users?limit=501'))[0], 'limit');
  assert.equal((await refused('/users?limit=x'))[0], 'limit');
  assert.deepEqual(await refused('/users?colour=red'), [
    'colour',
    'colour is not known: leave it out of the query',
  ]);
  assert.deepEqual(await refused('/users?limit=1&limit=2'), ['limit', 'limit is given more than once']);
  assert.equal((await refused('/users?cursor=!'))[0], 'cursor');
  assert.equal((await refused('/users/a%01b'))[0], 'userID');
  assert.equal((await refused('/audit?targetID=a'))[0], 'targetID');
  assert.equal((await refused('/audit?adminID=a&act=user.ban'))[0], 'act');
  assert.deepEqual(api.calls, []);
});

test('a list goes on where its page ended', async () => {
  await using api = await startApi();
  api.stub('user.searchUsers', (_ctx, { cursor }: { cursor: string }) =>
    cursor === ''
      ? make('user.SearchUsersResp', { users: [user('b'), user('a b')], cursor: '7 a b' })
      : make('user.SearchUsersResp', { users: [user('z')] }),
  );
  const first = await get(api, '/users?limit=2&nickname=x');
  assert.deepEqual(
    first.json.users.map(({ userID }: { userID: string }) => userID),
    ['b', 'a b'],
  );
  assert.notEqual(first.json.nextCursor, '7 a b');
  const last = await get(api, `/users?limit=2&nickname=x&cursor=${first.json.nextCursor}`);
  assert.equal('nextCursor' in last.json, false);
  assert.deepEqual(
    api.calls
      .filter(({ target }) => target === 'user.searchUsers')
      .map(({ request: { nickName, limit, cursor = '' } }) => [nickName, limit, cursor]),
    [
      ['x', 2, ''],
      ['x', 2, '7 a b'],
    ],
  );
});

test('an unknown user is 404, an unavailable store 503, a bug 500 without its text', async () => {
  await using api = await startApi();
  const failing = async (error?: Error) => {
    if (error) {
      api.stub('user.getDesignateUsers', () => {
        throw error;
      });
    }
    const { status, json } = await get(api, '/users/u1');
    return [status, json.error.code, json.error.message];
  };
  assert.deepEqual(await failing(), [404, ERR.UserIDNotFoundError, 'there is no user u1']);
  assert.deepEqual(await failing(new ImError(ERR.NetworkError, 'no primary')), [
    503,
    ERR.NetworkError,
    'no primary',
  ]);
  assert.deepEqual(await failing(new Error('secret: at line 3')), [
    500,
    ERR.ServerInternalError,
    'ServerInternalError',
  ]);
});

test('a user comes with the platforms that are online', async () => {
  await using api = await startApi();
  api.stub('user.getDesignateUsers', () => make('user.GetDesignateUsersResp', { usersInfo: [user('u 1')] }));
  const online = [5, 2, 5].map((platformID) => make('user.PlatformOnlineDetail', { platformID }));
  const result = make('user.UserOnlineStatusDetail', { detailPlatformStatus: online });
  api.stub('user.getUsersOnlineStatus', () => make('user.GetUsersOnlineStatusResp', { results: [result] }));
  const { status, headers, json } = await get(api, '/users/u%201');
  assert.deepEqual(
    [status, json.user.userID, json.onlinePlatformIDs, headers['cache-control']],
    [200, 'u 1', [2, 5], 'no-store'],
  );
  assert.deepEqual(api.calls[0]?.request.userIDs, ['u 1']);
});

test('an operation has a rate per tenant, and the tenant its quota', async () => {
  await using api = await startApi();
  const statuses = new Set<number>();
  for (let i = 0; i < 60; i++) {
    const { status, headers } = await get(api, '/users');
    statuses.add(status);
    if (status === 429) assert.ok(Number(headers['retry-after']) >= 1);
  }
  assert.deepEqual(statuses, new Set([200, 429]));
  assert.equal((await get(api, '/audit')).status, 200);
});

test('an act is recorded before it is done and with its outcome, and not done when it cannot be', async () => {
  await using api = await startApi();
  const ban = async () => {
    const { statusCode } = await api.app.inject({
      method: 'PUT',
      url: '/admin/v1/users/u1/ban',
      headers: { token: 'admin-token', operationid: 'op9' },
      payload: { untilTime: 0, reason: 'spam' },
    });
    return statusCode;
  };
  api.stub('auth.banUser', () => make('auth.BanUserResp', { ban: make('auth.Ban', { userID: 'u1' }) }));
  assert.equal(await ban(), 200);
  const [before, act, after] = api.calls.splice(0);
  assert.deepEqual(
    [before?.target, act?.target, after?.target],
    ['auth.addAuditRecord', 'auth.banUser', 'auth.setAuditOutcome'],
  );
  const record = (before?.request.record ?? {}) as Record<string, unknown>;
  assert.deepEqual(
    [record.act, record.targetKind, record.targetID, record.reason, record.adminUserID, record.operationID],
    ['user.ban', 'user', 'u1', 'spam', 'imAdmin', 'op9'],
  );
  assert.deepEqual(JSON.parse(String(record.details)), { untilTime: 0, reason: 'spam' });
  assert.deepEqual([after?.request.recordID, after?.request.outcome], [record.recordID, 'done']);

  for (const [code, outcome] of [
    [ERR.UserIDNotFoundError, 'refused'],
    [ERR.NetworkError, 'failed'],
  ] as const) {
    api.stub('auth.banUser', () => {
      throw new ImError(code);
    });
    assert.notEqual(await ban(), 200);
    assert.deepEqual([api.calls.at(-1)?.request.outcome, api.calls.at(-1)?.request.errCode], [outcome, code]);
  }

  api.calls.length = 0;
  api.stub('auth.addAuditRecord', () => {
    throw new ImError(ERR.NetworkError);
  });
  assert.equal(await ban(), 503);
  assert.deepEqual(
    api.calls.map(({ target }) => target),
    ['auth.addAuditRecord'],
  );
});

test('fields that a domain leaves at their defaults are in the answer', async () => {
  await using api = await startApi();
  const record = make('auth.AuditRecord', { recordID: 'r', outcome: 'done' });
  api.stub('auth.searchAuditRecords', () => make('auth.SearchAuditRecordsResp', { records: [record] }));
  const { status, json } = await get(api, '/audit');
  assert.deepEqual([status, json.records[0].errCode, json.records[0].reason], [200, 0, '']);
});

test('messages are searched by what is named, and their texts and places shown', async () => {
  await using api = await startApi();
  const asked: unknown[] = [];
  const message = (change: object) =>
    make('sdkws.MsgData', { sendID: 'a', content: Buffer.from('{"content":"é"}'), ...change });
  api.stub('msg.searchMessages', (_ctx, request) => {
    asked.push(request);
    return make('msg.SearchMessagesResp', {
      messages: [
        make('msg.FoundMessage', { conversationID: 'si_a_b', seq: 3, message: message({ recvID: 'b' }) }),
        make('msg.FoundMessage', {
          conversationID: 'sg_g',
          seq: 4,
          message: message({ recvID: 'x', groupID: 'g' }),
          isRevoked: true,
        }),
      ],
      ...{ cursor: '["next"]', examined: 12, byTime: true },
    });
  });
  const { status, json } = await get(
    api,
    '/messages?sendID=a&contentType=101&from=5&to=9&text=%C3%A9&limit=2&reason=complaint',
  );
  assert.equal(status, 200);
  const { messages, ...rest } = json;
  assert.deepEqual(
    messages.map((m: Record<string, unknown>) => [
      m.conversationID,
      m.seq,
      m.recvID,
      m.groupID,
      m.content,
      m.isRevoked,
    ]),
    [
      ['si_a_b', 3, 'b', '', '{"content":"é"}', false],
      ['sg_g', 4, '', 'g', '{"content":"é"}', true],
    ],
  );
  const nextCursor = Buffer.from('["next"]').toString('base64url');
  assert.deepEqual(rest, { examined: 12, byTime: true, nextCursor });
  await get(api, `/messages?cursor=${nextCursor}&conversationID=si_a_b&reason=complaint`);
  const first = { sendID: 'a', contentType: 101, start: 5, end: 9, text: 'é', limit: 2 };
  assert.deepEqual(asked, [
    make('msg.SearchMessagesReq', first),
    make('msg.SearchMessagesReq', { limit: 100, cursor: '["next"]', conversationID: 'si_a_b' }),
  ]);
  const records = api.calls
    .filter(({ target }) => target === 'auth.addAuditRecord')
    .map(({ request }) => request.record as Record<string, unknown>);
  assert.deepEqual(
    records.map(({ act, targetKind, targetID, reason }) => [act, targetKind, targetID, reason]),
    [
      ['message.search', 'conversation', '', 'complaint'],
      ['message.search', 'conversation', 'si_a_b', 'complaint'],
    ],
  );
  assert.equal(JSON.parse(String(records[0]?.details)).text, 'é');
  for (const [query, field] of [
    ['groupID=g&conversationID=sg_g', 'groupID'],
    ['groupID=g&recvID=b', 'recvID'],
    ['from=5&to=5', 'to'],
    ['contentType=0', 'contentType'],
  ]) {
    const refused = await get(api, `/messages?${query}&reason=r`);
    assert.deepEqual([refused.status, refused.json.error.field], [400, field], query);
  }
  for (const query of ['sendID=a', 'sendID=a&reason=', 'sendID=a&reason=%20%20']) {
    const refused = await get(api, `/messages?${query}`);
    assert.deepEqual([refused.status, refused.json.error.field], [400, 'reason'], query);
  }
  asked.length = 0;
  api.stub('auth.addAuditRecord', () => {
    throw new ImError(ERR.NetworkError);
  });
  assert.equal((await get(api, '/messages?reason=complaint')).status, 503);
  assert.deepEqual(asked, [], 'what cannot be recorded is not read');
});
