import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster, testTenant } from '@im/dev-cluster';
import { eachLimited } from '@im/kit';
import { startReceiver } from '@im/testing';
import { eventually } from './eventually.ts';

const MESSAGES = 600;
const USERS = 60;
/** Requests that the receiver has had when the process is killed, and when NATS is. */
const KILLED_AFTER = 150;
const NATS_AFTER = 300;
/** Late messages, sent while there is no dispatcher. */
const LATE = 50;
const ANSWER_MS = 20;
const AT_ONCE = 8;
/** What a dead process had in hand comes again after a minute, and what it had read of the log as well. */
const COMES_AGAIN_MS = 240_000;

const SENT = 'callbackAfterSendSingleMsgCommand';
const REGISTERED = 'callbackAfterUserRegisterCommand';

test('a dispatcher killed amid its deliveries, and NATS after it: every event arrives, again only under its id', async (t) => {
  await using receiver = await startReceiver(async (response) => {
    await sleep(ANSWER_MS);
    response.end('{}');
  });
  const hook = { enable: true, timeoutMs: 5_000 };
  const webhooks = { url: receiver.url, events: { afterSendSingleMsg: hook, afterUserRegister: hook } };
  await using cluster = await startCluster({
    topology: 'many',
    tenants: [testTenant('default'), testTenant('t2', { webhooks })],
    config: { webhooks: { allowedNetworks: ['127.0.0.1'] } },
  });
  const admin = cluster.admin('t2');
  const users = Array.from({ length: USERS }, (_, n) => `u${n}`);
  const sent = new Set<string>();
  const send = async (n: number) => {
    const { clientMsgID } = await admin.call<{ clientMsgID: string }>('/msg/send_msg', {
      ...{ sendID: `u${n % USERS}`, recvID: `u${(n + 1) % USERS}` },
      ...{ senderPlatformID: 5, sessionType: 1, contentType: 101, content: { content: String(n) } },
    });
    sent.add(clientMsgID);
  };
  await eachLimited(users, AT_ONCE, async (userID) => {
    await admin.call('/user/user_register', { users: [{ userID, nickname: userID }] });
  });
  const sending = eachLimited(Array.from({ length: MESSAGES }).keys(), AT_ONCE, send);

  const dispatcher = cluster.process('push');
  const had = (count: number) => () =>
    assert.ok(receiver.received.length >= count, `${receiver.received.length} requests of ${count}`);
  await eventually(had(KILLED_AFTER));
  await dispatcher.kill();
  const atKill = receiver.received.length;
  await sending;
  await eachLimited(Array.from({ length: LATE }).keys(), AT_ONCE, send);
  assert.ok(atKill < MESSAGES + USERS, 'killed in the middle');

  dispatcher.start();
  await eventually(had(NATS_AFTER));
  const atRestart = receiver.received.length;
  await cluster.stores.nats.kill();
  await cluster.stores.nats.restart();
  await dispatcher.untilReady();
  // After it, the processes work as before.
  await eventually(() => send(MESSAGES));

  const idsOf = (command: string, name: (body: Record<string, unknown>) => string) => {
    const found = new Map<string, Set<string>>();
    for (const { path, headers, json } of receiver.received) {
      if (!path.includes(command)) continue;
      const ids = found.get(name(json)) ?? new Set();
      found.set(name(json), ids.add(String(headers['webhook-id'])));
    }
    return found;
  };
  const messages = () => idsOf(SENT, ({ clientMsgID }) => String(clientMsgID));
  const registrations = () =>
    idsOf(REGISTERED, (body) => (body.users as { userID: string }[]).map(({ userID }) => userID).join());
  await eventually(() => {
    const [ofMessages, ofUsers] = [messages(), registrations()];
    const lost = [...sent].filter((id) => !ofMessages.has(id)).length;
    assert.equal(lost, 0, `${lost} of ${sent.size} messages are not reported`);
    assert.deepEqual(
      users.filter((userID) => !ofUsers.has(userID)),
      [],
    );
  }, COMES_AGAIN_MS);

  const all = [...messages(), ...registrations()];
  assert.deepEqual(
    all.filter(([, ids]) => ids.size !== 1).map(([name, ids]) => [name, [...ids]]),
    [],
    'each event has one id',
  );
  const bodies = new Map<string, string>();
  for (const { headers, body } of receiver.received) {
    const id = String(headers['webhook-id']);
    assert.equal(bodies.get(id) ?? body, body, 'what comes again is the same');
    bodies.set(id, body);
  }
  const again = receiver.received.length - bodies.size;
  t.diagnostic(`${bodies.size} events, killed after ${atKill}, NATS after ${atRestart}; ${again} came again`);
  assert.ok(again < bodies.size / 2, `${again} of ${bodies.size} came again`);
});
