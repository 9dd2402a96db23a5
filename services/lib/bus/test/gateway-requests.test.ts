import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { connect } from '@nats-io/transport-node';
import { gatewayKickSubject } from '../src/subjects.ts';
import { startTestBus, startTestNats, until } from './bus-harness.ts';

const SOON_MS = 5_000;

test('each gateway answers what it is asked; one that is gone, or speaks another language, is a retryable error', async () => {
  await using nats = await startTestNats();
  await using one = await startTestBus(nats.uri);
  await using two = await startTestBus(nats.uri);
  for (const { bus } of [one, two]) await until(() => bus.ready().ready, 'ready');
  const serve = (gatewayID: string) =>
    one.bus.gateways.serve(gatewayID, {
      connections: ({ tenant, afterSerial }) =>
        make('user.GatewayConnectionsResp', {
          connections: [make('user.LiveConnection', { gatewayID, userID: `of ${tenant}` })],
          nextSerial: afterSerial + 1,
        }),
      kick: () => make('user.GatewayKickResp', { kicked: gatewayID.length }),
    });
  const end = serve('g1');
  serve('gateway 2');
  const ask = (gatewayID: string) =>
    two.bus.gateways.connections(
      gatewayID,
      make('user.GatewayConnectionsReq', { tenant: 't1', afterSerial: 7 }),
      SOON_MS,
    );
  const kick = (gatewayID: string, timeoutMs = SOON_MS) =>
    two.bus.gateways.kick(gatewayID, make('user.GatewayKickReq'), timeoutMs);
  let answer = make('user.GatewayConnectionsResp');
  await until(async () => {
    answer = await ask('g1').catch(() => answer);
    return answer.connections.length > 0;
  }, 'answers');
  const [{ gatewayID = '', userID = '' } = {}] = answer.connections;
  assert.deepEqual([gatewayID, userID, answer.nextSerial], ['g1', 'of t1', 8]);
  assert.equal((await kick('gateway 2')).kicked, 9);

  // What is no request has no answer, and does no harm.
  const stranger = await connect({ servers: [nats.uri] });
  stranger.publish(gatewayKickSubject('g1'), Uint8Array.of(255, 255));
  await stranger.flush();
  assert.equal((await kick('g1')).kicked, 2);
  stranger.subscribe(gatewayKickSubject('g3'), {
    callback: (_, message) => void message.respond(Uint8Array.of(255)),
  });
  stranger.subscribe(gatewayKickSubject('g4'), { callback: () => {} });
  await stranger.flush();
  const isUnanswered = { code: ERR.NetworkError, detail: /^gateway g\d did not answer: / };
  await assert.rejects(kick('g3'), isUnanswered);
  await assert.rejects(kick('g4', 50), isUnanswered);
  await stranger.close();

  end();
  await until(
    () =>
      ask('g1').then(
        () => false,
        () => true,
      ),
    'unsubscribed',
  );
  await assert.rejects(ask('g1'), isUnanswered);
});
