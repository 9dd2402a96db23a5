import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode, ERR, encode, ImError, type jssdk, make, type third } from '@im/protocol';
import { FIXED_ROUTES } from '../src/get-routes.ts';
import { ROUTES } from '../src/routes/index.ts';
import { ADMIN, startApi } from './harness.ts';

/** Routes that OpenIM does not have. */
const OWN_ROUTES: readonly string[] = [
  'POST /third/set_push_token',
  'POST /third/del_push_token',
  'POST /third/set_quiet_hours',
  'POST /third/get_quiet_hours',
  'POST /verification/send_code',
  'POST /verification/verify_code',
];

test('every route of OpenIM exists, and no other that is not named here', () => {
  const openim = readFileSync(new URL('testdata/openim-routes.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const wanted = [...openim, ...OWN_ROUTES];
  const mine = [
    ...ROUTES.map(({ path }) => `POST ${path}`),
    ...FIXED_ROUTES.map(({ path }) => `GET ${path}`),
    'GET /object/*name',
  ];
  assert.deepEqual(mine.sort(), wanted.sort());
});

test('online status comes as a list in the order asked', async () => {
  await using api = await startApi();
  api.stub('user.getUsersOnlineStatus', () =>
    make('user.GetUsersOnlineStatusResp', {
      results: [
        make('user.UserOnlineStatusDetail', {
          userID: 'u1',
          status: 1,
          detailPlatformStatus: [make('user.PlatformOnlineDetail', { platformID: 5, connID: 'c' })],
        }),
        make('user.UserOnlineStatusDetail', { userID: 'u2' }),
      ],
    }),
  );
  const { text } = await api.post('/user/get_users_online_status', { userIDs: ['u1', 'u2'] }, ADMIN);
  assert.equal(
    text,
    '{"errCode":0,"errMsg":"","errDlt":"","data":[{"userID":"u1","status":1,"detailPlatformStatus":[{"platformID":5,"connID":"c","isBackground":false,"token":""}]},{"userID":"u2","status":0,"detailPlatformStatus":null}]}',
  );
});

test('token details of unknown users are null, for any caller', async () => {
  await using api = await startApi();
  for (const options of [{}, ADMIN]) {
    const { text } = await api.post('/user/get_users_online_token_detail', { userIDs: ['u1'] }, options);
    assert.equal(text, '{"errCode":0,"errMsg":"","errDlt":"","data":null}');
  }
});

test('bad input of the BindJSON routes is status 400, with the usual envelope', async () => {
  await using api = await startApi();
  const paths = ROUTES.filter(({ badInput }) => badInput === 400).map(({ path }) => path);
  assert.deepEqual(paths.sort(), [
    '/config/get_config',
    '/config/set_config',
    '/config/set_enable_config_manager',
    '/msg/batch_send_msg',
    '/msg/send_business_notification',
    '/msg/send_msg',
    '/msg/send_simple_msg',
    '/user/get_users_online_status',
    '/user/get_users_online_token_detail',
  ]);
  for (const path of paths) {
    const { status, json } = await api.post(path, '{', ADMIN);
    assert.deepEqual([status, json.errCode, json.errMsg], [400, 1001, 'ArgsError'], path);
  }
});

test('the jssdk routes take protobuf and answer it in base64; the owner is the bearer', async () => {
  await using api = await startApi();
  api.stub('conversation.getActiveConversations', () =>
    make('jssdk.GetActiveConversationsResp', { unreadCount: 3 }),
  );
  const request = make('jssdk.GetActiveConversationsReq', { ownerUserID: 'somebody', count: 20 });
  const body = Buffer.from(encode('jssdk.GetActiveConversationsReq', request));
  for (const type of ['application/x-protobuf', 'application/protobuf']) {
    const { json } = await api.post('/jssdk/get_active_conversations', body, {
      headers: { 'content-type': type },
    });
    const answer: jssdk.GetActiveConversationsResp = decode(
      'jssdk.GetActiveConversationsResp',
      Buffer.from(String(json.data), 'base64'),
    );
    assert.equal(answer.unreadCount, 3);
    assert.deepEqual(
      [api.calls.at(-1)?.request.ownerUserID, Number(api.calls.at(-1)?.request.count)],
      ['u1', 20],
    );
  }
  const text = await api.post('/jssdk/get_active_conversations', { count: 5 });
  assert.deepEqual(text.json.data, { unreadCount: 3, conversations: null });
});

test('an empty protobuf answer is an empty text; other types and broken bytes are refused', async () => {
  await using api = await startApi();
  const pb = { headers: { 'content-type': 'application/x-protobuf' } };
  assert.equal((await api.post('/jssdk/get_conversations', Buffer.alloc(0), pb)).json.data, '');
  assert.equal(
    (await api.post('/jssdk/get_conversations', Buffer.from([0x0a, 0xff]), pb)).json.errCode,
    1001,
  );
  const plain = { headers: { 'content-type': 'text/plain' } };
  assert.equal((await api.post('/jssdk/get_conversations', {}, plain)).json.errCode, 1001);
});

test('object URLs begin where the client reached us', async () => {
  await using api = await startApi();
  const body = { hash: 'h', size: 1, name: 'u1/a', urlPrefix: 'http://evil/' };
  const ask = async (url: string, headers: Record<string, string>) => {
    await api.post(url, body, { headers });
    const { request } = api.calls.at(-1) ?? assert.fail('nothing was called');
    return (request as unknown as third.InitiateMultipartUploadReq).urlPrefix;
  };
  const path = '/object/initiate_multipart_upload';
  assert.equal(await ask(path, { host: 'im.example.com:10002' }), 'http://im.example.com:10002/object/');
  assert.equal(await ask(`/t/t2${path}`, { host: 'im.example.com' }), 'http://im.example.com/t/t2/object/');
  assert.equal(await ask(path, { host: 'h', 'x-forwarded-proto': 'https' }), 'https://h/object/');
  assert.equal(
    await ask(path, { host: 'h', 'x-request-api': 'https://cdn.example.com/api' }),
    'https://cdn.example.com/api/object/',
  );
  assert.equal(
    await ask(path, { host: 'h', 'x-request-api': 'https://cdn.example.com/' }),
    'https://cdn.example.com/object/',
  );
});

test('an object is redirected to, without a token', async () => {
  await using api = await startApi();
  api.stub('third.accessURL', (ctx, { name, query }: third.AccessURLReq) => {
    if (name === 'u1/none') throw new ImError(ERR.RecordNotFoundError, 'no such object');
    if (query.type === 'audio') throw new ImError(ERR.ArgsError, 'type must be image');
    if (name === 'u1/broken') throw new Error('boom');
    return make('third.AccessURLResp', { url: `http://s3/${ctx.tenant}/${name}?w=${query.width ?? ''}` });
  });
  const get = (url: string) => api.app.inject({ method: 'GET', url });
  const found = await get('/object/u1/a%20b.png?type=image&width=10');
  assert.deepEqual([found.statusCode, found.headers.location], [302, 'http://s3/default/u1/a b.png?w=10']);
  assert.equal((await get('/t/t2/object/u1/a')).headers.location, 'http://s3/t2/u1/a?w=');
  const none = await get('/object/u1/none');
  assert.deepEqual([none.statusCode, none.body], [404, 'no such object']);
  assert.match(String(none.headers['content-type']), /^text\/plain/);
  assert.equal((await get('/object/u1/a?type=audio')).statusCode, 400);
  assert.equal((await get('/object/u1/broken')).statusCode, 500);
});

test('discovery lists are empty and need no token', async () => {
  await using api = await startApi();
  const { statusCode, body } = await api.app.inject({
    method: 'GET',
    url: '/prometheus_discovery/msg_gateway',
  });
  assert.deepEqual([statusCode, body], [200, '[]']);
});

test('configuration is honest about what it cannot do', async () => {
  await using api = await startApi();
  const post = async (path: string, body: object) => (await api.post(path, body, ADMIN)).json;
  assert.deepEqual((await post('/config/get_config_list', {})).data, {
    environment: '',
    version: '0.1.0',
    configNames: null,
  });
  assert.equal((await post('/config/get_config', { configName: 'share.yml' })).errCode, 1001);
  const set = await post('/config/set_config', { configName: 'share.yml', data: '{}' });
  assert.deepEqual([set.errCode, set.errDlt], [500, 'only etcd support set config']);
  assert.equal((await post('/config/reset_config', {})).errCode, 500);
  assert.equal((await post('/config/set_enable_config_manager', { enable: true })).errCode, 500);
  assert.deepEqual((await post('/config/get_enable_config_manager', {})).data, { enable: false });
  assert.equal((await post('/restart', {})).errCode, 500);
  assert.equal((await api.post('/restart', {})).json.errCode, 1002);
});

test('metrics targets and the dashboard are those of the settings', async () => {
  const paths = [
    '/prometheus_discovery/api',
    '/prometheus_discovery/user',
    '/prometheus_discovery/group',
    '/prometheus_discovery/msg',
    '/prometheus_discovery/friend',
    '/prometheus_discovery/conversation',
    '/prometheus_discovery/third',
    '/prometheus_discovery/auth',
    '/prometheus_discovery/push',
  ];
  const config = {
    api: {
      grafanaURL: 'https://grafana.example.org/d/im',
      metricsTargets: { msg_transfer: ['10.0.0.1:10190'] },
    },
  };
  await using set = await startApi({ config });
  await using unset = await startApi();
  const get = (api: typeof set, url: string) => api.app.inject({ method: 'GET', url });
  assert.deepEqual((await get(set, '/prometheus_discovery/msg_transfer')).json(), [
    { targets: ['10.0.0.1:10190'], labels: { namespace: 'default' } },
  ]);
  for (const path of paths) {
    const answer = await get(set, path);
    assert.deepEqual([answer.statusCode, answer.json()], [200, []]);
  }
  const dashboard = await get(set, '/third/prometheus');
  assert.deepEqual([dashboard.statusCode, dashboard.headers.location], [302, config.api.grafanaURL]);
  const none = await get(unset, '/third/prometheus');
  assert.deepEqual([none.statusCode, none.body], [404, 'no dashboard is configured: set api.grafanaURL']);
});

test('processes are listed where the settings say so, each under one name', async () => {
  const processes = [
    { instance: 'a', services: ['api'], ops: '10.0.0.1:9' },
    { instance: 'b', services: ['auth', 'user', 'relation'], ops: '10.0.0.2:9' },
    { instance: 'c', services: ['gateway'], ops: '10.0.0.3:9' },
    { instance: 'd', services: ['relation'], ops: '[fd00::4]:9' },
    { instance: 'e', services: ['cron'], ops: '10.0.0.5:9' },
    { instance: 'f', services: ['transfer', 'push'], ops: '10.0.0.6:9' },
  ];
  const metricsTargets = { msg_gateway: ['10.0.0.3:9', 'static:9'] };
  await using api = await startApi({
    config: { api: { discoverProcesses: true, metricsTargets } },
    processes,
  });
  await using hidden = await startApi({ processes });
  const targets = async ({ app }: typeof api, name: string) => {
    const answer = await app.inject({ method: 'GET', url: `/prometheus_discovery/${name}` });
    return (answer.json() as { targets: string[] }[]).flatMap((group) => group.targets);
  };
  const names = ['api', 'user', 'auth', 'friend', 'msg', 'msg_gateway', 'msg_transfer', 'push'];
  const found = await Promise.all(names.map(async (name) => [name, await targets(api, name)] as const));
  assert.deepEqual(Object.fromEntries(found), {
    api: ['10.0.0.1:9'],
    user: ['10.0.0.2:9'],
    auth: [],
    friend: ['[fd00::4]:9'],
    msg: [],
    msg_gateway: ['10.0.0.3:9', 'static:9'],
    msg_transfer: [],
    push: ['10.0.0.6:9'],
  });
  for (const name of names) assert.deepEqual(await targets(hidden, name), [], 'addresses are internal');
});
