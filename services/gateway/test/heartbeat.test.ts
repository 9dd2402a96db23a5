import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { make, REQ } from '@im/protocol';
import { Client, until } from './client.ts';
import { startGateway } from './start-gateway.ts';

test('a control ping is answered with its own payload, also while a request is worked on', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('msg.getMaxSeq', () => new Promise(() => {}));
  using client = await Client.connect(gateway.port);
  for (const payload of ['op-123', '', 'x'.repeat(125)]) {
    client.socket.ping(payload);
    const [pong] = (await once(client.socket, 'pong')) as [Buffer];
    assert.equal(pong.toString(), payload);
    client.send(REQ.GetNewestSeq, Buffer.from([0x0a, 2, 0x75, 0x31]));
  }
});

test('text pings get their body back verbatim; text pongs get nothing', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port, { platformID: 5 });
  const cases: [string, string][] = [
    ['{"type":"ping"}', '{"type":"pong","body":null}'],
    ['{"type":"ping","body":null}', '{"type":"pong","body":null}'],
    ['{"type":"ping","body":"op-1"}', '{"type":"pong","body":"op-1"}'],
    ['{ "body" : "a\\u003cb\\/漢" , "type" : "ping" }', '{"type":"pong","body":"a\\u003cb\\/漢"}'],
    [
      '{"type":"ping","body":{"n":1.50,"a":[1,"\\u0041"]}}',
      '{"type":"pong","body":{"n":1.50,"a":[1,"\\u0041"]}}',
    ],
    ['{"type":"ping","body":12345678901234567890}', '{"type":"pong","body":12345678901234567890}'],
  ];
  for (const [sent, wanted] of cases) {
    client.socket.send('{"type":"pong"}');
    client.socket.send(sent);
    await until(() => client.texts.length > 0);
    assert.deepEqual(client.texts.splice(0), [wanted]);
  }
});

test('only web clients are pinged', async () => {
  await using gateway = await startGateway({ pingIntervalMs: 900 });
  using web = await Client.connect(gateway.port, { platformID: 5 });
  using android = await Client.connect(gateway.port, { platformID: 2, userID: 'u2' });
  const pings: string[] = [];
  android.socket.on('ping', () => pings.push('android'));
  const [payload] = (await once(web.socket, 'ping')) as [Buffer];
  assert.equal(payload.length, 0);
  assert.deepEqual(pings, []);
});

test('a silent connection is dropped, any traffic keeps it', async () => {
  await using gateway = await startGateway({ readTimeoutMs: 5_000 });
  const silent = await Client.connect(gateway.port);
  using pinging = await Client.connect(gateway.port, { userID: 'u2' });
  using texting = await Client.connect(gateway.port, { userID: 'u3' });
  using asking = await Client.connect(gateway.port, { userID: 'u4' });
  const deadline = performance.now() + 60_000;
  while (silent.socket.readyState === 1 && performance.now() < deadline) {
    pinging.socket.ping();
    texting.socket.send('{"type":"ping"}');
    await asking.request(
      REQ.GetNewestSeq,
      'sdkws.GetMaxSeqReq',
      make('sdkws.GetMaxSeqReq', { userID: 'u4' }),
    );
    await sleep(200);
  }
  assert.equal(await silent.closed, 1006);
  assert.equal(await gateway.metric('openim_gateway_closed_total', { reason: 'timeout' }), 1);
  for (const { socket } of [pinging, texting, asking]) assert.equal(socket.readyState, 1);
});

test('pongs to a client that does not read are dropped, not kept', async () => {
  await using gateway = await startGateway();
  using client = await Client.connect(gateway.port);
  client.socket.pause();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 200_000; i++) {
    client.socket.ping('x'.repeat(100));
    if (i % 2_000 === 0) await sleep(1);
  }
  const pongs = await gateway.metric('openim_gateway_frames_total', { direction: 'out', kind: 'pong' });
  assert.ok(process.memoryUsage().rss - before < 200 * 1_048_576, `${pongs} pongs kept`);
});
