import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode, make, REQ, type ResponseEnvelope, type sdkws, type user } from '@im/protocol';
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
      [1, false, 'u1.1.1'],
      [5, false, 'u1.5.1'],
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

test('what changes in one tick is one report; a failing one is sent again', async () => {
  await using gateway = await startGateway();
  let failures = 1;
  gateway.rpc.answers.set('user.reportPresence', () => {
    if (failures-- > 0) throw new Error('down');
    return make('user.ReportPresenceResp');
  });
  const clients = await Promise.all(
    Array.from({ length: 30 }, (_, i) => Client.connect(gateway.port, { userID: `u${i}` })),
  );
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

test('a heartbeat tells that the gateway lives, and reports everybody when asked', async () => {
  await using gateway = await startGateway({ presence: { heartbeatMs: 50 } });
  using _a = await Client.connect(gateway.port);
  using _b = await Client.connect(gateway.port, { userID: 'u2', path: '/t/t2' });
  await until(() => gateway.rpc.of('user.gatewayHeartbeat').length > 1);
  const beat = gateway.rpc.of('user.gatewayHeartbeat').at(-1)?.request as
    | user.GatewayHeartbeatReq
    | undefined;
  assert.deepEqual({ ...beat }, { gatewayID: 'gw-test', connections: 2 });
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
  assert.equal(await gateway.metric('gateway_watched_users'), 2);
  other.socket.close();
  client.socket.close();
  await until(() => gateway.events.subscriptions === 0);
});

test('changes missed in an outage are told afterwards', async () => {
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

test('a connection may watch a bounded number of users', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port, { framing: JSON_GZIP });
  const userIDs = Array.from({ length: 5_001 }, (_, i) => `user${i}`);
  const answer = await watch(client, userIDs);
  assert.equal(answer.errCode, 1001);
  assert.equal((await watch(client, userIDs.slice(1))).errCode, 0);
});
