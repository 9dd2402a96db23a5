import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GatewayStatus, parseConfig, type ServerConfigInput } from '@im/contract';
import { encode, make, REQ } from '@im/protocol';
import { Client, dialRaw, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

/** Closed connections that may be counted before the clock says so. */
const PACE_SLACK = 4;

function crowd(gateway: TestGateway, size: number): Promise<Client[]> {
  return Promise.all(
    Array.from({ length: size }, (_, i) => Client.connect(gateway.port, { userID: `user${i}` })),
  );
}

const open = (clients: readonly Client[]) => clients.filter(({ socket }) => socket.readyState === 1).length;

function statusOf(body: unknown): GatewayStatus {
  const { gateway } = body as { gateway?: GatewayStatus };
  assert.ok(gateway);
  return gateway;
}

/** The code that a further client is refused with. */
async function refusal(gateway: TestGateway): Promise<unknown> {
  return (await dialRaw(gateway.port, { userID: 'late' })).body.errCode;
}

test('the status reports connections, users and handshakes', async () => {
  await using gateway = await startGateway();
  await Client.connect(gateway.port, { userID: 'a' });
  await Client.connect(gateway.port, { userID: 'a', platformID: 1 });
  await Client.connect(gateway.port, { userID: 'b' });
  await until(async () => (await gateway.metric('openim_gateway_connections')) === 3);
  const { connections, users, handshakesPerSecond, draining } = gateway.status;
  assert.deepEqual([connections, users, handshakesPerSecond, draining], [3, 2, 0.3, false]);
});

test('a drain refuses newcomers with a code to try again, and closes the others at its pace', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 40 } });
  const clients = await crowd(gateway, 40);
  const startedAt = performance.now();
  const { status, body } = await gateway.ops('POST', '/drain');
  assert.equal(status, 202);
  const first = statusOf(body);
  assert.deepEqual([first.draining, first.drainRemaining], [true, 40]);
  assert.ok(first.drainEtaSeconds >= 1 && first.drainEtaSeconds <= 2, `${first.drainEtaSeconds} s`);
  assert.deepEqual(gateway.service.ready(), { ready: false, reason: 'draining' });
  assert.equal(await refusal(gateway), 1601);
  await until(() => open(clients) < 36);
  const soFar = 40 - open(clients);
  const due = ((performance.now() - startedAt) / 1_000) * 40;
  assert.ok(soFar <= due + PACE_SLACK, `${soFar} are closed where ${due} are due`);
  assert.equal(
    statusOf((await gateway.ops('POST', '/drain')).body).draining,
    true,
    'asking twice is asking once',
  );
  await until(() => gateway.status.connections === 0);
  const ms = performance.now() - startedAt;
  assert.ok(ms > 800 && ms < 20_000, `${ms} ms`);
  assert.deepEqual([gateway.status.drainRemaining, gateway.status.drainEtaSeconds], [0, 0]);
  const order = clients.map(({ closedAt }) => closedAt ?? 0);
  assert.notDeepEqual(
    order,
    order.toSorted((a, b) => a - b),
    'not in the order of their coming',
  );
  assert.equal(await gateway.metric('openim_gateway_closed_total', { reason: 'drain' }), 40);
});

test('a request under way is answered before its connection is closed', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  gateway.rpc.answers.set('msg.getMaxSeq', async () => {
    await gate.promise;
    return make('sdkws.GetMaxSeqResp');
  });
  const busy = await Client.connect(gateway.port);
  busy.send(REQ.GetNewestSeq, encode('sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID: 'u1' })));
  await until(() => gateway.rpc.of('msg.getMaxSeq').length === 1);
  await gateway.ops('POST', '/drain');
  await sleep(200);
  assert.equal(busy.socket.readyState, 1);
  gate.resolve();
  assert.equal((await busy.next(() => true)).errCode, 0);
  assert.equal(await busy.closed, 1006);
});

test('the time given wins over the pace, and may be set again', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1 } });
  const clients = await crowd(gateway, 20);
  const { body } = await gateway.ops('POST', '/drain', JSON.stringify({ withinSeconds: 60 }));
  assert.ok(statusOf(body).drainEtaSeconds >= 19, `${statusOf(body).drainEtaSeconds} s`);
  await sleep(150);
  assert.ok(open(clients) >= 10);
  await gateway.ops('POST', '/drain', JSON.stringify({ withinSeconds: 0.3 }));
  await until(() => gateway.status.connections === 0, 30_000);
});

test('a drain that is called off leaves who is still here, and takes clients again', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1 } });
  const clients = await crowd(gateway, 40);
  await gateway.ops('POST', '/drain');
  await until(() => open(clients) < 40);
  const { status, body } = await gateway.ops('POST', '/undrain');
  assert.equal(status, 202);
  assert.deepEqual([statusOf(body).draining, statusOf(body).drainRemaining], [false, 0]);
  assert.ok(gateway.service.ready().ready);
  await until(() => open(clients) === gateway.status.connections);
  const left = open(clients);
  assert.ok(left > 0);
  await Client.connect(gateway.port, { userID: 'late' });
  await sleep(300);
  assert.equal(open(clients), left);
  await gateway.ops('POST', '/drain', JSON.stringify({ withinSeconds: 0 }));
  await until(() => gateway.status.connections === 0);
});

test('a request to drain that makes no sense is refused and changes nothing', async () => {
  await using gateway = await startGateway();
  const bodies = [
    '{',
    '[1',
    '1',
    '{"withinSeconds":"soon"}',
    '{"withinSeconds":-1}',
    '{"until":null}',
    '{"maxPerSecond":1e9}',
    '{"ttlSeconds":[]}',
  ];
  for (const body of bodies) assert.equal((await gateway.ops('POST', '/drain', body)).status, 400, body);
  assert.equal(gateway.status.draining, false);
});

test('a deadline is absolute: the same request again changes nothing, another one does', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1 } });
  await crowd(gateway, 20);
  const drain = async (request: object) =>
    statusOf((await gateway.ops('POST', '/drain', JSON.stringify(request))).body).drainUntil ?? 0;
  const first = await drain({ withinSeconds: 60 });
  assert.ok(Math.abs(first - Date.now() - 60_000) < 5_000);
  await sleep(100);
  assert.equal(await drain({ withinSeconds: 60 }), first);
  assert.equal(await drain({}), first);
  const at = Date.now() + 30_000;
  assert.equal(await drain({ until: at }), at);
  assert.equal(await drain({ until: at }), at);
  assert.ok((await drain({ withinSeconds: 60 })) > first);
  assert.equal(await drain({ until: at, withinSeconds: 60 }), at, 'as operators ask gateways of any version');
  await gateway.ops('POST', '/undrain');
  assert.deepEqual([gateway.status.drainUntil, gateway.status.drainPerSecond], [undefined, undefined]);
  await drain({ until: Date.now() - 1 });
  await until(() => gateway.status.connections === 0);
});

test('a leased pace is given up when it is not renewed, and never puts the deadline off', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1_000 } });
  const clients = await crowd(gateway, 40);
  const drain = (request: object) => gateway.ops('POST', '/drain', JSON.stringify(request));
  const { body } = await drain({ withinSeconds: 600, maxPerSecond: 0.1, ttlSeconds: 60 });
  assert.equal(statusOf(body).drainPerSecond, 0.1);
  await sleep(200);
  assert.ok(open(clients) >= 38);
  const demanded = statusOf((await drain({ withinSeconds: 10 })).body).drainPerSecond ?? 0;
  assert.ok(demanded > 3.5 && demanded < 4.2, `${demanded} per second`);
  await drain({ withinSeconds: 600, maxPerSecond: 0.1, ttlSeconds: 0.3 });
  await until(() => open(clients) === 0, 30_000);
});

test('an announced stop bounds the time of a drain that was asked for before', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1, deadlineMs: 1_000 } });
  await crowd(gateway, 10);
  await gateway.ops('POST', '/drain', JSON.stringify({ withinSeconds: 3_600 }));
  const startedAt = performance.now();
  const drained = gateway.service.drain?.();
  await gateway.ops('POST', '/drain', JSON.stringify({ withinSeconds: 1_800 }));
  await drained;
  const ms = performance.now() - startedAt;
  assert.ok(ms < 60_000, `${ms} ms`);
  assert.equal(gateway.status.connections, 0);
});

test('a drain ends when no connection is left, and then a stop is quick', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1, deadlineMs: 300 } });
  const clients = await crowd(gateway, 60);
  const startedAt = performance.now();
  await gateway.service.drain?.();
  const ms = performance.now() - startedAt;
  assert.ok(ms >= 200 && ms < 30_000, `${ms} ms`);
  assert.equal(open(clients), 0);
  const stopped = performance.now();
  await gateway.service.stop(AbortSignal.timeout(30_000));
  assert.ok(performance.now() - stopped < 20_000, `${performance.now() - stopped} ms`);
});

test('a stop cuts a slow drain short', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1 } });
  await crowd(gateway, 60);
  await gateway.ops('POST', '/drain');
  const startedAt = performance.now();
  await gateway.service.stop(AbortSignal.timeout(60_000));
  const ms = performance.now() - startedAt;
  assert.ok(ms < 30_000, `${ms} ms`);
});

test('limits and pace change while it runs', async () => {
  await using gateway = await startGateway({ maxConnections: 1, drain: { maxPerSecond: 1 } });
  const apply = (settings: ServerConfigInput['gateway']) =>
    gateway.live.apply(
      parseConfig({ shutdown: { settleMs: 1 }, gateway: { handshakes: { ratePerSecond: 0 }, ...settings } }),
    );
  await Client.connect(gateway.port);
  assert.equal(await refusal(gateway), 1601);
  apply({ maxConnections: 100, drain: { maxPerSecond: 1 } });
  const clients = await crowd(gateway, 60);
  await gateway.ops('POST', '/drain');
  apply({ maxConnections: 100, drain: { maxPerSecond: 1_000 } });
  await until(() => open(clients) === 0, 30_000);
});
