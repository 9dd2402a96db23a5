import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSpan } from '@im/kit';
import { decode, ImError, make, type sdkws } from '@im/protocol';
import { recordingTracer } from '@im/testing';
import { callBy, fakeSender, type SenderFixture, smallFixture } from '../../test/fakes.ts';

function message(change: Partial<sdkws.MsgData> = {}): sdkws.MsgData {
  return make('sdkws.MsgData', {
    sendID: 'a',
    recvID: 'b',
    clientMsgID: `m${Math.random()}`,
    sessionType: 1,
    contentType: 101,
    content: Buffer.from('{"content":"x"}'),
    ...change,
  });
}
const toGroup = (change: Partial<sdkws.MsgData> = {}) =>
  message({ sessionType: 3, groupID: 'g', recvID: '', ...change });
const hasCode = (code: number, detail?: RegExp) => (error: unknown) =>
  error instanceof ImError && error.code === code && (detail?.test(error.detail) ?? true);

/** Who may not send what, and why not. */
const refusals: readonly {
  readonly name: string;
  readonly m: Partial<sdkws.MsgData>;
  readonly by?: string;
  readonly fixture?: (fixture: SenderFixture) => void;
  readonly friendVerify?: boolean;
  readonly code: number;
}[] = [
  { name: 'in the name of another', m: { sendID: 'c' }, by: 'a', code: 1002 },
  { name: 'unknown sender', m: { sendID: 'unknown' }, by: 'unknown', code: 1004 },
  { name: 'unknown receiver', m: { recvID: 'unknown' }, code: 1004 },
  { name: 'blocked', m: {}, fixture: (w) => w.blocked.add('b/a'), code: 1302 },
  { name: 'not a friend', m: {}, friendVerify: true, code: 1303 },
  {
    name: 'friend in one direction only, the wrong one',
    m: {},
    friendVerify: true,
    fixture: (w) => w.friends.add('a/b'),
    code: 1303,
  },
  {
    name: 'receiver takes nothing',
    m: {},
    fixture: (w) => Object.assign(w.users, { b: { opt: 1 } }),
    code: 1001,
  },
  {
    name: 'receiver takes nothing here',
    m: {},
    fixture: (w) => Object.assign(w.recvOpts, { 'b/si_a_b': 1 }),
    code: 1001,
  },
  {
    name: 'a forged notification of the group',
    m: { contentType: 1508, sessionType: 3, groupID: 'g' },
    code: 1002,
  },
  { name: 'a forged revocation', m: { contentType: 2101 }, code: 1002 },
  { name: 'a forged receipt', m: { contentType: 2200 }, code: 1002 },
  { name: 'a message marked as notification', m: { options: { isNotNotification: false } }, code: 1002 },
  { name: 'an account notification by a plain user', m: { contentType: 1400, sessionType: 4 }, code: 1002 },
  { name: 'unknown group', m: { sessionType: 3, groupID: 'none' }, code: 1004 },
  {
    name: 'dismissed group',
    m: { sessionType: 3, groupID: 'g' },
    fixture: (w) => Object.assign(w.groups, { g: { status: 2 } }),
    code: 1204,
  },
  {
    name: 'not a member',
    m: { sessionType: 3, groupID: 'g' },
    fixture: (w) => void delete w.members['g/a'],
    code: 1203,
  },
  {
    name: 'muted member',
    m: { sendID: 'c', sessionType: 3, groupID: 'g' },
    by: 'c',
    fixture: (w) => Object.assign(w.members, { 'g/c': { roleLevel: 20, muteEndTime: Date.now() + 5_000 } }),
    code: 1402,
  },
  {
    name: 'muted group',
    m: { sendID: 'c', sessionType: 3, groupID: 'g' },
    by: 'c',
    fixture: (w) => Object.assign(w.groups, { g: { status: 3 } }),
    code: 1403,
  },
];

for (const { name, m, by, fixture: change, friendVerify, code } of refusals) {
  test(`refused: ${name} (${code})`, async () => {
    const fixture = smallFixture();
    change?.(fixture);
    const { sender, records } = fakeSender(fixture, { friendVerify });
    await assert.rejects(sender.send(callBy(by ?? m.sendID ?? 'a'), message(m), 100), hasCode(code));
    assert.equal(records.length, 0);
  });
}

test('what passes: friends, the owner and admins of a muted group, accounts and administrators', async () => {
  const fixture = smallFixture();
  fixture.friends.add('b/a');
  fixture.groups.g = { status: 3 };
  fixture.members['g/a'] = { roleLevel: 100, muteEndTime: Date.now() + 5_000 };
  const { sender, records } = fakeSender(fixture, { friendVerify: true });
  await sender.send(callBy('a'), message(), 100);
  await sender.send(callBy('a'), toGroup(), 100);
  await sender.send(callBy('b'), toGroup({ sendID: 'b' }), 100);
  await sender.send(callBy('boss'), message({ sendID: 'boss' }), 100);
  await sender.send(callBy('acc'), message({ sendID: 'acc', contentType: 1400, sessionType: 4 }), 100);
  const admin = callBy('imAdmin', { opAdmin: true, connID: '' });
  await sender.send(admin, message({ sendID: 'imAdmin' }), 100);
  await sender.send(admin, toGroup({ sendID: 'imAdmin' }), 100);
  assert.equal(records.length, 7);
});

test('an administrator sends in the name of others, whose checks hold', async () => {
  const fixture = smallFixture();
  const { sender, records } = fakeSender(fixture);
  const admin = callBy('imAdmin', { opAdmin: true, connID: '' });
  await sender.send(
    admin,
    message({ msgFrom: 200, contentType: 2001, options: { isNotNotification: false } }),
    100,
  );
  assert.equal(decode('sdkws.MsgData', records[0]?.entries[0]?.msgData ?? new Uint8Array()).msgFrom, 200);
  fixture.blocked.add('b/a');
  await assert.rejects(sender.send(admin, message(), 100), hasCode(1302));
});

test('the server fills in what is its own to say', async () => {
  const { sender, records } = fakeSender(smallFixture());
  const before = Date.now();
  const answer = await sender.send(
    callBy('a'),
    message({ msgFrom: 200, status: 1, serverMsgID: 'mine', clientMsgID: '', seq: 9 }),
    100,
  );
  const sent = decode('sdkws.MsgData', records[0]?.entries[0]?.msgData ?? new Uint8Array());
  assert.deepEqual([sent.msgFrom, sent.status, sent.seq], [100, 2, 0]);
  assert.equal(sent.serverMsgID, answer.serverMsgID);
  assert.equal(sent.clientMsgID, answer.clientMsgID);
  assert.ok(sent.clientMsgID.length > 0 && sent.sendTime >= before && sent.sendTime === answer.sendTime);
  const kept = await sender.send(callBy('a'), message({ sendTime: 5 }), 100);
  assert.equal(kept.sendTime, 5);
  const { operationID, connID, tenant, version } = records[0] ?? make('log.Record');
  assert.deepEqual([operationID, connID, tenant, version], ['op-1', 'conn-1', 't1', 1]);
});

test('receive options 2 and content types switch options off', async () => {
  const fixture = smallFixture();
  fixture.recvOpts['b/si_a_b'] = 2;
  const { sender, records } = fakeSender(fixture);
  const last = () => decode('sdkws.MsgData', records.at(-1)?.entries[0]?.msgData ?? new Uint8Array());
  await sender.send(callBy('a'), message(), 100);
  assert.deepEqual(last().options, { offlinePush: false });
  assert.equal(records[0]?.entries[0]?.offlinePush, false);
  fixture.recvOpts = {};
  fixture.users.b = { opt: 2 };
  await sender.send(callBy('a'), message(), 100);
  assert.deepEqual(last().options, { offlinePush: false });
  fixture.users.b = {};
  await sender.send(callBy('a'), message(), 100);
  assert.deepEqual(last().options, {}, 'no message sees the options of another');
  await sender.send(callBy('a'), message({ contentType: 111 }), 100);
  assert.deepEqual(last().options, { unreadCount: false, offlinePush: false });
});

test('a retry gets the same answer and costs the log nothing; another content does not', async () => {
  const { sender, records } = fakeSender(smallFixture());
  const first = await sender.send(callBy('a'), message({ clientMsgID: 'same' }), 100);
  const second = await sender.send(callBy('a'), message({ clientMsgID: 'same' }), 100);
  assert.deepEqual(second, first);
  assert.equal(records.length, 1);
  const other = message({ clientMsgID: 'same', content: Buffer.from('{}') });
  assert.notEqual((await sender.send(callBy('a'), other, 100)).serverMsgID, first.serverMsgID);
});

test('a failed send is not remembered as sent', async () => {
  const fake = fakeSender(smallFixture());
  fake.failure = new ImError(90_004, 'no log');
  await assert.rejects(fake.sender.send(callBy('a'), message({ clientMsgID: 'x' }), 100), hasCode(90_004));
  fake.failure = undefined;
  await fake.sender.send(callBy('a'), message({ clientMsgID: 'x' }), 100);
  assert.equal(fake.records.length, 1);
});

test('records of a chat are made again where one is missing', async () => {
  const fixture = smallFixture();
  const { sender, records } = fakeSender(fixture);
  const asked = () => records.at(-1)?.entries[0]?.ensureOwners;
  await sender.send(callBy('a'), message(), 100);
  assert.equal(asked(), true);
  fixture.recvOpts['b/si_a_b'] = 0;
  await sender.send(callBy('a'), message(), 100);
  assert.equal(asked(), true);
  fixture.recvOpts['a/si_a_b'] = 0;
  await sender.send(callBy('a'), message(), 100);
  assert.equal(asked(), false);
});

test('so is the record of an account chat, which its receiver alone has', async () => {
  const fixture = smallFixture();
  const { sender, records } = fakeSender(fixture);
  const asked = () => records.at(-1)?.entries[0]?.ensureOwners;
  const notify = () =>
    sender.send(
      callBy('acc'),
      message({ sendID: 'acc', contentType: 1400, sessionType: 4, options: { history: true } }),
      100,
    );
  await notify();
  assert.equal(asked(), true);
  fixture.recvOpts['b/sn_acc_b'] = 0;
  await notify();
  assert.equal(asked(), false);
});

test('typing passes the checks and skips the log', async () => {
  const fixture = smallFixture();
  const { sender, records, transient } = fakeSender(fixture);
  await sender.send(callBy('a'), message({ contentType: 113, status: 1 }), 100);
  await sender.send(callBy('a'), toGroup({ contentType: 113 }), 100);
  assert.equal(records.length, 0);
  assert.deepEqual(
    transient.map(({ userID, groupID, delivery }) => [
      userID,
      groupID,
      delivery.conversationID,
      delivery.seq,
    ]),
    [
      ['b', undefined, 'si_a_b', 0],
      [undefined, 'g', 'sg_g', 0],
    ],
  );
  assert.equal(transient[0]?.message.options.history, false);
  assert.equal(transient[0]?.message.status, 2);
  fixture.blocked.add('b/a');
  await assert.rejects(sender.send(callBy('a'), message({ contentType: 113 }), 100), hasCode(1302));
});

test('messages that mention all members are limited by user and group, and refused before they are written', async () => {
  const fake = fakeSender(smallFixture(), { userLimits: { mentionAllPerMinute: 0.001, mentionAllBurst: 2 } });
  const send = (change: Partial<sdkws.MsgData> = {}, ctx = callBy('a')) =>
    fake.sender.send(ctx, toGroup({ contentType: 106, atUserIDList: ['AtAllTag'], ...change }), 100);
  await send({ clientMsgID: 'first' });
  await send();
  await assert.rejects(send(), hasCode(429, /limits\.mentionAll/));
  assert.equal(fake.records.length, 2);
  await send({ clientMsgID: 'first' });
  assert.equal(fake.records.length, 2, 'a repeated message is answered as before');
  await send({ atUserIDList: ['c'] });
  await send({ contentType: 101, atUserIDList: [] });
  await send({}, callBy('a', { opAdmin: true }));
  assert.equal(fake.records.length, 5);
});

test('a record continues the trace of the call that it was sent by', async () => {
  const { sender, records } = fakeSender(smallFixture());
  const tracing = recordingTracer();
  const call = withSpan(callBy('a'), tracing.tracer.begin('t', 'root'));
  await sender.send(call, message(), 10);
  await sender.send(callBy('a'), message(), 10);
  const step = tracing.named('append to log');
  assert.deepEqual([step.parent, step.ended], [tracing.named('root').traceparent, true]);
  assert.deepEqual(
    records.map(({ traceparent }) => traceparent),
    [step.traceparent, ''],
  );
});
