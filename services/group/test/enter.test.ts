import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make, type sdkws } from '@im/protocol';
import { as, refuses, route, TENANTS } from '@im/testing';
import { actions, describeGroups, groupOf, ids, memberOf, nth, only, PAGE } from './harness.ts';

const [t1] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

const join = (userID: string, groupID: string, by = userID, tenant = t1) =>
  harness.group.joinGroup(
    as(tenant, by),
    make('group.JoinGroupReq', { groupID, inviterUserID: userID, joinSource: 3, reqMessage: 'please' }),
  );

test('an open group takes every user, once, and only on their own behalf', async () => {
  const groupID = await act.quietly('a', ['b'], { needVerification: 2 });
  await refuses(ERR.NoPermissionError, join('c', groupID, 'd'));
  await refuses(ERR.RecordNotFoundError, join('', groupID, 'd'));
  await refuses(ERR.RecordNotFoundError, join('c', 'no-group'));
  await join('c', groupID);
  const { request, tips } = only(harness.takeSent());
  assert.deepEqual([request.contentType, request.sendID, request.recvID], [1510, 'c', groupID]);
  assert.deepEqual(request.addedUserIDs, ['c']);
  assert.equal(request.memberVersion, 2);
  const entrant = memberOf(tips.entrantUser);
  assert.deepEqual([entrant.userID, entrant.inviterUserID, entrant.joinSource], ['c', 'c', 0]);
  assert.ok(Number(tips.operationTime) > 0);
  await refuses(ERR.ArgsError, join('c', groupID));
  await join('d', groupID, 'imAdmin').catch(() => {});
  assert.deepEqual(await act.membersOf(groupID), ['a', 'b', 'c']);
});

test('a guarded group: application, answers, counts and lists', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', ['b'], {}, { adminUserIDs: ['e'] });
  await join('c', groupID);
  const asked = harness.takeSent();
  assert.deepEqual(asked.map(route).sort(), ['1503 c>a', '1503 c>c', '1503 c>e']);
  assert.equal(new Set(asked.map(({ tips }) => tips.uuid)).size, 1);
  assert.ok(asked.every(({ request }) => request.sessionType === 1));
  const first = nth(asked, 0);
  assert.deepEqual(
    [first.tips.reqMsg, (first.tips.applicant as sdkws.PublicUserInfo).nickname],
    ['please', 'Nc'],
  );
  const unhandled = (userID: string) =>
    service.getGroupApplicationUnhandledCount(
      as(t1, userID),
      make('group.GetGroupApplicationUnhandledCountReq', { userID }),
    );
  assert.deepEqual([(await unhandled('e')).count, (await unhandled('b')).count], [1, 0]);
  const received = await service.getGroupApplicationList(
    as(t1, 'e'),
    make('group.GetGroupApplicationListReq', { fromUserID: 'e', pagination: PAGE, groupIDs: [groupID] }),
  );
  assert.deepEqual([received.total, received.groupRequests[0]?.userInfo?.userID], [1, 'c']);
  assert.equal(received.groupRequests[0]?.groupInfo?.groupID, groupID);
  const listReq = make('group.GetGroupApplicationListReq', {
    fromUserID: 'b',
    pagination: PAGE,
    groupIDs: [groupID],
  });
  await refuses(ERR.NoPermissionError, service.getGroupApplicationList(as(t1, 'b'), listReq));
  const own = await service.getUserReqApplicationList(
    as(t1, 'c'),
    make('group.GetUserReqApplicationListReq', { userID: 'c', pagination: PAGE, handleResults: [0] }),
  );
  assert.equal(own.total, 1);
  const named = make('group.GetGroupUsersReqApplicationListReq', { groupID, userIDs: ['c', 'd'] });
  const applications = await service.getGroupUsersReqApplicationList(as(t1, 'e'), named);
  assert.deepEqual(
    [applications.total, applications.groupRequests.map((r) => r.userInfo?.userID)],
    [1, ['c']],
  );
  const members = await service.getGroupMemberUserIDs(
    as(t1, 'e'),
    make('group.GetGroupMemberUserIDsReq', { groupID }),
  );
  assert.ok(members.userIDs.includes('e') && !members.userIDs.includes('c'));

  const respond = (userID: string, handleResult: number, by: string) =>
    service.groupApplicationResponse(
      as(t1, by),
      make('group.GroupApplicationResponseReq', {
        groupID,
        fromUserID: userID,
        handleResult,
        handledMsg: 'come',
      }),
    );
  await refuses(ERR.NoPermissionError, respond('c', 1, 'b'));
  await refuses(ERR.RecordNotFoundError, respond('d', 1, 'a'));
  await refuses(ERR.ArgsError, respond('c', 0, 'a'));
  harness.takeSent();
  await respond('c', 1, 'e');
  const sent = harness.takeSent();
  assert.deepEqual(sent.slice(0, -1).map(route).sort(), ['1505 e>a', '1505 e>c', '1505 e>e']);
  for (const { request, tips } of sent.slice(0, -1)) {
    assert.equal(tips.receiverAs, request.recvID === 'c' ? 0 : 1);
    assert.equal(tips.handleMsg, 'come');
  }
  assert.equal(sent.at(-1)?.request.contentType, 1510);
  assert.deepEqual(sent.at(-1)?.request.addedUserIDs, ['c']);
  await refuses(ERR.GroupRequestHandled, respond('c', -1, 'a'));
  const handled = await service.getSpecifiedUserGroupRequestInfo(
    as(t1, 'c'),
    make('group.GetSpecifiedUserGroupRequestInfoReq', { groupID, userID: 'c' }),
  );
  const [request] = handled.groupRequests;
  assert.deepEqual(
    [request?.handleResult, request?.handleMsg, request?.handleUserID, request?.joinSource],
    [1, 'come', 'e', 3],
  );

  await join('d', groupID);
  harness.takeSent();
  await respond('d', -1, 'a');
  assert.deepEqual(harness.takeSent().map(route).sort(), ['1506 a>a', '1506 a>d', '1506 a>e']);
  assert.deepEqual(await act.membersOf(groupID), ['a', 'e', 'b', 'c']);
});

const invite = (groupID: string, invitedUserIDs: string[], by: string, sendMessage: boolean | null = null) =>
  harness.group.inviteUserToGroup(
    as(t1, by),
    make('group.InviteUserToGroupReq', { groupID, invitedUserIDs, sendMessage }),
  );

test('invitations: 120 users in batches of 50, each notified with its own version', async () => {
  const groupID = await act.quietly('a', ['b']);
  const invited = Array.from({ length: 120 }, (_, i) => `m${i}`);
  await invite(groupID, invited, 'b', false);
  const sent = harness.takeSent();
  assert.deepEqual(
    sent.map(({ request }) => [request.contentType, request.addedUserIDs.length, request.memberVersion]),
    [
      [1509, 50, 2],
      [1509, 50, 3],
      [1509, 20, 4],
    ],
  );
  assert.ok(sent.every(({ request }) => request.sendMessage === false));
  const batch = nth(sent, 0);
  assert.deepEqual(ids(batch.tips.invitedUserList), invited.slice(0, 50));
  assert.equal(memberOf(batch.tips.inviterUser).userID, 'b');
  assert.equal(groupOf(batch.tips.group).memberCount, 52);
  await refuses(ERR.DuplicateKeyError, invite(groupID, ['c', 'm5'], 'a'));
  await refuses(ERR.NoPermissionError, invite(groupID, ['c'], 'd'));
  await refuses(ERR.RecordNotFoundError, invite(groupID, ['nobody'], 'a'));
  await refuses(ERR.RecordNotFoundError, invite('no-group', ['c'], 'a'));
  assert.deepEqual(await act.membersOf(groupID), ['a', 'b', ...invited]);
});

test('where everyone needs approval, an invitation by a plain member is an application', async () => {
  const groupID = await act.quietly('a', ['b'], { needVerification: 1 });
  await invite(groupID, ['c'], 'b');
  const asked = harness.takeSent();
  assert.deepEqual(asked.map(route).sort(), ['1503 b>a', '1503 b>b']);
  assert.equal((nth(asked, 0).tips.applicant as sdkws.PublicUserInfo).userID, 'b', 'the inviter');
  const shown = nth(asked, 0).tips.request as sdkws.GroupRequest;
  assert.deepEqual([shown.userInfo?.userID, shown.inviterUserID, shown.joinSource], ['c', 'b', 2]);
  const answer = { groupID, fromUserID: 'c', handleResult: 1 };
  await harness.group.groupApplicationResponse(
    as(t1, 'a'),
    make('group.GroupApplicationResponseReq', answer),
  );
  const sent = harness.takeSent();
  assert.equal(sent.at(-1)?.request.contentType, 1509);
  assert.deepEqual(ids(sent.at(-1)?.tips.invitedUserList), ['c']);
  await invite(groupID, ['d'], 'a');
  assert.equal(only(harness.takeSent()).request.contentType, 1509);
});
