import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { as, asksBefore, codeOf, describeDomain, describeReceiver, TENANTS } from '@im/testing';
import { relationService } from '../src/index.ts';

const [T, OTHER] = TENANTS;
const USERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const domain = describeDomain(relationService, {}, { [T]: USERS, [OTHER]: USERS });
const receiver = describeReceiver(domain, T);

const apply = (fromUserID: string, toUserID: string, tenant = T) =>
  domain.relation.applyToAddFriend(
    as(tenant, fromUserID),
    make('relation.ApplyToAddFriendReq', { fromUserID, toUserID, reqMsg: 'hi', ex: 'x' }),
  );
const answer = (fromUserID: string, toUserID: string, handleResult = 1) =>
  domain.relation.respondFriendApply(
    as(T, toUserID),
    make('relation.RespondFriendApplyReq', { fromUserID, toUserID, handleResult, handleMsg: 'ok' }),
  );
const importFriends = (ownerUserID: string, friendUserIDs: string[]) =>
  domain.relation.importFriend(
    as(T, 'imAdmin', true),
    make('relation.ImportFriendReq', { ownerUserID, friendUserIDs }),
  );
const friendsOf = async (userID: string) =>
  (await domain.relation.getFriendIDs(as(T, userID), make('relation.GetFriendIDsReq', { userID }))).friendIDs;
const remarkOf = async (ownerUserID: string, friendUserID: string) => {
  const req = make('relation.GetDesignatedFriendsReq', { ownerUserID, friendUserIDs: [friendUserID] });
  return (await domain.relation.getDesignatedFriends(as(T, ownerUserID), req)).friendsInfo[0]?.remark;
};
const setRemark = (ownerUserID: string, friendUserID: string, remark: string) =>
  domain.relation.setFriendRemark(
    as(T, ownerUserID),
    make('relation.SetFriendRemarkReq', { ownerUserID, friendUserID, remark }),
  );
const reported = async () => (await domain.takeWebhooks()).map(({ event, body }) => ({ event, body }));

test('applications for friendship', async () => {
  await asksBefore(receiver, {
    event: 'beforeAddFriend',
    command: 'callbackBeforeAddFriendCommand',
    body: { fromUserID: 'a', toUserID: 'b', reqMsg: 'hi', ex: 'x' },
    call: () => apply('a', 'b'),
    async made() {
      const req = make('relation.GetDesignatedFriendsApplyReq', { fromUserID: 'a', toUserID: 'b' });
      const { friendRequests } = await domain.relation.getDesignatedFriendsApply(as(T, 'a'), req);
      return friendRequests.length > 0;
    },
  });
  assert.deepEqual(await reported(), [
    {
      event: 'afterAddFriend',
      body: {
        callbackCommand: 'callbackAfterAddFriendCommand',
        fromUserID: 'a',
        toUserID: 'b',
        reqMsg: 'hi',
      },
    },
  ]);
  const body = { fromUserID: 'a', blackUserID: 'b', HandleResult: 1, HandleMsg: 'ok' };
  await asksBefore(receiver, {
    event: 'beforeAddFriendAgree',
    command: 'callbackBeforeAddFriendAgreeCommand',
    body,
    call: () => answer('a', 'b'),
    made: async () => (await friendsOf('a')).includes('b'),
  });
  assert.deepEqual(await reported(), [
    {
      event: 'afterAddFriendAgree',
      body: { callbackCommand: 'callbackAfterAddFriendAgreeCommand', ...body },
    },
  ]);
});

test('nothing is asked about what is not allowed, or of a tenant without webhooks', async () => {
  assert.equal(
    await codeOf(
      domain.relation.applyToAddFriend(
        as(T, 'c'),
        make('relation.ApplyToAddFriendReq', { fromUserID: 'a', toUserID: 'b' }),
      ),
    ),
    ERR.NoPermissionError,
  );
  await apply('a', 'b', OTHER);
  assert.deepEqual(receiver.take(), []);
  assert.deepEqual(await reported(), []);
});

test('imports, with the friends that the answer names, which must exist', async () => {
  await asksBefore(receiver, {
    event: 'beforeImportFriends',
    command: 'callbackBeforeImportFriendsCommand',
    body: { ownerUserID: 'c', friendUserIDs: ['d'] },
    call: () => importFriends('c', ['d']),
    made: async () => (await friendsOf('c')).includes('d'),
  });
  await domain.takeWebhooks();
  receiver.answer({ friendUserIDs: ['unknown'] });
  assert.equal(await codeOf(importFriends('c', ['e'])), ERR.RecordNotFoundError);
  receiver.answer({ friendUserIDs: ['f'] });
  await importFriends('c', ['e']);
  assert.deepEqual((await friendsOf('c')).sort(), ['d', 'f']);
  assert.deepEqual(await reported(), [
    {
      event: 'afterImportFriends',
      body: { callbackCommand: 'callbackAfterImportFriendsCommand', ownerUserID: 'c', friendUserIDs: ['f'] },
    },
  ]);
});

test('remarks, with the one of the answer', async () => {
  await importFriends('e', ['f']);
  await domain.takeWebhooks();
  await asksBefore(receiver, {
    event: 'beforeSetFriendRemark',
    command: 'callbackBeforeSetFriendRemarkCommand',
    body: { ownerUserID: 'e', friendUserID: 'f', remark: 'Fred' },
    call: () => setRemark('e', 'f', 'Fred'),
    made: async () => (await remarkOf('e', 'f')) === 'Fred',
  });
  await domain.takeWebhooks();
  receiver.answer({ remark: 'Mr F' });
  await setRemark('e', 'f', 'Freddy');
  assert.equal(await remarkOf('e', 'f'), 'Mr F');
  const command = 'callbackAfterSetFriendRemarkCommand';
  assert.deepEqual(await reported(), [
    {
      event: 'afterSetFriendRemark',
      body: { callbackCommand: command, ownerUserID: 'e', friendUserID: 'f', remark: 'Mr F' },
    },
  ]);
  receiver.answer({ remark: 'x'.repeat(5_000) });
  assert.equal(await codeOf(setRemark('e', 'f', 'Freddy')), ERR.ArgsError);
});

test('friends that are given up', async () => {
  await importFriends('g', ['h']);
  await domain.takeWebhooks();
  const req = make('relation.DeleteFriendReq', { ownerUserID: 'g', friendUserID: 'h' });
  await domain.relation.deleteFriend(as(T, 'g'), req);
  assert.deepEqual(await reported(), [
    {
      event: 'afterDeleteFriend',
      body: { callbackCommand: 'callbackAfterDeleteFriendCommand', ownerUserID: 'g', friendUserID: 'h' },
    },
  ]);
});

test('blacklists', async () => {
  const pair = { ownerUserID: 'a', blackUserID: 'h' };
  await asksBefore(receiver, {
    event: 'beforeAddBlack',
    command: 'callbackBeforeAddBlackCommand',
    body: pair,
    call: () => domain.relation.addBlack(as(T, 'a'), make('relation.AddBlackReq', pair)),
    async made() {
      const req = make('relation.GetSpecifiedBlacksReq', { ownerUserID: 'a', userIDList: ['h'] });
      return (await domain.relation.getSpecifiedBlacks(as(T, 'a'), req)).total > 0;
    },
  });
  await domain.relation.removeBlack(as(T, 'a'), make('relation.RemoveBlackReq', pair));
  assert.deepEqual(await reported(), [
    { event: 'afterRemoveBlack', body: { callbackCommand: 'callbackAfterRemoveBlackCommand', ...pair } },
  ]);
});
