import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayStatus } from '@im/contract';
import { make, REQ } from '@im/protocol';
import { Client, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

function crowd(gateway: TestGateway, size: number, platformID = 2): Promise<Client[]> {
  return Promise.all(
    Array.from({ length: size }, (_, i) => Client.connect(gateway.port, { userID: `user${i}`, platformID })),
  );
}

const open = (clients: readonly Client[]) => clients.filter(({ socket }) => socket.readyState === 1).length;

/** Young connections are not spared, as the tests make theirs now. */
const shed = (gateway: TestGateway, request: object) =>
  gateway.ops('POST', '/shed', JSON.stringify({ spareSeconds: 0, ...request }));

test('so many connections are given away at the pace asked for, while newcomers are accepted', async () => {
  await using gateway = await startGateway();
  const clients = await crowd(gateway, 30);
  const startedAt = performance.now();
  const { status, body } = await shed(gateway, { count: 10, maxPerSecond: 20 });
  assert.equal(status, 202);
  // The first one goes at once.
  assert.equal((body as { gateway: GatewayStatus }).gateway.shedRemaining, 9);
  assert.deepEqual([gateway.service.ready().ready, gateway.status.draining], [true, false]);
  await Client.connect(gateway.port, { userID: 'late' });
  await until(() => gateway.status.shedRemaining === 0);
  assert.ok(performance.now() - startedAt > 350, `${performance.now() - startedAt} ms`);
  await until(() => open(clients) === 20);
  await sleep(200);
  assert.equal(open(clients), 20);
  assert.equal(await gateway.metric('openim_gateway_closed_total', { reason: 'rebalance' }), 10);
});

test('a young connection and a user who has just been moved are spared', async (t) => {
  await using gateway = await startGateway();
  const phones = await crowd(gateway, 10);
  await gateway.ops('POST', '/shed', JSON.stringify({ count: 10, maxPerSecond: 1_000 }));
  assert.equal(gateway.status.shedRemaining, 0, 'all are young');
  const tablets = await crowd(gateway, 10, 8);
  const spareMs = 1_500;
  const request = { count: 20, maxPerSecond: 1_000, spareSeconds: spareMs / 1_000 };
  const left = () => open(phones) + open(tablets);
  await sleep(spareMs + 100);
  const startedAt = performance.now();
  await shed(gateway, request);
  await until(() => left() <= 10);
  // Older than what is spared, but of users who were moved.
  await shed(gateway, request);
  await sleep(200);
  const tookMs = performance.now() - startedAt;
  if (tookMs < spareMs) assert.equal(left(), 10);
  else
    t.diagnostic(
      `not shown that users are spared for ${spareMs} ms: the machine took ${Math.round(tookMs)} ms`,
    );
  await sleep(spareMs);
  await shed(gateway, request);
  await until(() => left() === 0);
});

test('a further request replaces what is left; 0 and a drain cancel it', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1 } });
  const clients = await crowd(gateway, 30);
  await shed(gateway, { count: 30, maxPerSecond: 0.01 });
  assert.equal(gateway.status.shedRemaining, 30);
  await shed(gateway, { count: 5, maxPerSecond: 1_000 });
  await until(() => open(clients) === 25);
  await until(() => gateway.status.shedRemaining === 0);
  await shed(gateway, { count: 5, maxPerSecond: 0.01 });
  await shed(gateway, { count: 0 });
  assert.equal(gateway.status.shedRemaining, 0);
  await shed(gateway, { count: 5, maxPerSecond: 0.01 });
  await gateway.ops('POST', '/drain', JSON.stringify({ withinSeconds: 600 }));
  assert.equal(gateway.status.shedRemaining, 0);
  assert.equal((await shed(gateway, { count: 5, maxPerSecond: 10 })).status, 409);
});

test('a request that makes no sense is refused', async () => {
  await using gateway = await startGateway();
  await crowd(gateway, 3);
  for (const request of [{}, { count: 1.5 }, { count: -1 }, { count: 1, maxPerSecond: 0 }, { count: '1' }])
    assert.equal((await shed(gateway, request)).status, 400, JSON.stringify(request));
  assert.equal(gateway.status.shedRemaining, 0);
});

test('the status says how long new connections wait until they are usable', async () => {
  await using gateway = await startGateway({ maxConnections: 77 });
  assert.equal(gateway.status.loginP99Ms, undefined);
  assert.equal(gateway.status.maxConnections, 77);
  gateway.rpc.answers.set('msg.getMaxSeq', async () => {
    await sleep(150);
    return make('sdkws.GetMaxSeqResp');
  });
  const client = await Client.connect(gateway.port);
  const request = make('sdkws.GetMaxSeqReq', { userID: 'u1' });
  await client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', request);
  const first = gateway.status.loginP99Ms ?? 0;
  assert.ok(first >= 145 && first < 9_000, `${first} ms`);
});
