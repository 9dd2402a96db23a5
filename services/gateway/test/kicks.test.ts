import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tenantId, tenantSettings, tokenKeysDigest } from '@im/contract';
import { ImError, make, REQ } from '@im/protocol';
import { Client, JSON_GZIP, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

/** Waits until the connections' issue numbers are known. */
async function registered(gateway: TestGateway, count: number): Promise<void> {
  await until(() => gateway.rpc.of('auth.registerConnection').length >= count);
  await sleep(10);
}

async function assertKicked(client: Client): Promise<void> {
  assert.equal(await client.closed, 1006);
  const [frame] = client.left;
  assert.deepEqual(frame, {
    reqIdentifier: REQ.KickOnline,
    msgIncr: '',
    operationID: '',
    errCode: 0,
    errMsg: '',
    data: null,
  });
}

test('a kick sends the client frame 2002 and closes, on the platforms it names, below its issue', async () => {
  await using gateway = await startGateway();
  const old = await Client.connect(gateway.port, { platformID: 5, issue: 3, framing: JSON_GZIP });
  const older = await Client.connect(gateway.port, { platformID: 5, issue: 2 });
  using kept = await Client.connect(gateway.port, { platformID: 5, issue: 4 });
  using elsewhere = await Client.connect(gateway.port, { platformID: 2, issue: 1 });
  using stranger = await Client.connect(gateway.port, { userID: 'u2', platformID: 5, issue: 1 });
  await registered(gateway, 5);
  gateway.events.kick({ userID: 'u1', platformIDs: [5], keepIssue: 4 });
  await assertKicked(old);
  await assertKicked(older);
  for (const { socket } of [kept, elsewhere, stranger]) assert.equal(socket.readyState, 1);
  gateway.events.kick({ userID: 'u1', platformIDs: [], keepIssue: 0 });
  await assertKicked(kept);
  await assertKicked(elsewhere);
  await until(async () => (await gateway.metric('openim_gateway_closed_total', { reason: 'kick' })) === 4);
  assert.equal(await gateway.metric('openim_gateway_frames_total', { direction: 'out', kind: 'kick' }), 4);
});

test('the same token may connect twice', async () => {
  await using gateway = await startGateway();
  using a = await Client.connect(gateway.port, { platformID: 5, issue: 3 });
  using b = await Client.connect(gateway.port, { platformID: 5, issue: 3 });
  await registered(gateway, 2);
  gateway.events.kick({ userID: 'u1', platformIDs: [5], keepIssue: 3 });
  await sleep(30);
  for (const { socket } of [a, b]) assert.equal(socket.readyState, 1);
});

test('a kick that comes before the own issue is known takes effect once it is', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  const answer = gateway.rpc.answers.get('auth.registerConnection');
  gateway.rpc.answers.set('auth.registerConnection', async (ctx, request) => {
    await gate.promise;
    return answer?.(ctx, request) ?? {};
  });
  const first = await Client.connect(gateway.port, { platformID: 5, issue: 1 });
  using second = await Client.connect(gateway.port, { platformID: 5, issue: 2 });
  await until(() => gateway.rpc.of('auth.registerConnection').length === 2);
  gateway.events.kick({ userID: 'u1', platformIDs: [5], keepIssue: 2 });
  gate.resolve();
  await assertKicked(first);
  assert.equal(second.socket.readyState, 1);
});

test('connections are registered only once their kicks are subscribed to', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  gateway.feed.barrierAnswer = () => gate.promise;
  using _client = await Client.connect(gateway.port);
  await sleep(30);
  assert.equal(gateway.rpc.of('auth.registerConnection').length, 0);
  gate.resolve();
  await until(() => gateway.rpc.of('auth.registerConnection').length === 1);
});

test('a token that auth has ended meanwhile: 1506 is reported, the others are just closed', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('auth.registerConnection', () => {
    throw new ImError(1506);
  });
  await assertKicked(await Client.connect(gateway.port));
  gateway.rpc.answers.set('auth.registerConnection', () => {
    throw new ImError(1501);
  });
  const expired = await Client.connect(gateway.port);
  assert.equal(await expired.closed, 1006);
  assert.equal(expired.left.length, 0);
});

test('registration is tried until auth answers, and again after events were missed', async () => {
  await using gateway = await startGateway();
  let failures = 2;
  const answer = gateway.rpc.answers.get('auth.registerConnection');
  gateway.rpc.answers.set('auth.registerConnection', (ctx, request) => {
    if (failures-- > 0) throw new ImError(90004);
    return answer?.(ctx, request) ?? {};
  });
  const client = await Client.connect(gateway.port);
  await registered(gateway, 3);
  gateway.rpc.answers.set('auth.registerConnection', () => {
    throw new ImError(1506);
  });
  gateway.events.missed();
  await assertKicked(client);
});

test('kicks missed while others are looked for are looked for as well', async () => {
  await using gateway = await startGateway();
  const clients = await Promise.all(['u1', 'u2'].map((userID) => Client.connect(gateway.port, { userID })));
  await registered(gateway, 2);
  const gate = Promise.withResolvers<void>();
  const checked: string[] = [];
  let kicked = '';
  gateway.rpc.answers.set('auth.registerConnection', async (_ctx, { userID }: { userID: string }) => {
    checked.push(userID);
    if (checked.length === 2) await gate.promise;
    if (userID === kicked) throw new ImError(1506);
    return make('auth.RegisterConnectionResp', { issue: 1 });
  });
  gateway.events.missed();
  await until(() => checked.length === 2);
  // The first is through; now its kick is missed.
  kicked = checked[0] ?? '';
  gateway.events.missed();
  gate.resolve();
  await assertKicked(clients[kicked === 'u1' ? 0 : 1] as Client);
  // One that cannot be asked about is asked about again.
  let failures = 1;
  gateway.rpc.answers.set('auth.registerConnection', () => {
    if (failures-- > 0) throw new ImError(90004);
    throw new ImError(1506);
  });
  gateway.events.missed();
  await assertKicked(clients[kicked === 'u1' ? 1 : 0] as Client);
});

test('each kick is reported to the webhook of the tenant, once for each connection', async () => {
  await using gateway = await startGateway();
  const settings = gateway.tenants.get(tenantId('default'));
  assert.ok(settings);
  const webhooks = { url: 'http://hooks.test', events: { afterUserKickOff: { enable: true } } };
  gateway.tenants.put(tenantSettings({ ...settings, webhooks }));
  const web = await Client.connect(gateway.port, { platformID: 5, issue: 1 });
  const phone = await Client.connect(gateway.port, { platformID: 2, issue: 1 });
  await registered(gateway, 2);
  gateway.events.kick({ userID: 'u1', platformIDs: [], keepIssue: 0 });
  await assertKicked(web);
  await assertKicked(phone);
  await until(() => gateway.reports.length === 2);
  const reports = gateway.reports.map(({ event, body }) => ({ event, ...body, seq: 0 }));
  assert.deepEqual(
    reports.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    [
      { event: 'afterUserKickOff', platformID: 2, platform: 'Android', userID: 'u1', seq: 0 },
      { event: 'afterUserKickOff', platformID: 5, platform: 'Web', userID: 'u1', seq: 0 },
    ],
  );
  assert.equal(new Set(gateway.reports.map(({ id }) => id)).size, 2);
});

test('connections whose tokens a change of keys ended are closed, once auth has the keys; those of others stay', async () => {
  await using gateway = await startGateway();
  const ended = await Client.connect(gateway.port, { userID: 'u1' });
  using stays = await Client.connect(gateway.port, { userID: 'u2' });
  await registered(gateway, 2);
  const revoked = tenantSettings({
    ...{ id: 'default', tokenSecret: 's', adminSecret: 's' },
    tokensNotBefore: new Date().toISOString(),
  });
  let behind = true;
  const asked: string[] = [];
  const answer = gateway.rpc.answers.get('auth.registerConnection');
  gateway.rpc.answers.set('auth.registerConnection', (ctx, request) => {
    const { userID, keysDigest } = request as { userID: string; keysDigest: string };
    asked.push(keysDigest);
    if (behind) throw new ImError(90004);
    if (userID === 'u1') throw new ImError(1506);
    return answer?.(ctx, request) ?? {};
  });
  gateway.tenants.put(revoked);
  await until(() => asked.length >= 2);
  assert.equal(ended.socket.readyState, 1);
  behind = false;
  await assertKicked(ended);
  await until(() => asked.length >= 4);
  assert.equal(stays.socket.readyState, 1);
  assert.deepEqual(new Set(asked), new Set([tokenKeysDigest(revoked)]));
});

test('a key that comes in addition has no connection looked at', async () => {
  await using gateway = await startGateway();
  using _client = await Client.connect(gateway.port);
  await registered(gateway, 1);
  const secrets = { id: 'default', tokenSecret: 's', adminSecret: 's' };
  gateway.tenants.put(tenantSettings({ ...secrets, secondTokenSecret: 'next' }));
  gateway.tenants.put(tenantSettings({ ...secrets, secondTokenSecret: 'next', friendVerify: true }));
  await sleep(50);
  assert.equal(gateway.rpc.of('auth.registerConnection').length, 1);
});
