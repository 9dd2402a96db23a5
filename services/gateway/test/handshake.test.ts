import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { notReady, READY } from '@im/process';
import { ImError, make, REQ } from '@im/protocol';
import { Client, type ClientOptions, dialRaw, dialUrl, GOB, JSON_GZIP, until } from './client.ts';
import { startGateway } from './start-gateway.ts';

const getMaxSeq = (client: Client) =>
  client.request(
    REQ.GetNewestSeq,
    'sdkws.GetMaxSeqReq',
    make('sdkws.GetMaxSeqReq', { userID: client.userID }),
  );

test('a Go client is upgraded without a word, on any path', async () => {
  await using gateway = await startGateway();
  for (const path of ['', '/', '/msg_gateway', '/a/b?c=d&x=y'.split('?')[0] as string]) {
    using client = await Client.connect(gateway.port, { path });
    assert.equal((await getMaxSeq(client)).errCode, 0);
    assert.deepEqual(client.texts, []);
    assert.equal(client.socket.protocol, '');
    assert.equal(client.socket.extensions, '');
  }
});

test('a client with isMsgResp gets exactly the success text first', async () => {
  await using gateway = await startGateway();
  for (const framing of [GOB, JSON_GZIP]) {
    using client = await Client.connect(gateway.port, {
      framing,
      platformID: 5,
      query: { isMsgResp: 'true' },
    });
    assert.equal((await getMaxSeq(client)).errCode, 0);
    assert.deepEqual(client.texts, ['{"errCode":0,"errMsg":"","errDlt":""}']);
  }
});

test('refusals the HTTP way are status 200 and JSON', async () => {
  await using gateway = await startGateway();
  const kicked = await dialRaw(gateway.port, { query: { token: '1506.2.1' } });
  assert.equal(kicked.status, 200);
  assert.match(kicked.headers, /Content-Type: application\/json; charset=utf-8/);
  assert.deepEqual(Object.keys(kicked.body), ['errCode', 'errMsg', 'errDlt']);
  assert.equal(kicked.body.errCode, 1506);
  assert.equal(kicked.body.errMsg, 'TokenKickedError');
  // SDKs dial again after codes that they do not know.
  const banned = await dialRaw(gateway.port, { query: { token: '1508.2.1' } });
  assert.equal(banned.body.errCode, 1506);

  const args: [ClientOptions['query'], RegExp][] = [
    [{ token: undefined }, /token/],
    [{ sendID: '' }, /sendID/],
    [{ platformID: undefined }, /platformID/],
    [{ platformID: '12' }, /platformID/],
    [{ platformID: 'x' }, /platformID/],
    [{ sdkType: 'rust' }, /sdkType/],
    [{ isMsgResp: 'yes' }, /isMsgResp/],
    [{ token: undefined, isMsgResp: 'true' }, /token/],
    [{ v: '!!' }, /v is/],
  ];
  for (const [query, detail] of args) {
    const { status, body } = await dialRaw(gateway.port, { query });
    assert.equal(status, 200);
    assert.equal(body.errCode, 1602);
    assert.equal(body.errMsg, 'args err, need token, sendID, platformID');
    assert.match(String(body.errDlt), detail);
  }
  assert.equal(await gateway.metric('openim_gateway_handshakes_total', { code: '1602' }), args.length);
});

test('a token of another user or platform is 1502', async () => {
  await using gateway = await startGateway();
  for (const query of [{ sendID: 'u2' }, { platformID: '3' }]) {
    assert.equal((await dialRaw(gateway.port, { query })).body.errCode, 1502);
  }
});

test('refusals of an upgraded client are one text frame and a TCP close', async () => {
  await using gateway = await startGateway();
  const client = await Client.connect(gateway.port, { query: { token: '1501.2.1', isMsgResp: 'true' } });
  assert.equal(await client.closed, 1006);
  assert.equal(client.texts.length, 1);
  assert.deepEqual(JSON.parse(client.texts[0] ?? ''), {
    errCode: 1501,
    errMsg: 'TokenExpiredError',
    errDlt: '',
  });
});

test('the packed form v stands for all other parameters', async () => {
  await using gateway = await startGateway();
  const packed = (fields: object) => ({
    v: Buffer.from(JSON.stringify(fields)).toString('base64url'),
    token: undefined,
    sendID: undefined,
    platformID: undefined,
  });
  const fields = { token: 'u1.2.1', userID: 'u1', platformID: 2, operationID: 'o', background: false };
  using plain = await Client.connect(gateway.port, { query: packed(fields) });
  assert.equal((await getMaxSeq(plain)).errCode, 0);
  const js = { ...fields, sdkType: 'js', compression: 'gzip', sendResponse: true };
  using client = await Client.connect(gateway.port, { framing: JSON_GZIP, query: packed(js) });
  assert.equal((await getMaxSeq(client)).errCode, 0);
  assert.equal(client.texts.length, 1);
});

test('compression may come as a header, and isBackground as anything', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port, {
    framing: { encoding: 'gob', gzip: true },
    query: { compression: undefined, isBackground: 'whatever', operationID: undefined },
    headers: { compression: 'gzip' },
  });
  assert.equal((await getMaxSeq(client)).errCode, 0);
});

test('ids may be percent-encoded or raw, as far as HTTP allows it', async () => {
  await using gateway = await startGateway();
  for (const userID of ['u%E6%BC%A2', 'a:b@c,d~e!f', 'a%2Bb']) {
    assert.equal((await dialRaw(gateway.port, { userID })).status, 101, userID);
  }
  assert.deepEqual(
    gateway.rpc.of('auth.parseToken').map(({ request }: { request: { token: string } }) => request.token),
    ['u漢.2.1', 'a:b@c,d~e!f.2.1', 'a+b.2.1'],
  );
});

test('tenants are reached by path or by host name', async () => {
  await using gateway = await startGateway();
  const tenantOfLast = () => gateway.rpc.of('auth.parseToken').at(-1)?.ctx.tenant;
  for (const [options, tenant] of [
    [{}, 'default'],
    [{ path: '/t/t2' }, 't2'],
    [{ path: '/t/t2/' }, 't2'],
    [{ path: '/t/t2/msg_gateway' }, 't2'],
    [{ host: 'T2.example.test:10001' }, 't2'],
    [{ path: '/t/default', host: 't2.example.test' }, 'default'],
    [{ host: 'elsewhere.example.test' }, 'default'],
  ] as const) {
    assert.equal((await dialRaw(gateway.port, options)).status, 101);
    assert.equal(tenantOfLast(), tenant);
  }
  assert.equal((await dialRaw(gateway.port, { path: '/t/nobody' })).body.errCode, 1602);
  assert.equal((await dialRaw(gateway.port, { path: '/t/No_Name' })).body.errCode, 1602);
});

test('a suspended tenant loses its connections and is refused with a code that clients try again', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port, { path: '/t/t2' });
  using other = await Client.connect(gateway.port);
  const settings = gateway.tenants.list().find(({ id }) => id === 't2');
  assert.ok(settings);
  gateway.tenants.put({ ...settings, suspended: true });
  assert.equal(await client.closed, 1006);
  assert.equal((await dialRaw(gateway.port, { path: '/t/t2' })).body.errCode, 90004);
  assert.equal((await getMaxSeq(other)).errCode, 0);
});

test('a tenant with invalid settings is refused by path and host with a code that clients try again', async () => {
  await using gateway = await startGateway();
  const others = gateway.tenants.list().filter(({ id }) => id !== 't2');
  gateway.tenants.replaceAll(others, [{ id: tenantId('t2'), hosts: ['t2.example.test'] }]);
  for (const options of [{ path: '/t/t2' }, { host: 'T2.example.test:10001' }]) {
    assert.equal((await dialRaw(gateway.port, options)).body.errCode, 90004);
  }
  assert.deepEqual(gateway.rpc.of('auth.parseToken'), [], 'no token was judged by another tenant');
  assert.equal((await dialRaw(gateway.port)).status, 101);
});

test('a full gateway answers 1601 before it looks at anything', async () => {
  await using gateway = await startGateway({ maxConnections: 1 });
  using _client = await Client.connect(gateway.port);
  const { status, body } = await dialRaw(gateway.port, { query: { token: undefined, isMsgResp: 'true' } });
  assert.equal(status, 200);
  assert.equal(body.errCode, 1601);
  assert.equal(gateway.rpc.of('auth.parseToken').length, 1);
});

test('the token bucket refuses before a backend is asked', async () => {
  await using gateway = await startGateway({ handshakes: { ratePerSecond: 0.001, burst: 3 } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => dialRaw(gateway.port)));
  const refused = answers.filter(({ status }) => status === 200);
  assert.equal(refused.length, 17);
  assert.ok(refused.every(({ body }) => body.errCode === 1601));
  assert.equal(gateway.rpc.of('auth.parseToken').length, 3);
});

test('a login that connects in a loop does not use up what the gateway admits of all', async () => {
  await using gateway = await startGateway({
    handshakes: { ratePerSecond: 0.001, burst: 10, perLogin: { ratePerSecond: 0.001, burst: 3 } },
  });
  const codes: unknown[] = [];
  for (let i = 0; i < 20; i++) codes.push((await dialRaw(gateway.port)).body.errCode);
  assert.equal(codes.filter((code) => code === 1601).length, 17, codes.join());
  using _innocent = await Client.connect(gateway.port, { userID: 'u2' });
});

test("a tenant's quotas refuse with 1601", async () => {
  await using gateway = await startGateway();
  const settings = gateway.tenants.list().find(({ id }) => id === 't2');
  assert.ok(settings);
  gateway.tenants.put({ ...settings, quotas: { ...settings.quotas, connections: 1 } });
  using _client = await Client.connect(gateway.port, { path: '/t/t2' });
  assert.equal((await dialRaw(gateway.port, { path: '/t/t2' })).body.errCode, 1601);
  assert.equal((await dialRaw(gateway.port)).status, 101);
});

test('when auth is unavailable the code is never one that logs a client out', async () => {
  await using gateway = await startGateway();
  for (const error of [new ImError(90004, 'no answer'), new ImError(90002), new Error('boom')]) {
    gateway.rpc.answers.set('auth.parseToken', () => {
      throw error;
    });
    const code = Number((await dialRaw(gateway.port)).body.errCode);
    assert.ok(code < 1501 || code > 1507, String(code));
  }
});

test('what is no handshake gets 400, and a client that leaves early affects no other', async () => {
  await using gateway = await startGateway();
  const response = await fetch(`http://127.0.0.1:${gateway.port}/`);
  assert.equal(response.status, 400);
  const parse = Promise.withResolvers<void>();
  const answer = gateway.rpc.answers.get('auth.parseToken');
  gateway.rpc.answers.set('auth.parseToken', async (ctx, request) => {
    await parse.promise;
    return answer?.(ctx, request) ?? {};
  });
  const socket = connect(gateway.port, '127.0.0.1');
  const { pathname, search } = new URL(dialUrl(gateway.port));
  socket.write(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await until(() => gateway.rpc.of('auth.parseToken').length === 1);
  socket.resetAndDestroy();
  parse.resolve();
  using client = await Client.connect(gateway.port);
  assert.equal((await getMaxSeq(client)).errCode, 0);
  await until(async () => (await gateway.metric('openim_gateway_connections')) === 1);
});

test('an address whose tokens fail too often is refused for now, with a code that clients try again', async () => {
  await using gateway = await startGateway();
  const next = structuredClone(gateway.live.current);
  next.attempts.tokens = { ratePerSecond: 0.001, burst: 3 };
  gateway.live.apply(next);
  const dial = async (token: string) => (await dialRaw(gateway.port, { query: { token } })).body;
  for (let i = 1; i <= 3; i++) assert.equal((await dial(`1506.${i}.1`)).errCode, 1506);
  const refused = await dial('1506.4.1');
  assert.equal(refused.errCode, 1601);
  assert.match(String(refused.errDlt), /attempts\.tokens/);
  assert.equal(await gateway.metric('openim_attempts_refused_total', { kind: 'handshake' }), 1);
});

test('while the bus or the rpc processes are away, newcomers are asked to try again, and others stay', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  const refused = async () => (await dialRaw(gateway.port, { userID: 'late' })).body;
  gateway.setBus(notReady('no NATS server answers'));
  const { errCode, errDlt } = await refused();
  assert.equal(errCode, 1601);
  assert.match(String(errDlt), /no NATS server answers/);
  gateway.setBus(READY);
  gateway.rpc.ready = () => notReady('no process answers at rpc');
  assert.equal((await refused()).errCode, 1601);
  assert.equal(gateway.rpc.of('auth.parseToken').length, 1, 'no backend was asked');
  assert.equal(gateway.service.ready().ready, true);
  gateway.rpc.ready = () => READY;
  await Client.connect(gateway.port, { userID: 'late' });
  assert.equal((await getMaxSeq(client)).errCode, 0);
});

test('one tenant that uses up the rate leaves another its share; refusals are counted by reason', async () => {
  await using gateway = await startGateway({ handshakes: { ratePerSecond: 4, burst: 4 } });
  const dial = (userID: string, host?: string) => dialRaw(gateway.port, { userID, host });
  const storm = await Promise.all(Array.from({ length: 20 }, (_, i) => dial(`storm${i}`)));
  const refused = storm.filter(({ body }) => body.errCode === 1601);
  assert.ok(refused.length >= 14 && refused.length <= 16, `${refused.length} of 20`);
  for (const { headers } of refused) assert.match(headers, /\r\nRetry-After: [1-5]\r\n/);
  using _calm = await Client.connect(gateway.port, { userID: 'calm', host: 't2.example.test' });
  assert.equal((await dial('late')).body.errCode, 1601);
  const counted = await gateway.metric('openim_gateway_refused_total', { reason: 'rate' });
  assert.equal(counted, refused.length + 1);
  assert.equal(gateway.status.refusedPerSecond, counted / 10);
});
