import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { encode, make, REQ, type user } from '@im/protocol';
import { Client, dialUrl, until } from './client.ts';
import { startGateway } from './start-gateway.ts';

test('stopping finishes what was started, closes every connection and reports no local users', async () => {
  await using gateway = await startGateway();
  const gate = Promise.withResolvers<void>();
  gateway.rpc.answers.set('msg.getMaxSeq', async () => {
    await gate.promise;
    return make('sdkws.GetMaxSeqResp');
  });
  const busy = await Client.connect(gateway.port);
  const idle = await Promise.all(
    Array.from({ length: 10 }, (_, i) => Client.connect(gateway.port, { userID: `idle${i}` })),
  );
  busy.send(REQ.GetNewestSeq, encode('sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID: 'u1' })));
  await until(() => gateway.rpc.of('msg.getMaxSeq').length === 1);
  assert.ok(gateway.service.ready().ready);
  const stopped = gateway.service.stop(AbortSignal.timeout(5_000));
  assert.ok(!gateway.service.ready().ready);
  for (const client of idle) assert.equal(await client.closed, 1006);
  assert.equal(busy.socket.readyState, 1);
  const late = new Promise((resolve, reject) => {
    Client.connect(gateway.port).then(reject, resolve);
  });
  assert.match(String(await late), /200|refused/i);
  gate.resolve();
  assert.equal((await busy.next(() => true)).errCode, 0);
  assert.equal(await busy.closed, 1006);
  await stopped;
  const items = gateway.rpc
    .of('user.reportPresence')
    .flatMap(({ request }) => (request as user.ReportPresenceReq).items);
  assert.deepEqual(items.findLast(({ userID }) => userID === 'u1')?.platformIDs, []);
  assert.equal(await gateway.metric('openim_gateway_connections'), 0);
  assert.equal(gateway.feed.targets.size, 0);
});

test('clients that keep their side open do not hold up the stop beyond its deadline', async () => {
  await using gateway = await startGateway();
  const { pathname, search } = new URL(dialUrl(gateway.port));
  const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await once(socket, 'data');
  const startedAt = performance.now();
  await gateway.service.stop(AbortSignal.timeout(300));
  const ms = performance.now() - startedAt;
  assert.ok(ms >= 250 && ms < 15_000, `${ms} ms`);
  socket.destroy();
});

test('a taken port is an error that names it', async () => {
  await using gateway = await startGateway();
  await assert.rejects(startGateway({ port: gateway.port }), new RegExp(`127.0.0.1:${gateway.port}`));
});
