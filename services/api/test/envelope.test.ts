import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { tenantId } from '@im/contract';
import { make } from '@im/protocol';
import { ADMIN, startApi } from './harness.ts';

test('a response without fields leaves data out', async () => {
  await using api = await startApi();
  const { status, text, headers } = await api.post('/friend/add_friend', {
    fromUserID: 'u1',
    toUserID: 'u2',
  });
  assert.equal(status, 200);
  assert.equal(text, '{"errCode":0,"errMsg":"","errDlt":""}');
  assert.equal(headers['content-type'], 'application/json');
});

test('zero values, null lists, omitted empty maps and long hashes go out as Go writes them', async () => {
  await using api = await startApi();
  api.stub('msg.getMaxSeq', () => make('sdkws.GetMaxSeqResp'));
  assert.equal(
    (await api.post('/msg/newest_seq', { userID: 'u1' })).text,
    '{"errCode":0,"errMsg":"","errDlt":"","data":{}}',
  );
  api.stub('user.getAllUserID', () => make('user.GetAllUserIDResp'));
  const page = await api.post('/user/get_all_users_uid', { pagination: { pageNumber: 1, showNumber: 1 } });
  assert.equal(page.text, '{"errCode":0,"errMsg":"","errDlt":"","data":{"total":0,"userIDs":null}}');
  api.stub('group.getGroupAbstractInfo', () =>
    make('group.GetGroupAbstractInfoResp', {
      groupAbstractInfos: [
        make('group.GroupAbstractInfo', { groupID: 'g', groupMemberListHash: '18446744073709551615' }),
      ],
    }),
  );
  const hash = await api.post('/group/get_group_abstract_info', { groupIDs: ['g'] });
  assert.match(hash.text, /"groupMemberListHash":18446744073709551615/);
});

test('an error has its code, its fixed name and a detail, and no data', async () => {
  await using api = await startApi({ unbuilt: ['third'] });
  const missing = await api.post('/object/part_limit', {});
  assert.equal(missing.status, 200);
  assert.equal(missing.json.errCode, 500);
  assert.equal(missing.json.errMsg, 'NotImplemented');
  assert.equal('data' in missing.json, false);
  api.stub('user.getDesignateUsers', () => {
    throw new TypeError('boom');
  });
  const broken = await api.post('/user/get_users_info', { userIDs: ['u1'] });
  assert.deepEqual(
    [broken.status, broken.json.errCode, broken.json.errMsg],
    [200, 500, 'ServerInternalError'],
  );
});

test('every answer allows every origin and header, and OPTIONS on a route is answered', async () => {
  await using api = await startApi();
  const options = await api.app.inject({ method: 'OPTIONS', url: '/user/get_users_info' });
  assert.equal(options.statusCode, 200);
  assert.equal(options.body, '"Options Request!"');
  for (const answer of [options, await api.app.inject({ method: 'GET', url: '/nowhere' })]) {
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(answer.headers['access-control-allow-headers'], '*');
    assert.equal(answer.headers['access-control-max-age'], '172800');
    assert.equal(answer.headers['access-control-allow-credentials'], 'false');
  }
});

test('an unknown route is 404 in plain text', async () => {
  await using api = await startApi();
  for (const [method, url] of [
    ['POST', '/user/nothing'],
    ['GET', '/user/get_users_info'],
    ['PUT', '/user/get_users_info'],
    ['OPTIONS', '/user/nothing'],
    ['POST', '/t/nobody/user/get_users_info'],
    ['POST', '/t/UPPER/user/get_users_info'],
    ['POST', '/'],
  ] as const) {
    const { statusCode, body, headers } = await api.app.inject({ method, url });
    assert.equal(statusCode, 404, `${method} ${url}`);
    assert.equal(body, '404 page not found');
    assert.match(String(headers['content-type']), /^text\/plain/);
  }
});

test('operationID and token are demanded in that order', async () => {
  await using api = await startApi();
  const bare = await api.app.inject({ method: 'POST', url: '/user/get_users_info', payload: '{}' });
  assert.equal(bare.body, '{"errCode":1001,"errMsg":"ArgsError","errDlt":"header must have operationID"}');
  const noToken = await api.post('/user/get_users_info', { userIDs: ['u1'] }, { token: '' });
  assert.equal(noToken.text, '{"errCode":1001,"errMsg":"ArgsError","errDlt":"header must have token"}');
  const unknown = await api.post('/user/get_users_info', { userIDs: ['u1'] }, { token: 'nonsense' });
  assert.equal(unknown.json.errCode, 1507);
  assert.equal(api.calls.length, 0);
});

test('the token routes need no token', async () => {
  await using api = await startApi();
  assert.equal(
    (await api.post('/auth/get_admin_token', { secret: 's', userID: 'imAdmin' }, { token: '' })).json.errCode,
    0,
  );
  assert.equal((await api.post('/auth/parse_token', { token: 'x' }, { token: '' })).json.errCode, 1507);
});

test('the caller, the trace id and the deadline reach the domain', async () => {
  await using api = await startApi();
  const before = Date.now();
  await api.post('/user/get_users_info', { userIDs: ['u1'] });
  const ctx = api.calls[0]?.ctx;
  assert.deepEqual(
    [ctx?.operationID, ctx?.opUserID, ctx?.opPlatformID, ctx?.opAdmin],
    ['op1', 'u1', 5, false],
  );
  assert.ok(ctx && ctx.deadline >= before + 9_000 && ctx.deadline <= Date.now() + 9_500);
  await api.post('/user/get_users_info', { userIDs: ['u1'] }, ADMIN);
  assert.equal(api.calls[1]?.ctx.opAdmin, true);
});

test('a tenant is selected by path or host, and has separate administrators', async () => {
  await using api = await startApi();
  const body = { userIDs: ['u1'] };
  await api.post('/user/get_users_info', body);
  await api.post('/t/t2/user/get_users_info', body, { token: 'boss-token' });
  await api.post('/user/get_users_info', body, { headers: { host: 'chat.example.com:10002' } });
  await api.post('/t/default/user/get_users_info', body, {
    token: 'boss-token',
    headers: { host: 'chat.example.com' },
  });
  assert.deepEqual(
    api.calls.map(({ ctx }) => [ctx.tenant, ctx.opAdmin]),
    [
      ['default', false],
      ['t2', true],
      ['t2', false],
      ['default', false],
    ],
  );
});

test('a suspended tenant hears a retryable error', async () => {
  await using api = await startApi();
  const settings = api.tenants.list().find(({ id }) => id === 't2');
  assert.ok(settings);
  api.tenants.put({ ...settings, suspended: true });
  assert.equal((await api.post('/t/t2/user/get_users_info', { userIDs: ['u1'] })).json.errCode, 90004);
});

test('a suspended tenant is read by people with rights in all tenants, and by no others', async () => {
  await using api = await startApi();
  const settings = api.tenants.list().find(({ id }) => id === 't2');
  assert.ok(settings);
  api.stub('user.searchUsers', () => make('user.SearchUsersResp'));
  const ask = async (tenant: string, role: string, method: 'GET' | 'DELETE' = 'GET') => {
    api.stub('auth.useConsoleSession', () =>
      make('auth.UseConsoleSessionResp', {
        session: make('auth.ConsoleSession', { grants: [make('auth.ConsoleGrant', { tenant, role })] }),
      }),
    );
    const headers = {
      'x-openim-console': '1',
      cookie: `__Host-im_console=${'k'.repeat(43)}`,
      origin: 'http://x',
      host: 'x',
    };
    const url = `/t/t2/admin/v1/users${method === 'GET' ? '' : '/u1/connections'}`;
    const { statusCode } = await api.app.inject({ method, url, headers });
    return statusCode;
  };
  assert.equal(await ask('t2', 'admin'), 200);
  api.tenants.put({ ...settings, suspended: true });
  assert.equal(await ask('t2', 'admin'), 503);
  assert.equal(await ask('*', 'viewer'), 200);
  assert.equal(await ask('default', 'admin'), 503);
  assert.equal(await ask('*', 'admin', 'DELETE'), 503, 'nothing is changed');
  const token = { token: 't2-admin-token' };
  assert.equal((await api.app.inject({ url: '/t/t2/admin/v1/users', headers: token })).statusCode, 503);
});

test('a tenant with invalid settings hears a retryable error by path and host, never from another tenant', async () => {
  await using api = await startApi();
  const others = api.tenants.list().filter(({ id }) => id !== 't2');
  api.tenants.replaceAll(others, [{ id: tenantId('t2'), hosts: ['chat.example.com'] }]);
  const body = { userIDs: ['u1'] };
  const answers = [
    await api.post('/t/t2/user/get_users_info', body),
    await api.post('/user/get_users_info', body, { headers: { host: 'chat.example.com:10002' } }),
    await api.post('/t/t2/auth/get_admin_token', { secret: 'secret', userID: 'boss' }),
    await api.post('/t/t2/auth/parse_token', { token: 'u1-token' }),
  ];
  assert.deepEqual(
    answers.map(({ json }) => json.errCode),
    [90004, 90004, 90004, 90004],
  );
  const download = await api.app.inject({ method: 'GET', url: '/t/t2/object/u1/picture.png' });
  assert.deepEqual(
    [download.statusCode, download.json().errCode],
    [503, 90004],
    'a download may be tried again',
  );
  assert.deepEqual(api.calls, []);
  assert.equal((await api.post('/user/get_users_info', body)).json.errCode, 0);
});

test('large answers are compressed for those who ask', async () => {
  await using api = await startApi();
  const userIDs = Array.from({ length: 200 }, (_, i) => `user_${i}`);
  api.stub('user.getAllUserID', () => make('user.GetAllUserIDResp', { total: 200, userIDs }));
  const { rawPayload, headers } = await api.app.inject({
    method: 'POST',
    url: '/user/get_all_users_uid',
    headers: { operationID: 'op', token: 'u1-token', 'accept-encoding': 'gzip, deflate' },
    payload: '{"pagination":{"pageNumber":1,"showNumber":200}}',
  });
  assert.equal(headers['content-encoding'], 'gzip');
  assert.equal(JSON.parse(gunzipSync(rawPayload).toString()).data.userIDs.length, 200);
  const refused = await api.post('/user/get_all_users_uid', '{"pagination":{"pageNumber":1}}', {
    headers: { 'accept-encoding': 'gzip;q=0' },
  });
  assert.equal(refused.headers['content-encoding'], undefined);
});

test('a body is read whatever its content type, compressed or not', async () => {
  await using api = await startApi();
  const body = JSON.stringify({ userIDs: ['u1'] });
  for (const type of [
    'application/json',
    'text/plain;charset=UTF-8',
    'application/octet-stream',
    'nonsense',
  ]) {
    const { json } = await api.post('/user/get_users_info', body, { headers: { 'content-type': type } });
    assert.equal(json.errCode, 0, type);
  }
  const zipped = { headers: { 'content-encoding': 'gzip' } };
  assert.equal((await api.post('/user/get_users_info', gzipSync(body), zipped)).json.errCode, 0);
  assert.equal((await api.post('/user/get_users_info', 'no gzip', zipped)).json.errCode, 1001);
  const brotli = { headers: { 'content-encoding': 'br' } };
  assert.equal((await api.post('/user/get_users_info', body, brotli)).json.errCode, 1001);
  assert.equal(api.calls.length, 5);
});

test('bodies and what they inflate to are bounded', async () => {
  await using api = await startApi({ config: { api: { bodyLimitBytes: 1_000 } } });
  const large = JSON.stringify({ userIDs: ['u'.repeat(2_000)] });
  const plain = await api.post('/user/get_users_info', large);
  assert.deepEqual([plain.status, plain.json.errCode], [413, 1001]);
  const bomb = gzipSync(Buffer.alloc(1_000_000, ' '));
  const inflated = await api.post('/user/get_users_info', bomb.subarray(0, 1_000), {
    headers: { 'content-encoding': 'gzip' },
  });
  assert.equal(inflated.json.errCode, 1001);
});

test('a kicked token is forgotten when the news comes', async () => {
  await using api = await startApi();
  let parsed = 0;
  api.stub('auth.parseToken', () => {
    parsed++;
    return make('auth.ParseTokenResp', {
      userID: 'u1',
      platformID: 5,
      expireTimeSeconds: Date.now() / 1000 + 60,
    });
  });
  const ask = () => api.post('/user/get_users_info', { userIDs: ['u1'] });
  await ask();
  await ask();
  assert.equal(parsed, 1);
  const { tokenHash, tokenInvalidationKey } = await import('@im/kit');
  await api.invalidate(tokenInvalidationKey(tokenHash('u1-token')));
  await ask();
  assert.equal(parsed, 2);
});

test('a tenant beyond its requests per second learns when to retry', async () => {
  await using api = await startApi();
  const settings = api.tenants.list().find(({ id }) => id === 't2');
  assert.ok(settings);
  api.tenants.put({ ...settings, quotas: { ...settings.quotas, requestsPerSecond: 2 } });
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await api.post('/t/t2/user/get_users_info', { userIDs: ['u1'] }));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 429, 429],
  );
  assert.equal(answers[3]?.json.errCode, 429);
  assert.equal(answers[3]?.headers['retry-after'], '1');
  assert.equal((await api.post('/user/get_users_info', { userIDs: ['u1'] })).status, 200);
});

test('answers are counted by route and code', async () => {
  await using api = await startApi();
  await api.post('/user/get_users_info', { userIDs: ['u1'] });
  await api.post('/user/get_users_info', {});
  await api.post('/nowhere', {});
  const rows = (await api.metrics.values('api_count')).map(({ labels, value }) => [
    labels.path,
    labels.code,
    value,
  ]);
  assert.deepEqual(rows, [
    ['/user/get_users_info', '0', 1],
    ['/user/get_users_info', '1001', 1],
  ]);
  const http = (await api.metrics.values('http_count')).map(({ labels }) => [labels.path, labels.status]);
  assert.deepEqual(http.at(-1), ['<404>', '404']);
});
