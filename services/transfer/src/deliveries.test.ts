import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import { decode, encode, make } from '@im/protocol';
import { deliveriesOf } from './deliveries.ts';

const place = {
  tenant: DEFAULT_TENANT,
  partition: 3,
  position: 2 ** 41 + 7,
  fence: 2,
  timeMs: 5,
  generation: 9,
};
const msgData = encode('sdkws.MsgData', make('sdkws.MsgData', { clientMsgID: 'x', seq: 0 }));

const decoded = (...args: Parameters<typeof deliveriesOf>) =>
  deliveriesOf(...args).map((outgoing) => ({ outgoing, delivery: decode('log.Delivery', outgoing.payload) }));

test('a chat message goes once to each user, with everything that it needs', () => {
  const record = make('log.Record', { operationID: 'op', connID: 'c', sendID: 'a', sessionType: 1 });
  const entry = make('log.Entry', {
    conversationID: 'si_a_b',
    userIDs: ['b', 'ä', 'b'],
    offlinePush: true,
    msgData,
  });
  const out = decoded(place, record, entry, 1, 300, true);
  assert.deepEqual(
    out.map(({ outgoing, delivery }) => [outgoing.targetUserID, delivery.targetUserID]),
    [
      ['b', 'b'],
      ['ä', 'ä'],
    ],
  );
  const { delivery } = out[0] ?? {};
  assert.equal(delivery?.position, 2 ** 41 + 7);
  assert.equal(delivery?.seq, 300);
  assert.equal(delivery?.entry, 1);
  assert.equal(delivery?.run, 9);
  assert.equal(delivery?.again, true);
  assert.equal(delivery?.offlinePush, true);
  assert.equal(decode('sdkws.MsgData', delivery?.msgData ?? msgData).seq, 300);
});

test('a change of membership names all users to the group, and to each user only that user', () => {
  const record = make('log.Record', { groupID: 'g', addedUserIDs: ['n1', 'n2'], removedUserIDs: ['old'] });
  const entry = make('log.Entry', { conversationID: 'sg_g', toGroup: true, userIDs: ['x'], msgData });
  const out = decoded(place, record, entry, 0, 1, false).map(({ delivery }) => [
    delivery.targetUserID || delivery.targetGroupID,
    delivery.addedUserIDs,
    delivery.removedUserIDs,
  ]);
  assert.deepEqual(out, [
    ['x', [], []],
    ['n1', ['n1'], []],
    ['n2', ['n2'], []],
    ['old', [], ['old']],
    ['g', ['n1', 'n2'], ['old']],
  ]);
});

test('what travels with a change of membership to single users names no users', () => {
  const record = make('log.Record', {
    groupID: 'g',
    removedUserIDs: ['old'],
    memberVersion: 7,
    memberVersionBefore: 5,
  });
  const entry = make('log.Entry', { conversationID: 'n_old_old', userIDs: ['old'], msgData });
  const [only] = decoded(place, record, entry, 2, 0, false);
  assert.deepEqual([only?.delivery.targetUserID, only?.delivery.removedUserIDs], ['old', []]);
  assert.deepEqual([only?.delivery.memberVersion, only?.delivery.memberVersionBefore], [7, 5]);
});

test('a message for some members names them to the group, and goes to no user alone', () => {
  const record = make('log.Record', { groupID: 'g' });
  const entry = make('log.Entry', {
    conversationID: 'sg_g',
    toGroup: true,
    onlyUserIDs: ['a', 'b'],
    msgData,
  });
  const out = decoded(place, record, entry, 0, 1, false).map(({ delivery }) => [
    delivery.targetUserID,
    delivery.targetGroupID,
    delivery.onlyUserIDs,
  ]);
  assert.deepEqual(out, [['', 'g', ['a', 'b']]]);
});

test('a message that is pushed to no user is delivered to none', () => {
  const record = make('log.Record', { groupID: 'g' });
  assert.deepEqual(
    decoded(place, record, make('log.Entry', { conversationID: 'sg_g', msgData }), 0, 1, false),
    [],
  );
});

test('the trace of a record goes on in its deliveries; without one they are as they were', () => {
  const entry = make('log.Entry', { conversationID: 'si_a_b', userIDs: ['b'], msgData });
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
  const [plain, traced] = ['', traceparent].map((text) => {
    const record = make('log.Record', { operationID: 'op' });
    if (text !== '') record.traceparent = text;
    return deliveriesOf(place, record, entry, 0, 1, false)[0]?.payload;
  });
  assert.ok(plain && traced);
  assert.equal(decode('log.Delivery', traced).traceparent, traceparent);
  assert.equal(decode('log.Delivery', plain).traceparent, '');
  assert.equal(traced.length - plain.length, 2 + 1 + traceparent.length, 'not even an empty field');
});
