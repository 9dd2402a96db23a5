import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { decode, make, type sdkws } from '@im/protocol';
import { buildRecord, dedupKey, serverMsgID } from './record.ts';

const t = tenantId('t1');
const origin = { tenant: t, operationID: 'op', connID: 'c' };

function message(change: Partial<sdkws.MsgData> = {}): sdkws.MsgData {
  return make('sdkws.MsgData', {
    sendID: 'b',
    recvID: 'a',
    clientMsgID: 'm1',
    sessionType: 1,
    contentType: 101,
    content: Buffer.from('{}'),
    sendTime: 5,
    status: 1,
    seq: 77,
    isRead: true,
    options: {},
    ...change,
  });
}
const build = (m: sdkws.MsgData, ensureOwners = false) =>
  buildRecord(origin, dedupKey(t, m), m, ensureOwners, 0);
const inside = (bytes: Uint8Array | undefined) => decode('sdkws.MsgData', bytes ?? new Uint8Array());

test('a single chat: one stored entry for both, without seq, sent', () => {
  const m = message();
  const key = dedupKey(t, m);
  const { record, queueKey } = buildRecord(origin, key, m, false, 0);
  assert.equal(queueKey, 'a_b');
  assert.equal(record.dedupKey.length, 16);
  assert.equal(record.entries.length, 1);
  const [entry] = record.entries;
  assert.equal(entry?.conversationID, 'si_a_b');
  assert.deepEqual(
    [entry?.stored, entry?.toGroup, entry?.offlinePush, entry?.senderReads],
    [true, false, true, true],
  );
  assert.deepEqual(entry?.userIDs, ['a', 'b']);
  assert.deepEqual(entry?.conversationOwners, ['b', 'a']);
  const delivered = inside(entry?.msgData);
  assert.deepEqual([delivered.seq, delivered.status, delivered.isRead], [0, 2, false]);
  assert.equal(delivered.serverMsgID, serverMsgID(key));
  assert.match(delivered.serverMsgID, /^[0-9a-f]{32}$/);
});

test('the dedup key differs between messages, but not between retries', () => {
  const key = (change: Partial<sdkws.MsgData>, tenant = t) =>
    dedupKey(tenant, message(change)).toString('hex');
  assert.equal(key({}), key({ sendTime: 99, status: 0, options: { history: false } }));
  for (const change of [
    { clientMsgID: 'm2' },
    { content: Buffer.from('{ }') },
    { contentType: 102 },
    { recvID: 'c' },
    { sessionType: 3, groupID: 'g' },
  ]) {
    assert.notEqual(key({}), key(change), JSON.stringify(change));
  }
  assert.notEqual(key({}), key({}, tenantId('t2')));
});

test('options decide what is stored, to whom it goes and whether it is pushed', () => {
  const [unstored] = build(message({ options: { history: false, senderSync: false, offlinePush: false } }))
    .record.entries;
  assert.deepEqual(
    [
      unstored?.stored,
      unstored?.offlinePush,
      unstored?.senderReads,
      unstored?.userIDs,
      unstored?.conversationOwners,
    ],
    [false, false, false, ['a'], []],
  );
  const [toSelf] = build(message({ recvID: 'b' })).record.entries;
  assert.deepEqual([toSelf?.userIDs, toSelf?.conversationOwners], [['b'], ['b']]);
  const [account] = build(message({ sessionType: 4, contentType: 1400 })).record.entries;
  assert.deepEqual([account?.conversationID, account?.conversationOwners], ['sn_a_b', ['a']]);
  const [group] = build(message({ sessionType: 3, groupID: 'g' }), true).record.entries;
  assert.deepEqual(
    [group?.conversationID, group?.toGroup, group?.userIDs, group?.conversationOwners],
    ['sg_g', true, [], []],
  );
});

test('a notification goes to the notification conversation; with isSendMsg a clone precedes it in the chat', () => {
  const quiet = build(
    message({ options: { isNotNotification: false, isSendMsg: false, history: true } }),
  ).record;
  assert.deepEqual(
    quiet.entries.map(({ conversationID, stored, senderReads }) => [conversationID, stored, senderReads]),
    [['n_a_b', true, false]],
  );
  const both = build(
    message({
      options: {
        isNotNotification: false,
        isSendMsg: true,
        history: false,
        offlinePush: true,
        unreadCount: true,
        conversationUpdate: false,
      },
    }),
  ).record;
  assert.deepEqual(
    both.entries.map(({ conversationID, stored, offlinePush }) => [conversationID, stored, offlinePush]),
    [
      ['si_a_b', true, true],
      ['n_a_b', false, false],
    ],
  );
  const [clone, original] = both.entries.map(({ msgData }) => inside(msgData));
  assert.deepEqual(clone?.options, { offlinePush: true, unreadCount: true });
  assert.deepEqual(original?.options, {
    isNotNotification: false,
    isSendMsg: true,
    history: false,
    offlinePush: false,
    unreadCount: false,
    conversationUpdate: false,
  });
  assert.equal(clone?.clientMsgID, original?.clientMsgID);
  assert.equal(clone?.serverMsgID, original?.serverMsgID);
});

test('a message to a group carries the version of its members; a change carries the new one', () => {
  const m = message({ sessionType: 3, groupID: 'g', recvID: 'g' });
  const none = { added: [], removed: [], version: 0, before: 0, hideHistory: false };
  assert.equal(buildRecord(origin, dedupKey(t, m), m, false, 4).record.memberVersion, 4);
  assert.equal(buildRecord(origin, dedupKey(t, m), m, false, 4, none).record.memberVersion, 4);
});

test('notifications to single users travel behind the one that they belong to', () => {
  const m = message({ sessionType: 3, groupID: 'g', recvID: 'g' });
  const own = message({ sendID: 'u', recvID: 'u', contentType: 1300, options: { history: false } });
  const { record } = buildRecord(origin, dedupKey(t, m), m, false, 0, undefined, [own]);
  const last = record.entries.at(-1);
  assert.deepEqual([last?.userIDs, last?.toGroup, last?.stored], [['u'], false, false]);
});

test('membership travels with the record', () => {
  const m = message({ sessionType: 3, groupID: 'g', recvID: 'g' });
  const change = { added: ['x'], removed: ['y'], version: 7, before: 5, hideHistory: true };
  const { record } = buildRecord(origin, dedupKey(t, m), m, false, 0, change);
  assert.deepEqual(
    [record.addedUserIDs, record.removedUserIDs, record.memberVersion, record.memberVersionBefore],
    [['x'], ['y'], 7, 5],
  );
});
