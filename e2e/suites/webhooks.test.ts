import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  ApiError,
  connectWire,
  scanPush,
  sendMessage,
  textMessage,
  type WireConnection,
  WireError,
} from '@im/client';
import { type Cluster, startCluster, testTenant } from '@im/dev-cluster';
import { createGroup } from '@im/proof';
import { ERR } from '@im/protocol';
import { REFUSAL, startWebhookReceiver, type WebhookReceiver } from '@im/testing';
import { eventually } from './eventually.ts';

/** Time that the receiver gets, ms; and what an innocent message takes at most beside a receiver that is silent. */
const TIMEOUT_MS = 3_000;
const INNOCENT_MS = 1_500;
/** Messages over HTTP of the tenant whose receiver is silent, more than may be asked about at once. */
const HANGING = 70;

const ASKED = 'callbackBeforeSendSingleMsgCommand';
const MODIFY = 'callbackBeforeMsgModifyCommand';
const SENT = 'callbackAfterSendSingleMsgCommand';

const EVENTS = ['beforeSendSingleMsg', 'beforeMsgModify', 'afterSendSingleMsg', 'afterSendGroupMsg'] as const;

/** A user with what was pushed to them: texts by clientMsgID. */
interface Person {
  readonly connection: WireConnection;
  readonly got: Set<string>;
}

describe('webhooks of one tenant, over WebSocket', () => {
  let cluster: Cluster;
  let receiver: WebhookReceiver;
  let [alice, bob, innocent, peer] = [] as unknown as [Person, Person, Person, Person];
  let count = 0;

  before(async () => {
    receiver = await startWebhookReceiver();
    const hook = { enable: true, timeoutMs: TIMEOUT_MS };
    const webhooks = { url: receiver.url, events: Object.fromEntries(EVENTS.map((event) => [event, hook])) };
    cluster = await startCluster({
      topology: 'one',
      tenants: [testTenant('default'), testTenant('t2', { webhooks })],
      config: { webhooks: { allowedNetworks: ['127.0.0.1'] } },
    });
    [alice, bob, innocent, peer] = await Promise.all([
      connect('t2', 'alice'),
      connect('t2', 'bob'),
      connect('default', 'innocent'),
      connect('default', 'peer'),
    ]);
  });
  after(async () => {
    for (const person of [alice, bob, innocent, peer]) person?.connection.close();
    await cluster?.close();
    await receiver?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    receiver.answer({});
    receiver.take();
  });

  async function connect(tenant: string, userID: string): Promise<Person> {
    const admin = cluster.admin(tenant);
    await admin.ensureUsers([userID]);
    const token = await admin.userToken(userID, 5);
    const got = new Set<string>();
    const options = { ws: cluster.endpoint(tenant).ws, userID, token, platformID: 5 };
    const connection = await connectWire(options, {
      push(data) {
        for (const { clientMsgID } of scanPush(data)) got.add(clientMsgID);
      },
    });
    return { connection, got };
  }
  const newID = () => `w-${process.pid}-${count++}`;
  const say = (from: Person, to: string, id: string, timeoutMs = 10_000) =>
    sendMessage(from.connection, textMessage(from.connection.userID, { user: to }, id, id), { timeoutMs });
  const sayByHTTP = (sendID: string, recvID: string) =>
    cluster.admin('t2').call('/msg/send_msg', {
      ...{ sendID, recvID, senderPlatformID: 5, sessionType: 1, contentType: 101 },
      content: { content: newID() },
    });
  const codeOf = (sending: Promise<unknown>) =>
    sending.then(
      () => 0,
      (error: unknown) => {
        if (error instanceof WireError || error instanceof ApiError) return error.code;
        throw error;
      },
    );

  test('a refusal is the answer to the sender, also to their retry, and the receiver gets nothing', async () => {
    receiver.answer(({ command }) => (command === ASKED ? REFUSAL : {}));
    const id = newID();
    assert.equal(await codeOf(say(alice, 'bob', id)), REFUSAL.errCode);
    assert.equal(await codeOf(say(alice, 'bob', id)), REFUSAL.errCode);
    assert.equal(receiver.take().filter(({ command }) => command === ASKED).length, 1);
    assert.ok(!bob.got.has(id));
  });

  test('a message arrives as the answer has it, once, and is reported when it was sent', async () => {
    const [id, other] = [newID(), newID()];
    receiver.answer(({ command }) => (command === MODIFY ? { clientMsgID: other, ex: 'seen' } : {}));
    await say(alice, 'bob', id);
    await say(alice, 'bob', id);
    await eventually(() => assert.ok(bob.got.has(other)));
    assert.ok(!bob.got.has(id));
    const requests: { command: string; body: Record<string, unknown> }[] = [];
    await eventually(() => {
      requests.push(...receiver.take());
      assert.ok(requests.some(({ command }) => command === SENT));
    });
    const of = (command: string) => requests.filter((request) => request.command === command);
    assert.deepEqual([of(ASKED).length, of(MODIFY).length], [1, 1]);
    const body = of(SENT)[0]?.body ?? {};
    assert.deepEqual(
      { sendID: body.sendID, recvID: body.recvID, clientMsgID: body.clientMsgID, ex: body.ex },
      { sendID: 'alice', recvID: 'bob', clientMsgID: other, ex: 'seen' },
    );
  });

  test('a message to a group is reported with the group', async () => {
    const groupID = await createGroup(cluster.admin('t2'), 'Team', ['alice', 'bob']);
    const id = newID();
    await eventually(() => sendMessage(alice.connection, textMessage('alice', { group: groupID }, id, id)));
    await eventually(() => {
      const sent = receiver.take().find(({ body }) => body.clientMsgID === id && 'groupID' in body);
      assert.equal(sent?.command, 'callbackAfterSendGroupMsgCommand');
      assert.equal(sent?.body.groupID, groupID);
    });
  });

  test('nonsense and broken connections fail the send with a code after which clients try again', async () => {
    receiver.answer('garbage');
    assert.equal(await codeOf(say(alice, 'bob', newID())), ERR.DataError);
    receiver.answer('die');
    assert.equal(await codeOf(say(alice, 'bob', newID())), ERR.NetworkError);
    const id = newID();
    receiver.answer({});
    await eventually(() => say(alice, 'bob', id));
    await eventually(() => assert.ok(bob.got.has(id)));
  });

  test('a silent receiver ends its own sends in time, and delays those of no other tenant', async () => {
    receiver.answer('hang');
    const startedAt = performance.now();
    const hanging = Promise.all([
      codeOf(say(alice, 'bob', newID())),
      ...Array.from({ length: HANGING }, () => codeOf(sayByHTTP('bob', 'alice'))),
    ]);
    let slowest = 0;
    for (let i = 0; i < 20; i++) {
      const id = newID();
      const sentAt = performance.now();
      await say(innocent, 'peer', id);
      await eventually(() => assert.ok(peer.got.has(id)));
      slowest = Math.max(slowest, performance.now() - sentAt);
    }
    const codes = await hanging;
    assert.ok(slowest < INNOCENT_MS, `an innocent message took ${Math.round(slowest)} ms`);
    assert.deepEqual([...new Set(codes)], [ERR.NetworkError]);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 3 * TIMEOUT_MS, `the sends ended after ${Math.round(tookMs)} ms`);
  });
});
