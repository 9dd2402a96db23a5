import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make } from '@im/protocol';
import { candidateOf, mentions, phoneOnline } from './decide.ts';

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

test('a message mentions the users that it names, or everybody', () => {
  const some = mentions({ atUserIDList: ['a'] });
  assert.deepEqual([some('a'), some('b')], [true, false]);
  assert.equal(mentions({ atUserIDList: ['AtAllTag'] })('b'), true);
});
