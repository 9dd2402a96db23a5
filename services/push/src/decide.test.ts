import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make } from '@im/protocol';
import { candidateOf, phoneOnline } from './decide.ts';
import { wording } from './notification.ts';

const delivery = (fields: object) =>
  make('log.Delivery', { sendID: 'a', offlinePush: true, sessionType: 1, ...fields });
const on = (platformID: number, isBackground = false) =>
  make('user.PlatformOnlineDetail', { platformID, isBackground });

test('only the receiver of a single chat and the group itself are candidates', () => {
  assert.deepEqual(candidateOf(delivery({ targetUserID: 'b' })), { kind: 'user', userID: 'b' });
  assert.deepEqual(candidateOf(delivery({ targetUserID: 'a' })), { kind: 'none' });
  assert.deepEqual(candidateOf(delivery({ targetUserID: 'b', offlinePush: false })), { kind: 'none' });
  assert.deepEqual(candidateOf(delivery({ targetGroupID: 'g', sessionType: 3 })), {
    kind: 'group',
    groupID: 'g',
  });
  assert.deepEqual(candidateOf(delivery({ targetUserID: 'b', sessionType: 3 })), { kind: 'none' });
});

test('only a phone in use keeps a user from being woken', () => {
  assert.equal(phoneOnline([on(2)]), true);
  assert.equal(phoneOnline([on(1)]), true);
  assert.equal(phoneOnline([on(1, true)]), false);
  assert.equal(phoneOnline([on(5), on(3), on(9)]), false);
  assert.equal(phoneOnline([on(1, true), on(2)]), true);
  assert.equal(phoneOnline([]), false);
});

test("the sender's own words win over those of the content type", () => {
  const info = make('sdkws.OfflinePushInfo', { title: 'Hi', desc: 'text' });
  assert.deepEqual(wording(make('sdkws.MsgData', { contentType: 101, offlinePushInfo: info })), {
    title: 'Hi',
    content: 'text',
  });
  assert.deepEqual(wording(make('sdkws.MsgData', { contentType: 102 })), {
    title: '[PICTURE]',
    content: '[PICTURE]',
  });
  assert.deepEqual(wording(make('sdkws.MsgData', { contentType: 106 })), {
    title: '',
    content: '[NEWMSG]',
  });
  assert.deepEqual(wording(make('sdkws.MsgData', { contentType: 118 })), {
    title: '[NEWMSG]',
    content: '[NEWMSG]',
  });
});
