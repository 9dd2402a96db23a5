import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode, encode, type group, make, type msg, REQ } from '@im/protocol';
import { Client, GOB, JSON_GZIP, until } from './client.ts';
import { startGateway, type TestGateway } from './start-gateway.ts';

const isPush = (frame: { reqIdentifier: number }) => frame.reqIdentifier === REQ.PushMsg;
const msgData = (text: string) =>
  Buffer.from(
    encode('sdkws.MsgData', make('sdkws.MsgData', { sendID: 'x', content: Buffer.from(text), seq: 3 })),
  );

/** Waits until deliveries to the client's user are complete, as its first answer shows. */
async function synced(client: Client): Promise<Client> {
  const request = make('sdkws.GetMaxSeqReq', { userID: client.userID });
  await client.request(REQ.GetNewestSeq, 'sdkws.GetMaxSeqReq', request);
  return client;
}

function inGroups(gateway: TestGateway, groups: Record<string, string[]>): void {
  gateway.rpc.answers.set('group.getJoinedGroupIDs', (_ctx, { userID }: group.GetJoinedGroupIDsReq) =>
    make('group.GetJoinedGroupIDsResp', { groupIDs: groups[userID] ?? [] }),
  );
}

/** Texts of the pushes that arrived, in order; waits until there are `count` and then a little longer. */
async function texts(client: Client, count: number): Promise<string[]> {
  await until(() => client.left.filter(isPush).length >= count);
  await sleep(30);
  return client.left.filter(isPush).map((frame) => {
    const { msgs, notificationMsgs } = decode('sdkws.PushMessages', frame.data ?? Buffer.alloc(0));
    const [pull] = [...Object.values(msgs), ...Object.values(notificationMsgs)];
    return Buffer.from(pull?.Msgs[0]?.content ?? []).toString();
  });
}

test('a delivery reaches every connection of its user, in its own framing, one message a frame', async () => {
  await using gateway = await startGateway();
  using gob = await synced(await Client.connect(gateway.port));
  using gobGzip = await synced(
    await Client.connect(gateway.port, { platformID: 3, framing: { encoding: 'gob', gzip: true } }),
  );
  using json = await synced(
    await Client.connect(gateway.port, { platformID: 4, framing: { encoding: 'json', gzip: false } }),
  );
  using jsonGzip = await synced(await Client.connect(gateway.port, { platformID: 5, framing: JSON_GZIP }));
  const long = 'long '.repeat(20_000);
  for (const [conversationID, text] of [
    ['si_u1_x', 'hi'],
    ['n_u1_x', 'note'],
    ['si_u1_x', long],
  ] as const) {
    assert.ok(gateway.feed.deliver({ targetUserID: 'u1', conversationID, msgData: msgData(text) }));
    for (const client of [gob, gobGzip, json, jsonGzip]) {
      const frame = await client.next(isPush);
      assert.deepEqual([frame.msgIncr, frame.operationID, frame.errCode], ['', 'op-push', 0]);
      const push = decode('sdkws.PushMessages', frame.data ?? Buffer.alloc(0));
      const [filled, empty] = conversationID.startsWith('n_')
        ? [push.notificationMsgs, push.msgs]
        : [push.msgs, push.notificationMsgs];
      assert.deepEqual(Object.keys(filled), [conversationID]);
      assert.deepEqual(Object.keys(empty), []);
      const pull = filled[conversationID];
      assert.equal(pull?.isEnd, false);
      assert.equal(pull?.endSeq, 0);
      assert.equal(pull?.Msgs.length, 1);
      assert.equal(Buffer.from(pull?.Msgs[0]?.content ?? []).toString(), text);
      assert.equal(pull?.Msgs[0]?.seq, 3);
    }
  }
  assert.equal(await gateway.metric('openim_gateway_pushes_written_total'), 12);
});

test('interest begins with the first connection of a user and ends with the last', async () => {
  await using gateway = await startGateway();
  inGroups(gateway, { u1: ['g1', 'g2'], u2: ['g2'] });
  const { targets } = gateway.feed;
  const a = await synced(await Client.connect(gateway.port));
  const b = await synced(await Client.connect(gateway.port, { platformID: 3 }));
  const c = await synced(await Client.connect(gateway.port, { userID: 'u2' }));
  const t2 = await synced(await Client.connect(gateway.port, { path: '/t/t2' }));
  const sorted = () => [...targets].sort();
  assert.deepEqual(sorted(), [
    'default g g1',
    'default g g2',
    'default u u1',
    'default u u2',
    't2 g g1',
    't2 g g2',
    't2 u u1',
  ]);
  assert.equal(gateway.rpc.of('group.getJoinedGroupIDs').length, 3);
  a.socket.close();
  t2.socket.close();
  await until(() => targets.size === 4);
  b.socket.close();
  await until(() => targets.size === 2);
  assert.deepEqual(sorted(), ['default g g2', 'default u u2']);
  c.socket.close();
  await until(() => targets.size === 0);
  await until(() => gateway.events.subscriptions === 0);
});

test('the first 1001, 1006 and 2005 wait until deliveries are complete, other requests do not', async () => {
  await using gateway = await startGateway();
  inGroups(gateway, { u1: ['g1'] });
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let barrier = 0;
  gateway.feed.barrierAnswer = () => gates[barrier++]?.promise ?? Promise.resolve();
  using client = await Client.connect(gateway.port);
  using other = await Client.connect(gateway.port, { platformID: 3 });
  await until(() => gateway.feed.barriers === 1);
  assert.ok(gateway.feed.targets.has('default u u1'));
  assert.equal(
    gateway.rpc.of('group.getJoinedGroupIDs').length,
    0,
    'groups are read behind the first barrier',
  );
  const pull = make('sdkws.PullMessageBySeqsReq', { userID: 'u1' });
  assert.equal((await client.request(REQ.PullMsgByRange, 'sdkws.PullMessageBySeqsReq', pull)).errCode, 0);
  const first = client.send(
    REQ.GetNewestSeq,
    encode('sdkws.GetMaxSeqReq', make('sdkws.GetMaxSeqReq', { userID: 'u1' })),
  );
  const status = other.send(REQ.SubUserOnlineStatus, Buffer.alloc(0));
  await sleep(50);
  gates[0]?.resolve();
  await until(() => gateway.feed.barriers === 2);
  assert.ok(gateway.feed.targets.has('default g g1'));
  await sleep(50);
  assert.equal(client.left.length + other.left.length, 0);
  assert.equal(gateway.rpc.of('msg.getMaxSeq').length, 0);
  gates[1]?.resolve();
  assert.equal((await client.next((frame) => frame.msgIncr === first)).errCode, 0);
  assert.equal((await other.next((frame) => frame.msgIncr === status)).errCode, 0);
});

test('an answer given before deliveries are complete is an error, and the client must synchronize later', async () => {
  await using gateway = await startGateway({ requestTimeoutMs: 100 });
  const gate = Promise.withResolvers<void>();
  gateway.feed.barrierAnswer = () => gate.promise;
  const client = await Client.connect(gateway.port);
  const answer = await client.request(
    REQ.GetNewestSeq,
    'sdkws.GetMaxSeqReq',
    make('sdkws.GetMaxSeqReq', { userID: 'u1' }),
  );
  assert.equal(answer.errCode, 90004);
  assert.equal(client.socket.readyState, 1);
  gate.resolve();
  assert.equal(await client.closed, 1006);
  await until(async () => (await gateway.metric('openim_gateway_closed_total', { reason: 'resync' })) === 1);
});

test('interest survives failing barriers and services', async () => {
  await using gateway = await startGateway();
  let failures = 3;
  const fail = () => {
    if (failures-- > 0) throw new Error('not now');
  };
  gateway.feed.barrierAnswer = async () => fail();
  gateway.rpc.answers.set('group.getJoinedGroupIDs', () => {
    fail();
    return make('group.GetJoinedGroupIDsResp', { groupIDs: ['g1'] });
  });
  using _client = await synced(await Client.connect(gateway.port));
  assert.ok(gateway.feed.targets.has('default g g1'));
});

test('a group delivery reaches the members that are here, once each', async () => {
  await using gateway = await startGateway();
  inGroups(gateway, { u1: ['g1'], u2: ['g1'], u3: [] });
  using a = await synced(await Client.connect(gateway.port, { userID: 'u1' }));
  using b = await synced(await Client.connect(gateway.port, { userID: 'u2', framing: JSON_GZIP }));
  using c = await synced(await Client.connect(gateway.port, { userID: 'u3' }));
  gateway.feed.deliver({ targetGroupID: 'g1', conversationID: 'sg_g1', msgData: msgData('hi') });
  assert.deepEqual(await texts(a, 1), ['hi']);
  assert.deepEqual(await texts(b, 1), ['hi']);
  assert.equal(c.left.length, 0);
});

test('what a run of transfer only delivers again goes to those who synchronized before it began', async () => {
  await using gateway = await startGateway();
  gateway.feed.knownGeneration = 7;
  using early = await synced(await Client.connect(gateway.port));
  gateway.feed.knownGeneration = 8;
  using late = await synced(await Client.connect(gateway.port, { platformID: 3 }));
  using never = await Client.connect(gateway.port, { platformID: 4 });
  const deliver = (text: string, change: object) =>
    gateway.feed.deliver({
      targetUserID: 'u1',
      conversationID: 'si_u1_x',
      msgData: msgData(text),
      run: 8,
      ...change,
    });
  deliver('again', { again: true });
  deliver('new', { again: false });
  assert.deepEqual(await texts(early, 2), ['again', 'new']);
  assert.deepEqual(await texts(late, 1), ['new']);
  assert.deepEqual(await texts(never, 1), ['new']);
});

test('a new connection of the JS SDK gets pushes behind what it catches up on, and none of that twice', async () => {
  await using gateway = await startGateway();
  gateway.rpc.answers.set('msg.getConversationsHasReadAndMaxSeq', () =>
    make('msg.GetConversationsHasReadAndMaxSeqResp', {
      seqs: { si_u1_x: make('msg.Seqs', { maxSeq: 4 }) },
    }),
  );
  using client = await Client.connect(gateway.port, { framing: { encoding: 'json', gzip: false } });
  const deliver = (seq: number) =>
    gateway.feed.deliver({
      targetUserID: 'u1',
      conversationID: 'si_u1_x',
      seq,
      position: seq,
      msgData: msgData(`m${seq}`),
    });
  await until(() =>
    gateway.feed.deliver({
      targetUserID: 'u1',
      conversationID: 'si_u1_y',
      seq: 0,
      msgData: msgData('typing'),
    }),
  );
  deliver(4);
  deliver(5);
  const request = make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: 'u1' });
  await client.request(REQ.GetConvMaxReadSeq, 'msg.GetConversationsHasReadAndMaxSeqReq', request);
  deliver(6);
  const pull = make('sdkws.PullMessageBySeqsReq', { userID: 'u1' });
  await client.request(REQ.PullMsgByRange, 'sdkws.PullMessageBySeqsReq', pull);
  assert.equal(client.left.filter(isPush).length, 0);
  const got = await texts(client, 2);
  assert.deepEqual(
    got.filter((text) => text !== 'typing'),
    ['m5', 'm6'],
  );
});

test('an iOS app in the background is not written to', async () => {
  await using gateway = await startGateway();
  using ios = await synced(await Client.connect(gateway.port, { platformID: 1 }));
  using android = await synced(await Client.connect(gateway.port, { platformID: 2 }));
  const background = (client: Client, isBackground: boolean) =>
    client.request(
      REQ.SetBackground,
      'sdkws.SetAppBackgroundStatusReq',
      make('sdkws.SetAppBackgroundStatusReq', { userID: 'u1', isBackground }),
    );
  const deliver = (text: string) =>
    gateway.feed.deliver({ targetUserID: 'u1', conversationID: 'si_u1_x', msgData: msgData(text) });
  await background(ios, true);
  await background(android, true);
  deliver('one');
  assert.deepEqual(await texts(android, 1), ['one']);
  await background(ios, false);
  deliver('two');
  assert.deepEqual(await texts(ios, 1), ['two']);
});

test("the answer precedes the sender's own push by 10 ms, on that connection only", async () => {
  await using gateway = await startGateway();
  using sender = await synced(await Client.connect(gateway.port));
  using device = await synced(await Client.connect(gateway.port, { platformID: 5 }));
  const deliver = (fields: object, text: string) =>
    gateway.feed.deliver({
      targetUserID: 'u1',
      conversationID: 'si_u1_x',
      msgData: msgData(text),
      ...fields,
    });
  const gate = Promise.withResolvers<void>();
  gateway.rpc.answers.set('msg.sendMsgs', async (_ctx, { items }: msg.SendMsgsReq) => {
    const [item] = items;
    const own = { connID: item?.connID ?? '', operationID: item?.operationID ?? '' };
    deliver(own, 'own');
    deliver({}, 'behind');
    deliver({ conversationID: 'si_u1_y' }, 'elsewhere');
    await gate.promise;
    return make('msg.SendMsgsResp', { results: [make('msg.SendResult', { resp: make('msg.SendMsgResp') })] });
  });
  sender.send(REQ.SendMsg, encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: 'c' })));
  assert.deepEqual(await texts(device, 3), ['own', 'behind', 'elsewhere']);
  assert.deepEqual(await texts(sender, 1), ['elsewhere']);
  gate.resolve();
  assert.deepEqual(await texts(sender, 3), ['elsewhere', 'own', 'behind']);
  const answer = sender.arrivals.find(({ id }) => id === REQ.SendMsg);
  const pushes = sender.arrivals.filter(({ id }) => id === REQ.PushMsg);
  assert.ok((pushes[1]?.at ?? 0) - (answer?.at ?? 0) >= 9.5, 'the own push came too early');
});

test('own pushes of a pipelined sender keep their order and are not put off for ever', async () => {
  await using gateway = await startGateway();
  using sender = await synced(await Client.connect(gateway.port));
  gateway.rpc.answers.set('msg.sendMsgs', async (_ctx, { items }: msg.SendMsgsReq) => {
    await sleep(1);
    for (const { connID, operationID } of items) {
      const own = {
        targetUserID: 'u1',
        conversationID: 'si_u1_x',
        connID,
        operationID,
        msgData: msgData(operationID),
      };
      setTimeout(() => gateway.feed.deliver(own), 3);
    }
    return make('msg.SendMsgsResp', {
      results: items.map(() => make('msg.SendResult', { resp: make('msg.SendMsgResp') })),
    });
  });
  const data = encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: 'c' }));
  const wanted = Array.from({ length: 100 }, (_, i) => `op-${i}`);
  for (const operationID of wanted) sender.send(REQ.SendMsg, data, { operationID });
  assert.deepEqual(await texts(sender, 100), wanted);
  const ids = sender.arrivals.map(({ id }) => id);
  const answersBefore = ids.slice(0, ids.indexOf(REQ.PushMsg)).filter((id) => id === REQ.SendMsg);
  assert.ok(answersBefore.length < 30, 'put off too long');
});

test('many deliveries in one tick do not overflow a client that reads', async () => {
  await using gateway = await startGateway();
  using client = await synced(await Client.connect(gateway.port, { framing: GOB }));
  for (let i = 0; i < 5_000; i++) {
    gateway.feed.deliver({ targetUserID: 'u1', conversationID: 'si_u1_x', msgData: msgData(`m${i}`) });
  }
  const got = await texts(client, 5_000);
  assert.deepEqual(
    got,
    Array.from({ length: 5_000 }, (_, i) => `m${i}`),
  );
});

test('a client that does not read is closed when 256 frames wait, and affects no other', async () => {
  await using gateway = await startGateway();
  using slow = await synced(await Client.connect(gateway.port));
  using other = await synced(await Client.connect(gateway.port, { platformID: 3 }));
  slow.socket.pause();
  const text = 'x'.repeat(20_000);
  let sent = 0;
  while ((await gateway.metric('openim_gateway_queue_overflows_total')) === 0) {
    gateway.feed.deliver({ targetUserID: 'u1', conversationID: 'si_u1_x', msgData: msgData(text) });
    assert.ok(++sent < 5_000, 'never overflowed');
    await sleep(1);
  }
  assert.ok(sent > 256);
  assert.equal((await texts(other, sent)).length, sent);
  await until(
    async () => (await gateway.metric('openim_gateway_closed_total', { reason: 'overflow' })) === 1,
  );
  slow.socket.resume();
  await slow.closed;
});

test('a gap that no replay can fill makes all clients connect again', async () => {
  await using gateway = await startGateway();
  const clients = await Promise.all(
    ['u1', 'u2', 'u3'].map((userID) => Client.connect(gateway.port, { userID })),
  );
  gateway.feed.gap('too long an outage');
  for (const client of clients) assert.equal(await client.closed, 1006);
  using _again = await synced(await Client.connect(gateway.port));
});

test('a second gap while clients of the first are being moved concerns those who came meanwhile', async () => {
  await using gateway = await startGateway({ drain: { maxPerSecond: 1 } });
  const crowd = await Promise.all(
    Array.from({ length: 40 }, (_, i) => Client.connect(gateway.port, { userID: `u${i}` })),
  );
  gateway.feed.gap('first');
  await until(async () => (await gateway.metric('openim_gateway_closed_total', { reason: 'resync' })) > 0);
  using newcomer = await synced(await Client.connect(gateway.port, { userID: 'newcomer' }));
  gateway.feed.gap('second');
  using after = await synced(await Client.connect(gateway.port, { userID: 'after' }));
  // The first ones need not be waited for.
  for (const client of crowd) client.socket.close();
  assert.equal(await newcomer.closed, 1006);
  await sleep(200);
  assert.equal(after.closedAt, undefined, 'what came after the gap has missed nothing');
});

test('a client that never synchronizes gets redeliveries once it counts as if it had', async (t) => {
  await using gateway = await startGateway();
  gateway.feed.knownGeneration = 7;
  const { now } = performance;
  let ahead = 0;
  t.mock.method(performance, 'now', () => now.call(performance) + ahead);
  using bot = await Client.connect(gateway.port);
  const deliver = (text: string, run: number) =>
    gateway.feed.deliver({
      targetUserID: 'u1',
      conversationID: 'si_u1_x',
      msgData: msgData(text),
      run,
      again: true,
    });
  deliver('it may yet ask', 8);
  ahead = 10_000;
  deliver('before it came', 7);
  deliver('in flight when the run began', 8);
  assert.deepEqual(await texts(bot, 1), ['in flight when the run began']);
});

test('a group message for some members reaches only these', async () => {
  await using gateway = await startGateway();
  inGroups(gateway, { u1: ['g1'], u2: ['g1'] });
  using one = await synced(await Client.connect(gateway.port));
  using two = await synced(await Client.connect(gateway.port, { userID: 'u2' }));
  const delivery = { targetGroupID: 'g1', conversationID: 'sg_g1' };
  gateway.feed.deliver({ ...delivery, msgData: msgData('for u2'), onlyUserIDs: ['u2', 'elsewhere'] });
  gateway.feed.deliver({ ...delivery, msgData: msgData('for all') });
  assert.deepEqual(await texts(two, 2), ['for u2', 'for all']);
  assert.deepEqual(await texts(one, 1), ['for all']);
});
