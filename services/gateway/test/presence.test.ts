import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tokenHash } from '@im/kit';
import {
  decode,
  ERR,
  encode,
  ImError,
  make,
  REQ,
  type ResponseEnvelope,
  type sdkws,
  type user,
} from '@im/protocol';
import { Client, JSON_GZIP, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

const reports = (gateway: TestGateway): user.ReportPresenceReq[] =>
  gateway.rpc.of('user.reportPresence').map(({ request }) => request);
const latest = (gateway: TestGateway, userID: string): user.PresenceItem | undefined =>
  reports(gateway)
    .flatMap(({ items }) => items)
    .findLast((item) => item.userID === userID);

const watch = (client: Client, subscribe: string[], unsubscribe: string[] = []) =>
  client.request(
    REQ.SubUserOnlineStatus,
    'sdkws.SubUserOnlineStatus',
    make('sdkws.SubUserOnlineStatus', { subscribeUserID: subscribe, unsubscribeUserID: unsubscribe }),
  );

const tips = (frame: ResponseEnvelope): [string, number[]][] =>
  decode('sdkws.SubUserOnlineStatusTips', frame.data ?? Buffer.alloc(0)).subscribers.map(
    ({ userID, onlinePlatformIDs }: sdkws.SubUserOnlineStatusElem) => [userID, onlinePlatformIDs],
  );

test('connections are reported as they come, change and go', async () => {
  await using gateway = await startGateway();
  const a = await Client.connect(gateway.port, { platformID: 1 });
  using b = await Client.connect(gateway.port, { platformID: 5 });
  await until(() => latest(gateway, 'u1')?.platformIDs.length === 2);
  const item = latest(gateway, 'u1');
  assert.deepEqual(item?.platformIDs, [1, 5]);
  assert.deepEqual(
    item?.connections.map(({ platformID, isBackground, token }) => [platformID, isBackground, token]),
    [
      [1, false, tokenHash('u1.1.1')],
      [5, false, tokenHash('u1.5.1')],
    ],
  );
  await a.request(
    REQ.SetBackground,
    'sdkws.SetAppBackgroundStatusReq',
    make('sdkws.SetAppBackgroundStatusReq', { userID: 'u1', isBackground: true }),
  );
  await until(() => latest(gateway, 'u1')?.connections[0]?.isBackground === true);
  a.socket.close();
  await until(() => latest(gateway, 'u1')?.platformIDs.length === 1);
  b.socket.close();
  await until(() => latest(gateway, 'u1')?.platformIDs.length === 0);
  assert.ok(reports(gateway).every(({ gatewayID }) => gatewayID === 'gw-test'));
});

test('a heartbeat that is not taken is sent again soon, and is no failure of a task', async () => {
  await using gateway = await startGateway({ presence: { heartbeatMs: 1_000 } });
  let refusals = 2;
  const beats = () => gateway.rpc.of('user.gatewayHeartbeat').length;
  gateway.rpc.answers.set('user.gatewayHeartbeat', async () => {
    if (refusals-- > 0) throw new ImError(ERR.NetworkError, 'presence is not known now');
    return make('user.GatewayHeartbeatResp');
  });
  const before = beats();
  await until(() => beats() >= before + 3);
  assert.equal(await gateway.metric('openim_background_failures_total'), 0);
});

test('what changes in one tick is one report; a failing one is sent again', async () => {
  await using gateway = await startGateway();
  let failures = 1;
  const gate = Promise.withResolvers<void>();
  gateway.rpc.answers.set('user.reportPresence', async () => {
    await gate.promise;
    if (failures-- > 0) throw new Error('down');
    return make('user.ReportPresenceResp');
  });
  const clients = await Promise.all(
    Array.from({ length: 30 }, (_, i) => Client.connect(gateway.port, { userID: `u${i}` })),
  );
  await until(async () => (await gateway.metric('openim_gateway_connections')) === 30);
  gate.resolve();
  await until(
    () =>
      new Set(
        reports(gateway)
          .slice(1)
          .flatMap((r) => r.items.map((i) => i.userID)),
      ).size === 30,
  );
  assert.ok(reports(gateway).length < 30);
  for (const client of clients) client[Symbol.dispose]();
});

test('a heartbeat reports that the gateway lives, and all users when asked', async () => {
  await using gateway = await startGateway({ presence: { heartbeatMs: 50 } });
  using _a = await Client.connect(gateway.port);
  using _b = await Client.connect(gateway.port, { userID: 'u2', path: '/t/t2' });
  const lastBeat = () =>
    gateway.rpc.of('user.gatewayHeartbeat').at(-1)?.request as user.GatewayHeartbeatReq | undefined;
  await until(() => lastBeat()?.connections === 2);
  const beat = lastBeat();
  assert.deepEqual(
    { ...beat },
    {
      ...{ gatewayID: 'gw-test', connections: 2, tenantConnections: {}, tenantsAtLimit: [] },
      counts: [
        { tenant: 'default', users: 1, platforms: { 2: 1 }, sends: 0, refusals: 0, pushes: 0, logins: 1 },
        { tenant: 't2', users: 1, platforms: { 2: 1 }, sends: 0, refusals: 0, pushes: 0, logins: 1 },
      ],
    },
  );
  assert.ok(reports(gateway).every(({ full }) => !full));
  gateway.rpc.answers.set('user.gatewayHeartbeat', () =>
    make('user.GatewayHeartbeatResp', { reportAll: true }),
  );
  await until(() => reports(gateway).some(({ full }) => full));
  const full = reports(gateway).find((report) => report.full);
  assert.deepEqual(full?.items.map(({ tenant, userID }) => `${tenant} ${userID}`).sort(), [
    'default u1',
    't2 u2',
  ]);
  assert.ok(full?.lastPart);
  assert.notEqual(full?.fullID, '');
});

test('2005 answers with current platforms and pushes changes until it is taken back', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('user.getOnlinePlatforms', (_ctx, { userIDs }: user.GetOnlinePlatformsReq) =>
    make('user.GetOnlinePlatformsResp', {
      users: userIDs.map((userID) =>
        make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: userID === 'a' ? [1, 5] : [] }),
      ),
    }),
  );
  using client = await Client.connect(gateway.port);
  using other = await Client.connect(gateway.port, { userID: 'u2', framing: JSON_GZIP });
  assert.deepEqual(tips(await watch(client, ['a', 'b'])), [
    ['a', [1, 5]],
    ['b', []],
  ]);
  assert.deepEqual(tips(await watch(other, ['a'])), [['a', [1, 5]]]);
  gateway.events.presence({ userID: 'a', platformIDs: [5], version: 2 });
  gateway.events.presence({ userID: 'a', platformIDs: [1, 5], version: 1 });
  for (const watcher of [client, other]) {
    const frame = await watcher.next(() => true);
    assert.deepEqual([frame.reqIdentifier, frame.msgIncr, frame.operationID], [2005, '', '']);
    assert.deepEqual(tips(frame), [['a', [5]]]);
  }
  assert.deepEqual(tips(await watch(client, ['b'], ['a'])), [['b', []]]);
  gateway.events.presence({ userID: 'a', platformIDs: [], version: 3 });
  assert.deepEqual(tips(await other.next(() => true)), [['a', []]]);
  await sleep(20);
  assert.equal(client.left.length, 0);
  assert.equal(await gateway.metric('openim_gateway_watched_users'), 2);
  other.socket.close();
  client.socket.close();
  await until(async () => (await gateway.metric('openim_gateway_watched_users')) === 0);
  // A user who comes back finds what is still subscribed, without a read of the store.
  gateway.rpc.answers.delete('user.getOnlinePlatforms');
  using again = await Client.connect(gateway.port);
  assert.deepEqual(tips(await watch(again, ['b', 'a'])), [
    ['b', []],
    ['a', []],
  ]);
});

test('changes missed in an outage are reported afterwards', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  await watch(client, ['a', 'b']);
  gateway.rpc.answers.set('user.getOnlinePlatforms', (_ctx, { userIDs }: user.GetOnlinePlatformsReq) =>
    make('user.GetOnlinePlatformsResp', {
      users: userIDs.map((userID) =>
        make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: userID === 'b' ? [2] : [] }),
      ),
    }),
  );
  gateway.events.missed();
  assert.deepEqual(tips(await client.next(() => true)), [['b', [2]]]);
});

test('2005 for more users than an answer holds reports the rest by pushes', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('user.getOnlinePlatforms', (_ctx, { userIDs }: { userIDs: string[] }) =>
    make('user.GetOnlinePlatformsResp', {
      users: userIDs.map((userID) =>
        make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: [1, 5] }),
      ),
    }),
  );
  const ids = Array.from({ length: 3_000 }, (_, i) => `u${i}-`.padEnd(248, 'x'));
  using client = await Client.connect(gateway.port, { framing: JSON_GZIP });
  const answer = await watch(client, ids);
  assert.equal(answer.errCode, 0);
  const first = tips(answer);
  assert.ok(first.length > 1_000 && first.length < ids.length, String(first.length));
  const pushed = () => client.left.filter((f) => f.reqIdentifier === REQ.SubUserOnlineStatus).flatMap(tips);
  await until(() => pushed().length + first.length >= ids.length);
  assert.deepEqual(
    [...first, ...pushed()].map(([userID, platforms]) => `${userID} ${platforms}`),
    ids.map((id) => `${id} 1,5`),
  );
});

test('a connection may watch a bounded number of users', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port, { framing: JSON_GZIP });
  const userIDs = Array.from({ length: 5_001 }, (_, i) => `user${i}`);
  const answer = await watch(client, userIDs);
  assert.equal(answer.errCode, 1001);
  assert.equal((await watch(client, userIDs.slice(1))).errCode, 0);
});

test('a user begins a bounded number of subscriptions, over all connections', async () => {
  await using gateway = await startGateway();
  const codes: number[] = [];
  for (let n = 0; n < 3; n++) {
    using client = await Client.connect(gateway.port, { framing: JSON_GZIP });
    const others = Array.from({ length: 5_000 }, (_, i) => `n${n}user${i}`);
    codes.push((await watch(client, others)).errCode);
    client.socket.close();
    await client.closed;
  }
  assert.deepEqual(codes, [0, 0, 429]);
  // What was subscribed lately costs nothing again.
  using client = await Client.connect(gateway.port, { framing: JSON_GZIP });
  assert.equal((await watch(client, ['n1user4999', 'n1user4998'])).errCode, 0);
});

test('a connection that closes before its subscriptions begin leaves none behind', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  gateway.feed.barrierAnswer = () => gate.promise;
  const many = Array.from({ length: 1_000 }, (_, i) => `w${i}`);
  for (let i = 0; i < 3; i++) {
    using client = await Client.connect(gateway.port, { userID: `u${i}` });
    client.send(
      REQ.SubUserOnlineStatus,
      encode('sdkws.SubUserOnlineStatus', make('sdkws.SubUserOnlineStatus', { subscribeUserID: many })),
    );
    await until(
      async () => (await gateway.metric('openim_gateway_frames_total', { kind: 'request' })) === i + 1,
    );
    client.socket.terminate();
    await client.closed;
    await until(async () => (await gateway.metric('openim_gateway_connections')) === 0);
  }
  gate.resolve();
  await sleep(50);
  assert.ok(gateway.events.subscriptions <= many.length);
  assert.equal(await gateway.metric('openim_gateway_watched_users'), 0);
});

test('a connection that closes at once begins only part of its subscriptions', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port, { framing: JSON_GZIP });
  const many = Array.from({ length: 5_000 }, (_, i) => `w${i}`);
  const change = make('sdkws.SubUserOnlineStatus', { subscribeUserID: many });
  client.send(REQ.SubUserOnlineStatus, encode('sdkws.SubUserOnlineStatus', change));
  client.socket.terminate();
  await client.closed;
  await until(async () => (await gateway.metric('openim_gateway_connections')) === 0);
  await sleep(50);
  assert.ok(gateway.events.subscriptions < many.length, `${gateway.events.subscriptions} subscriptions`);
  assert.equal(await gateway.metric('openim_gateway_watched_users'), 0);
});

test('what changes between the answer of the store and that to the client is not undone by it', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  gateway.rpc.answers.set('user.getOnlinePlatforms', async (_ctx, { userIDs }: { userIDs: string[] }) => {
    const users = userIDs.map((userID) =>
      make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: [1] }),
    );
    asked.resolve();
    await gate.promise;
    return make('user.GetOnlinePlatformsResp', { users });
  });
  const answer = watch(client, ['w', 'x']);
  await asked.promise;
  gateway.events.presence({ userID: 'w', platformIDs: [], version: 5 });
  gate.resolve();
  assert.deepEqual(tips(await answer), [
    ['w', []],
    ['x', [1]],
  ]);
  // The same where changes were missed and everybody is read again.
  const again = Promise.withResolvers<void>();
  const read = Promise.withResolvers<void>();
  gateway.rpc.answers.set('user.getOnlinePlatforms', async (_ctx, { userIDs }: { userIDs: string[] }) => {
    const users = userIDs.map((userID) =>
      make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: [1] }),
    );
    read.resolve();
    await again.promise;
    return make('user.GetOnlinePlatformsResp', { users });
  });
  gateway.events.missed();
  await read.promise;
  gateway.events.presence({ userID: 'w', platformIDs: [2], version: 6 });
  const pushed = await client.next(
    (frame) =>
      frame.reqIdentifier === REQ.SubUserOnlineStatus &&
      frame.msgIncr === '' &&
      tips(frame)[0]?.[1].join() === '2',
  );
  assert.deepEqual(tips(pushed), [['w', [2]]]);
  again.resolve();
  await sleep(50);
  const older = client.left.filter(
    (frame) => frame.reqIdentifier === REQ.SubUserOnlineStatus && tips(frame)[0]?.[1].join() === '1',
  );
  assert.deepEqual(older, [], 'no older state afterwards');
});

test('the first heartbeat is sent at the start, before any user connects', async () => {
  await using gateway = await startGateway({ presence: { heartbeatMs: 60_000 } });
  await until(() => gateway.rpc.of('user.gatewayHeartbeat').length === 1);
});

test('a user that cannot be reported holds up no others', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('user.reportPresence', (_ctx, { items }: user.ReportPresenceReq) => {
    if (items.some(({ userID }) => userID === 'bad')) throw new ImError(1001, 'bad');
    return make('user.ReportPresenceResp');
  });
  const clients = await Promise.all(
    ['bad', ...Array.from({ length: 30 }, (_, i) => `u${i}`)].map((userID) =>
      Client.connect(gateway.port, { userID }),
    ),
  );
  const reported = () =>
    new Set(
      reports(gateway)
        .map(({ items }) => items.map(({ userID }) => userID))
        .filter((userIDs) => !userIDs.includes('bad'))
        .flat(),
    );
  await until(() => reported().size === 30);
  for (const client of clients) client[Symbol.dispose]();
});

test('a user with many connections keeps a bounded number of them', async () => {
  await using gateway = await startGateway({ maxConnectionsPerUser: 3 });
  const clients: Client[] = [];
  for (let i = 0; i < 3; i++) clients.push(await Client.connect(gateway.port));
  await clients[1]?.request(
    REQ.SetBackground,
    'sdkws.SetAppBackgroundStatusReq',
    make('sdkws.SetAppBackgroundStatusReq', { userID: 'u1', isBackground: true }),
  );
  clients.push(await Client.connect(gateway.port));
  const kicked = async (i: number) => {
    await clients[i]?.next((frame) => frame.reqIdentifier === REQ.KickOnline);
    assert.equal(await clients[i]?.closed, 1006);
  };
  await kicked(1);
  clients.push(await Client.connect(gateway.port));
  await kicked(0);
  using other = await Client.connect(gateway.port, { userID: 'u2' });
  assert.equal(await gateway.metric('openim_gateway_connections'), 4);
  assert.equal(await gateway.metric('openim_gateway_closed_total', { reason: 'user-limit' }), 2);
  for (const client of [...clients, other]) client[Symbol.dispose]();
});

test("a tenant's connections are limited over all gateways together", async () => {
  await using gateway = await startGateway({ presence: { heartbeatMs: 200 } });
  // Nine are elsewhere, of ten.
  let share = 0;
  gateway.rpc.answers.set('user.gatewayHeartbeat', (_ctx, request: user.GatewayHeartbeatReq) =>
    make('user.GatewayHeartbeatResp', {
      sharing: true,
      tenantShares: Object.fromEntries(Object.keys(request.tenantConnections).map((id) => [id, share])),
    }),
  );
  const settings = gateway.tenants.list().find(({ id }) => id === 't2');
  assert.ok(settings);
  gateway.tenants.put({ ...settings, quotas: { ...settings.quotas, connections: 10 } });
  const options = { path: '/t/t2', query: { isMsgResp: 'true' } };
  using _first = await Client.connect(gateway.port, options);
  const told = () =>
    gateway.rpc
      .of('user.gatewayHeartbeat')
      .map(({ request }) => (request as user.GatewayHeartbeatReq).tenantConnections.t2);
  await until(() => told().includes(1));
  await sleep(50);
  const texts: string[] = [];
  const attempt = async () => {
    using client = await Client.connect(gateway.port, options);
    await until(() => client.texts.length > 0);
    texts.push(client.texts[0] ?? '');
    return JSON.parse(client.texts[0] ?? '{}').errCode as number;
  };
  assert.equal(await attempt(), 1601, texts.join());
  assert.match(texts[0] ?? '', /quotas.connections is 10/);
  // The others have gone, which is learnt within a moment.
  share = 5;
  await until(async () => (await attempt()) === 0);
});
