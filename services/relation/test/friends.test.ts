import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERR, idHash, make } from '@im/protocol';
import { as, describeDomain, refuses, route, TENANTS } from '@im/testing';
import { relationService } from '../src/index.ts';

const [t1, t2] = TENANTS;
const harness = describeDomain(
  relationService,
  {},
  { [t1]: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], [t2]: ['a', 'b'] },
);

const page = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 100 });

async function apply(from: string, to: string, tenant = t1) {
  await harness.relation.applyToAddFriend(
    as(tenant, from),
    make('relation.ApplyToAddFriendReq', { fromUserID: from, toUserID: to, reqMsg: 'hi', ex: 'x' }),
  );
}
function respond(from: string, to: string, handleResult: number, handleMsg = '', by = to) {
  return harness.relation.respondFriendApply(
    as(t1, by),
    make('relation.RespondFriendApplyReq', { fromUserID: from, toUserID: to, handleResult, handleMsg }),
  );
}
async function befriend(a: string, b: string) {
  await apply(a, b);
  await respond(a, b, 1);
  harness.takeSent();
}

describe('applications', () => {
  test('from application to friendship, with the notifications of both steps', async () => {
    const { relation } = harness;
    await apply('a', 'b');
    const [applied] = harness.takeSent();
    assert.ok(applied);
    assert.equal(route(applied), '1203 a>b');
    const request = applied.tips.request as Record<string, unknown>;
    assert.deepEqual(
      [request.fromNickname, request.toNickname, request.reqMsg, request.handleResult, request.ex],
      ['Na', 'Nb', 'hi', 0, 'x'],
    );
    const listReq = { userID: 'b', pagination: page };
    const received = await relation.getPaginationFriendsApplyTo(
      as(t1, 'b'),
      make('relation.GetPaginationFriendsApplyToReq', listReq),
    );
    assert.deepEqual([received.total, received.FriendRequests[0]?.fromUserID], [1, 'a']);
    const count = make('relation.GetSelfUnhandledApplyCountReq', { userID: 'b' });
    assert.equal((await relation.getSelfUnhandledApplyCount(as(t1, 'b'), count)).count, 1);

    await respond('a', 'b', 1, 'welcome');
    const [approved, ...more] = harness.takeSent();
    assert.ok(approved);
    assert.equal(more.length, 0);
    assert.equal(route(approved), '1201 b>a');
    assert.deepEqual(approved.tips.fromToUserID, { fromUserID: 'a', toUserID: 'b' });
    assert.deepEqual([approved.tips.friendVersion, approved.tips.friendVersionID], [0, '']);
    const answered = approved.tips.request as Record<string, unknown>;
    assert.deepEqual(
      [answered.handleResult, answered.handlerUserID, answered.handleMsg],
      [1, 'b', 'welcome'],
    );
    const both = await relation.isFriend(
      as(t1, 'a'),
      make('relation.IsFriendReq', { userID1: 'a', userID2: 'b' }),
    );
    assert.deepEqual([both.inUser1Friends, both.inUser2Friends], [true, true]);
    const list = await relation.getPaginationFriends(
      as(t1, 'a'),
      make('relation.GetPaginationFriendsReq', { userID: 'a', pagination: page }),
    );
    const [friend] = list.friendsInfo;
    assert.deepEqual(
      [list.total, friend?.friendUser?.nickname, friend?.addSource, friend?.operatorUserID],
      [1, 'Nb', 2, 'a'],
    );
    assert.ok(Math.abs((friend?.createTime ?? 0) - Date.now() / 1_000) < 60, 'seconds');
    assert.equal(await relationCount(t2, 'a'), 0, 'the other tenant has none');
  });

  async function relationCount(tenant: typeof t1, userID: string): Promise<number> {
    const req = make('relation.GetFriendIDsReq', { userID });
    return (await harness.relation.getFriendIDs(as(tenant, userID), req)).friendIDs.length;
  }

  test('what is refused, and with which code', async () => {
    await befriend('a', 'c');
    await refuses(ERR.CanNotAddYourselfError, apply('a', 'a'));
    await refuses(ERR.RecordNotFoundError, apply('a', 'nobody'));
    await refuses(ERR.RelationshipAlreadyError, apply('a', 'c'));
    const forged = make('relation.ApplyToAddFriendReq', { fromUserID: 'b', toUserID: 'c' });
    await refuses(ERR.NoPermissionError, harness.relation.applyToAddFriend(as(t1, 'a'), forged));
    await refuses(ERR.RecordNotFoundError, respond('d', 'a', 1));
    await refuses(ERR.ArgsError, respond('a', 'c', 0));
    await refuses(ERR.ArgsError, respond('a', 'c', 1));
    await refuses(ERR.FriendRequestHandled, respond('a', 'c', -1));
    await refuses(ERR.NoPermissionError, respond('a', 'c', 1, '', 'd'));
    assert.deepEqual(harness.takeSent(), []);
  });

  test('a refusal is notified and ends the application', async () => {
    await apply('d', 'a');
    harness.takeSent();
    await respond('d', 'a', -1, 'no');
    const [rejected] = harness.takeSent();
    assert.ok(rejected);
    assert.equal(route(rejected), '1202 a>d');
    assert.equal(rejected.tips.handleMsg, 'no');
    assert.equal((rejected.tips.request as Record<string, unknown>).handlerUserID, '');
    assert.equal(await relationCount(t1, 'd'), 0);
  });

  test('two who applied to each other: one answer settles both', async () => {
    await apply('e', 'f');
    await apply('f', 'e');
    await respond('e', 'f', 1);
    const both = await harness.relation.getDesignatedFriendsApply(
      as(t1, 'e'),
      make('relation.GetDesignatedFriendsApplyReq', { fromUserID: 'e', toUserID: 'f' }),
    );
    assert.deepEqual(
      both.friendRequests.map(({ handleResult }) => handleResult),
      [1, 1],
    );
  });
});

describe('own list', () => {
  test('import makes both directions, with one notification per friend to the owner', async () => {
    const req = make('relation.ImportFriendReq', { ownerUserID: 'g', friendUserIDs: ['a', 'b'] });
    await refuses(ERR.NoPermissionError, harness.relation.importFriend(as(t1, 'g'), req));
    const admin = as(t1, 'imAdmin', true);
    await harness.relation.importFriend(admin, req);
    assert.deepEqual(harness.takeSent().map(route).sort(), ['1201 a>g', '1201 b>g']);
    const self = make('relation.ImportFriendReq', { ownerUserID: 'g', friendUserIDs: ['g'] });
    await refuses(ERR.CanNotAddYourselfError, harness.relation.importFriend(admin, self));
    const twice = make('relation.ImportFriendReq', { ownerUserID: 'g', friendUserIDs: ['c', 'c'] });
    await refuses(ERR.ArgsError, harness.relation.importFriend(admin, twice));
    const unknown = make('relation.ImportFriendReq', { ownerUserID: 'g', friendUserIDs: ['nobody'] });
    await refuses(ERR.RecordNotFoundError, harness.relation.importFriend(admin, unknown));
    const there = make('relation.IsFriendReq', { userID1: 'b', userID2: 'g' });
    assert.equal((await harness.relation.isFriend(admin, there)).inUser1Friends, true);
  });

  test('remark, pin, deletion: versions and notifications', async () => {
    const { relation } = harness;
    await befriend('h', 'a');
    await befriend('h', 'b');
    const me = as(t1, 'h');
    const sync = (versionID: string, version: number) =>
      relation.getIncrementalFriends(
        me,
        make('relation.GetIncrementalFriendsReq', { userID: 'h', versionID, version }),
      );
    const first = await sync('', 0);
    assert.deepEqual([first.full, first.insert, first.version], [true, [], 2]);
    assert.equal((await sync(first.versionID, first.version)).full, false);

    await relation.setFriendRemark(
      me,
      make('relation.SetFriendRemarkReq', { ownerUserID: 'h', friendUserID: 'a', remark: 'Al' }),
    );
    const [remarked] = harness.takeSent();
    assert.ok(remarked);
    assert.equal(route(remarked), '1206 h>a');
    assert.deepEqual([remarked.tips.friendVersion, remarked.tips.friendVersionID], [3, first.versionID]);
    await relation.updateFriends(
      me,
      make('relation.UpdateFriendsReq', { ownerUserID: 'h', friendUserIDs: ['b', 'nobody'], isPinned: true }),
    );
    const [pinned] = harness.takeSent();
    assert.ok(pinned);
    assert.equal(route(pinned), '1210 h>h');
    assert.deepEqual(pinned.tips.fromToUserID, { fromUserID: '', toUserID: 'h' });
    const delta = await sync(first.versionID, first.version);
    assert.deepEqual(
      [delta.full, delta.update.map((f) => f.friendUser?.userID), delta.sortVersion, delta.version],
      [false, ['a', 'b'], 4, 4],
    );
    assert.equal(delta.update[0]?.remark, 'Al');

    const ids = (hash: string) =>
      relation.getFullFriendUserIDs(
        me,
        make('relation.GetFullFriendUserIDsReq', { userID: 'h', idHash: hash }),
      );
    assert.deepEqual((await ids('0')).userIDs, ['b', 'a'], 'pinned first');
    const equal = await ids(idHash(['b', 'a']));
    assert.deepEqual([equal.equal, equal.userIDs, equal.version], [true, [], 4]);

    await relation.deleteFriend(
      me,
      make('relation.DeleteFriendReq', { ownerUserID: 'h', friendUserID: 'a' }),
    );
    const [gone] = harness.takeSent();
    assert.ok(gone);
    assert.equal(route(gone), '1205 h>a');
    assert.deepEqual((await sync(first.versionID, first.version)).delete, ['a']);
    const unknown = make('relation.SetFriendRemarkReq', { ownerUserID: 'h', friendUserID: 'a', remark: '' });
    await refuses(ERR.RecordNotFoundError, relation.setFriendRemark(me, unknown));
    const foreign = make('relation.DeleteFriendReq', { ownerUserID: 'b', friendUserID: 'h' });
    await refuses(ERR.NoPermissionError, relation.deleteFriend(me, foreign));
  });

  test('a changed profile reaches the lists of friends', async () => {
    const { relation } = harness;
    const before = await relation.getIncrementalFriends(
      as(t1, 'b'),
      make('relation.GetIncrementalFriendsReq', { userID: 'b' }),
    );
    await relation.userProfileChanged(as(t1, 'h'), make('relation.UserProfileChangedReq', { userID: 'h' }));
    const sent = harness.takeSent();
    assert.deepEqual(
      sent.map(route).sort(),
      ['1209 h>a', '1209 h>b'],
      'a lists h, though h no longer lists a',
    );
    assert.deepEqual(sent[0]?.tips, { userID: 'h' });
    const after = await relation.getIncrementalFriends(
      as(t1, 'b'),
      make('relation.GetIncrementalFriendsReq', {
        userID: 'b',
        versionID: before.versionID,
        version: before.version,
      }),
    );
    assert.deepEqual(
      after.update.map((f) => f.friendUser?.userID),
      ['h'],
    );
  });

  test('a changed profile reaches all users who have this one as a friend, and no others', async () => {
    const { relation } = harness;
    await befriend('f', 'g');
    await relation.deleteFriend(
      as(t1, 'g'),
      make('relation.DeleteFriendReq', { ownerUserID: 'g', friendUserID: 'f' }),
    );
    harness.takeSent();
    const sync = (userID: string, from: { versionID: string; version: number }) =>
      relation.getIncrementalFriends(
        as(t1, userID),
        make('relation.GetIncrementalFriendsReq', { userID, ...from }),
      );
    const before = await sync('f', { versionID: '', version: 0 });
    await relation.userProfileChanged(as(t1, 'g'), make('relation.UserProfileChangedReq', { userID: 'g' }));
    assert.ok(harness.takeSent().map(route).includes('1209 g>f'));
    const { versionID, version } = before;
    assert.deepEqual(
      (await sync('f', { versionID, version })).update.map((f) => f.friendUser?.userID),
      ['g'],
    );
    await relation.userProfileChanged(as(t1, 'f'), make('relation.UserProfileChangedReq', { userID: 'f' }));
    const sent = harness.takeSent().map(route);
    assert.ok(!sent.includes('1209 f>g'), 'g does not list f any more');
  });

  test("friends and blocked users by name, and one's own applications", async () => {
    const { relation } = harness;
    const designated = await relation.getDesignatedFriends(
      as(t1, 'f'),
      make('relation.GetDesignatedFriendsReq', { ownerUserID: 'f', friendUserIDs: ['g'] }),
    );
    assert.deepEqual(
      designated.friendsInfo.map((f) => f.friendUser?.userID),
      ['g'],
    );
    await apply('d', 'e');
    const sent = await relation.getPaginationFriendsApplyFrom(
      as(t1, 'd'),
      make('relation.GetPaginationFriendsApplyFromReq', { userID: 'd', pagination: page }),
    );
    assert.ok(sent.friendRequests.some(({ fromUserID, toUserID }) => fromUserID === 'd' && toUserID === 'e'));
    assert.ok(sent.friendRequests.every(({ fromUserID }) => fromUserID === 'd'));
    await refuses(
      ERR.NoPermissionError,
      relation.getPaginationFriendsApplyFrom(
        as(t1, 'e'),
        make('relation.GetPaginationFriendsApplyFromReq', { userID: 'd', pagination: page }),
      ),
    );
    await relation.addBlack(
      as(t1, 'd'),
      make('relation.AddBlackReq', { ownerUserID: 'd', blackUserID: 'h' }),
    );
    const blacks = await relation.getSpecifiedBlacks(
      as(t1, 'd'),
      make('relation.GetSpecifiedBlacksReq', { ownerUserID: 'd', userIDList: ['h', 'e'] }),
    );
    assert.deepEqual([blacks.total, blacks.blacks.map((b) => b.blackUserInfo?.userID)], [1, ['h']]);
  });
});

test('blacklist: entries, times, repetition', async () => {
  const { relation } = harness;
  const me = as(t1, 'a');
  const black = make('relation.AddBlackReq', { ownerUserID: 'a', blackUserID: 'b', ex: 'loud' });
  await relation.addBlack(me, black);
  await refuses(ERR.DuplicateKeyError, relation.addBlack(me, black));
  const nobody = make('relation.AddBlackReq', { ownerUserID: 'a', blackUserID: 'nobody' });
  await refuses(ERR.RecordNotFoundError, relation.addBlack(me, nobody));
  const listed = await relation.getPaginationBlacks(
    me,
    make('relation.GetPaginationBlacksReq', { userID: 'a', pagination: page }),
  );
  assert.deepEqual([listed.total, listed.blacks[0]?.blackUserInfo?.nickname], [1, 'Nb']);
  assert.ok((listed.blacks[0]?.createTime ?? 0) < 1e11, 'seconds');
  const infos = await relation.getSpecifiedFriendsInfo(
    me,
    make('relation.GetSpecifiedFriendsInfoReq', { ownerUserID: 'a', userIDList: ['b', 'nobody', 'd'] }),
  );
  assert.deepEqual(
    infos.infos.map((i) => [i.userInfo?.userID, i.friendInfo !== null, i.blackInfo !== null]),
    [
      ['b', true, true],
      ['d', false, false],
    ],
  );
  assert.ok((infos.infos[0]?.blackInfo?.createTime ?? 0) > 1e12, 'ms');
  assert.equal(infos.infos[0]?.friendInfo?.friendUser, null);
  await relation.removeBlack(me, make('relation.RemoveBlackReq', { ownerUserID: 'a', blackUserID: 'b' }));
  await relation.removeBlack(me, make('relation.RemoveBlackReq', { ownerUserID: 'a', blackUserID: 'b' }));
  assert.deepEqual(harness.takeSent().map(route), ['1207 a>b', '1208 a>b', '1208 a>b']);
  await refuses(
    ERR.ServerInternalError,
    relation.getIncrementalBlacks(me, make('relation.GetIncrementalBlacksReq')),
  );
});

describe('a blocked user', () => {
  test('neither applies for friendship nor answers an application', async () => {
    await harness.addUsers(t1, 'p', 'q');
    await apply('p', 'q');
    harness.takeSent();
    const block = (owner: string, black: string) =>
      harness.relation.addBlack(
        as(t1, owner),
        make('relation.AddBlackReq', { ownerUserID: owner, blackUserID: black }),
      );
    await block('p', 'q');
    harness.takeSent();
    await refuses(ERR.BlockedByPeer, respond('p', 'q', 1, 'words that nobody wants'));
    await refuses(ERR.BlockedByPeer, apply('q', 'p'));
    assert.deepEqual(harness.takeSent(), []);
    const remove = make('relation.RemoveBlackReq', { ownerUserID: 'p', blackUserID: 'q' });
    await harness.relation.removeBlack(as(t1, 'p'), remove);
    harness.takeSent();
    await respond('p', 'q', 1);
    assert.equal(harness.takeSent().length, 1);
  });

  test('changes their own list without a notification to the blocker; their own devices get it', async () => {
    await harness.addUsers(t1, 'r', 's');
    await befriend('r', 's');
    const { relation } = harness;
    const black = (owner: string, other: string) => ({ ownerUserID: owner, blackUserID: other });
    await relation.addBlack(as(t1, 'r'), make('relation.AddBlackReq', black('r', 's')));
    harness.takeSent();
    const toEverything = async (by: ReturnType<typeof as>) => {
      const friend = { ownerUserID: 's', friendUserID: 'r' };
      await relation.setFriendRemark(by, make('relation.SetFriendRemarkReq', { ...friend, remark: 'words' }));
      await relation.addBlack(by, make('relation.AddBlackReq', black('s', 'r')));
      await relation.removeBlack(by, make('relation.RemoveBlackReq', black('s', 'r')));
      await relation.deleteFriend(by, make('relation.DeleteFriendReq', friend));
      return harness.takeSent();
    };
    const sent = await toEverything(as(t1, 's'));
    assert.deepEqual(sent.map(route), ['1206 s>s', '1207 s>s', '1208 s>s', '1205 s>s']);
    // Clients look here for whose list it is.
    for (const { tips } of sent) assert.deepEqual(tips.fromToUserID, { fromUserID: 's', toUserID: 'r' });

    await relation.removeBlack(as(t1, 'r'), make('relation.RemoveBlackReq', black('r', 's')));
    await befriend('s', 'r');
    const received = await toEverything(as(t1, 's'));
    assert.deepEqual(received.map(route), ['1206 s>r', '1207 s>r', '1208 s>r', '1205 s>r']);

    await befriend('s', 'r');
    await relation.addBlack(as(t1, 'r'), make('relation.AddBlackReq', black('r', 's')));
    harness.takeSent();
    const byAdmin = await toEverything(as(t1, 'admin', true));
    assert.deepEqual(byAdmin.map(route), ['1206 s>r', '1207 s>r', '1208 s>r', '1205 s>r']);
  });
});
