import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectWire, scanPush, sendMessage, textMessage, type WireConnection } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { decode, encode, make, REQ } from '@im/protocol';
import { eventually } from './eventually.ts';

/** A client that synchronizes does so within this time. */
const SYNC_MS = 10_000;

describe('a client on the bare protocol, which never synchronizes', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ topology: 'one' });
  });
  after(async () => {
    await cluster?.close();
  });

  async function connect(userID: string, got?: Set<string>): Promise<WireConnection> {
    const admin = cluster.admin('default');
    await admin.ensureUsers([userID]);
    const token = await admin.userToken(userID, 5);
    const options = { ws: cluster.endpoint('default').ws, userID, token, platformID: 5 };
    return await connectWire(options, {
      push: (data) => {
        for (const { clientMsgID } of scanPush(data)) got?.add(clientMsgID);
      },
    });
  }

  test('it is online immediately, even right after the start of its gateway', async () => {
    const [gateway] = cluster.gateways;
    assert.ok(gateway);
    const watcher = await connect('watcher');
    watcher.close();
    await gateway.kill();
    gateway.start();
    await gateway.untilReady();
    const early = await connect('early');
    const startedAt = performance.now();
    const watching = await connect('watcher');
    const request = make('sdkws.SubUserOnlineStatus', { subscribeUserID: ['early'] });
    const answer = await watching.request(
      REQ.SubUserOnlineStatus,
      encode('sdkws.SubUserOnlineStatus', request),
    );
    const { subscribers } = decode('sdkws.SubUserOnlineStatusTips', answer);
    const tookMs = Math.round(performance.now() - startedAt);
    assert.deepEqual(subscribers[0]?.onlinePlatformIDs, [5], `not online after ${tookMs} ms`);
    early.close();
    watching.close();
  });

  test('it gets what was in flight when NATS restarts', { timeout: 180_000 }, async () => {
    const got = new Set<string>();
    const bot = await connect('bot', got);
    const sender = await connect('sender');
    await sleep(SYNC_MS + 1_000);
    const sent: string[] = [];
    let running = true;
    const acknowledged: string[] = [];
    const send = async (id: string) => {
      const message = textMessage('sender', { user: 'bot' }, id, id);
      for (;;) {
        const outcome = await sendMessage(sender, message).then(
          () => true,
          () => false,
        );
        if (outcome) break;
        await sleep(100);
      }
      acknowledged.push(id);
    };
    const load = (async () => {
      for (let i = 0; running; i++) {
        const id = `bare-${process.pid}-${i}`;
        sent.push(id);
        await send(id);
        await sleep(5);
      }
    })();
    await sleep(1_000);
    await cluster.stores.nats.kill();
    await sleep(500);
    await cluster.stores.nats.restart();
    await sleep(3_000);
    running = false;
    await load;
    assert.deepEqual(acknowledged, sent);
    assert.ok(bot.open, 'it stayed connected');
    await eventually(async () => {
      const missing = sent.filter((id) => !got.has(id));
      assert.deepEqual(missing, [], `${missing.length} of ${sent.length} never came`);
    });
    bot.close();
    sender.close();
  });
});
