import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PushSettings, tenantId } from '@im/contract';
import { make, type sdkws } from '@im/protocol';
import { notificationOf, wording } from './notification.ts';

const info = make('sdkws.OfflinePushInfo', {
  title: 'Hi',
  desc: 'text',
  ex: '{"a":1}',
  iOSPushSound: 'ding',
});
const message = (fields: Partial<sdkws.MsgData>) =>
  make('sdkws.MsgData', { clientMsgID: 'c', sendID: 'a', ...fields });
const shown = (fields: Partial<sdkws.MsgData>, settings: object = {}) =>
  notificationOf(
    { tenant: tenantId('t1'), operationID: 'op', conversationID: 'si_a_b', message: message(fields) },
    PushSettings.parse(settings),
  );

test("the sender's own words win over those of the content type", () => {
  const of = (fields: Partial<sdkws.MsgData>) => wording(message(fields), '[NEWMSG]');
  assert.deepEqual(of({ contentType: 101, offlinePushInfo: info }), { title: 'Hi', body: 'text' });
  assert.deepEqual(of({ contentType: 102 }), { title: '[PICTURE]', body: '[PICTURE]' });
  assert.deepEqual(of({ contentType: 118 }), { title: '[NEWMSG]', body: '[NEWMSG]' });
});

test('no notification is without title and text', () => {
  const empty = make('sdkws.OfflinePushInfo');
  for (const offlinePushInfo of [null, empty])
    for (const contentType of [101, 106, 118, 1601, 0]) {
      const { title, body } = shown({ contentType, offlinePushInfo });
      assert.ok(title !== '' && body !== '', `${contentType}`);
    }
  assert.equal(shown({ contentType: 106 }, { fallbackText: 'New message' }).title, 'New message');
});

test('what a tenant does not want to be shown leaves with no notification', () => {
  const of = (content: string) => shown({ contentType: 101, offlinePushInfo: info }, { content });
  assert.deepEqual([of('full').title, of('full').body, of('full').data.ex], ['Hi', 'text', '{"a":1}']);
  assert.deepEqual([of('title').title, of('title').body], ['Hi', '[NEWMSG]']);
  const none = JSON.stringify(of('none'));
  for (const secret of ['Hi', 'text', '"a\\":1']) assert.ok(!none.includes(secret), secret);
});

test('notifications of a conversation replace each other, unless the tenant wants each', () => {
  const ids = (settings: object) =>
    new Set(['1', '2'].map((serverMsgID) => shown({ serverMsgID }, settings).collapseID));
  assert.equal(ids({}).size, 1);
  assert.equal(ids({ collapse: false }).size, 2);
  assert.match(shown({}).collapseID, /^[\w-]{16}$/);
});

test('a message has the same id in every attempt, and its own sound', () => {
  assert.equal(shown({ serverMsgID: '1' }).id, shown({ serverMsgID: '1' }).id);
  assert.notEqual(shown({ serverMsgID: '1' }).id, shown({ serverMsgID: '2' }).id);
  assert.match(shown({}).id, /^[0-9a-f]{32}$/);
  assert.equal(shown({ offlinePushInfo: info }).sound, 'ding');
  assert.equal(shown({}, { sound: 'bell' }).sound, 'bell');
});
