import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, type group, make, ROLE } from '@im/protocol';
import { as, refuses, TENANTS } from '@im/testing';
import { actions, describeGroups, groupOf, memberOf, nth, only } from './harness.ts';

const [t1] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

const setEx = (by: string, groupID: string, fields: Partial<group.SetGroupInfoExReq>, isAdmin = false) =>
  harness.group.setGroupInfoEx(as(t1, by, isAdmin), make('group.SetGroupInfoExReq', { groupID, ...fields }));

test('each kind of field has its notification; all carry the version that was written', async () => {
  const groupID = await act.quietly('a', ['b'], {}, { adminUserIDs: ['e'] });
  await setEx('e', groupID, { groupName: 'New', notification: ' news ', ex: '' });
  const sent = harness.takeSent();
  assert.deepEqual(
    sent.map(({ request, tips }) => [request.contentType, request.sendMessage, tips.groupMemberVersion]),
    [
      [1519, true, 2],
      [1520, null, 2],
      [1502, null, 2],
    ],
  );
  const shown = groupOf(nth(sent, 0).tips.group);
  assert.deepEqual(
    [shown.notification, shown.groupName, shown.notificationUserID, shown.notificationUpdateTime > 0],
    ['news', 'New', 'e', true],
  );
  assert.equal(sent[2]?.request.senderNickname, 'Ne');
  assert.deepEqual(
    harness.marks.filter((m) => m.groupID === groupID).map((m) => [m.groupAtType, m.exceptUserIDs]),
    [[4, ['e']]],
  );
  await setEx('a', groupID, { notification: '' });
  assert.equal(only(harness.takeSent()).request.sendMessage, false);
  await setEx('a', groupID, { groupName: ' ', introduction: 'lost' });
  assert.deepEqual(harness.takeSent(), []);
  const { groupInfos } = await harness.group.getGroupsInfo(
    as(t1, 'b'),
    make('group.GetGroupsInfoReq', { groupIDs: [groupID] }),
  );
  assert.deepEqual([groupInfos[0]?.introduction, groupInfos[0]?.groupName], ['', 'New']);
  await refuses(ERR.NoPermissionError, setEx('b', groupID, { ex: 'x' }));
  await refuses(ERR.RecordNotFoundError, setEx('d', groupID, { ex: 'x' }));
  await refuses(ERR.RecordNotFoundError, setEx('imAdmin', 'no-group', { ex: 'x' }, true));
});

test('in the old form an empty text leaves the field', async () => {
  const groupID = await act.quietly('a', ['b']);
  await harness.group.setGroupInfo(
    as(t1, 'a'),
    make('group.SetGroupInfoReq', {
      groupInfoForSet: make('sdkws.GroupInfoForSet', { groupID, groupName: '', introduction: 'about' }),
    }),
  );
  const { request, tips } = only(harness.takeSent());
  const shown = groupOf(tips.group);
  assert.deepEqual([request.contentType, shown.groupName, shown.introduction], [1502, 'Team', 'about']);
});

test('a new owner: roles are swapped, who was muted may speak', async () => {
  const groupID = await act.quietly('a', ['b'], {}, { adminUserIDs: ['e'] });
  const transfer = (by: string, oldOwnerUserID: string, newOwnerUserID: string, isAdmin = false) =>
    harness.group.transferGroupOwner(
      as(t1, by, isAdmin),
      make('group.TransferGroupOwnerReq', { groupID, oldOwnerUserID, newOwnerUserID }),
    );
  await harness.group.muteGroupMember(
    as(t1, 'a'),
    make('group.MuteGroupMemberReq', { groupID, userID: 'e', mutedSeconds: 60 }),
  );
  const muted = only(harness.takeSent());
  assert.deepEqual([muted.request.contentType, muted.tips.mutedSeconds], [1512, 60]);
  await refuses(ERR.ArgsError, transfer('a', 'a', 'a'));
  await refuses(ERR.ArgsError, transfer('a', 'a', 'd'));
  await refuses(ERR.NoPermissionError, transfer('e', 'a', 'e'));
  await refuses(ERR.NoPermissionError, transfer('e', 'e', 'b'));
  await transfer('a', 'a', 'e');
  const sent = harness.takeSent();
  assert.deepEqual(
    sent.map(({ request }) => request.contentType),
    [1513, 1507],
  );
  const { tips } = nth(sent, 1);
  const after = memberOf(tips.newGroupOwner);
  const old = memberOf(tips.oldGroupOwnerInfo);
  assert.deepEqual(
    [after.userID, after.roleLevel, after.muteEndTime, old.userID, old.roleLevel, tips.oldGroupOwner],
    ['e', ROLE.Owner, 0, 'a', ROLE.Admin, ''],
  );
  assert.equal(groupOf(tips.group).ownerUserID, 'e');
  await transfer('imAdmin', 'e', 'b', true);
  assert.deepEqual(await act.membersOf(groupID), ['b', 'a', 'e']);
});

test('silence for members and for all', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', ['b', 'c'], {}, { adminUserIDs: ['e'] });
  const mute = make('group.MuteGroupMemberReq', { groupID, userID: 'b', mutedSeconds: 60 });
  await refuses(ERR.NoPermissionError, service.muteGroupMember(as(t1, 'c'), mute));
  await service.muteGroupMember(as(t1, 'e'), mute);
  const muted = memberOf(only(harness.takeSent()).tips.mutedUser);
  assert.ok(muted.muteEndTime > Date.now() + 50_000);
  await service.cancelMuteGroupMember(
    as(t1, 'e'),
    make('group.CancelMuteGroupMemberReq', { groupID, userID: 'b' }),
  );
  assert.equal(only(harness.takeSent()).request.contentType, 1513);
  await refuses(
    ERR.NoPermissionError,
    service.muteGroup(as(t1, 'b'), make('group.MuteGroupReq', { groupID })),
  );
  await service.muteGroup(as(t1, 'e'), make('group.MuteGroupReq', { groupID }));
  await service.cancelMuteGroup(as(t1, 'a'), make('group.CancelMuteGroupReq', { groupID }));
  assert.deepEqual(
    harness
      .takeSent()
      .map(({ request, tips }) => [request.contentType, groupOf(tips.group).status, tips.groupMemberVersion]),
    [
      [1514, 3, 4],
      [1515, 0, 5],
    ],
  );
});

test('names and roles of members', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', ['b', 'c']);
  const set = (by: string, ...members: Partial<group.SetGroupMemberInfo>[]) =>
    service.setGroupMemberInfo(
      as(t1, by),
      make('group.SetGroupMemberInfoReq', {
        members: members.map((m) => make('group.SetGroupMemberInfo', { groupID, ...m })),
      }),
    );
  await set('a', { userID: 'b', roleLevel: 60, nickname: 'Boss' }, { userID: 'c', ex: 'x' });
  const sent = harness.takeSent();
  assert.deepEqual(
    sent.map(({ request, tips }) => [
      request.contentType,
      memberOf(tips.changedUser).userID,
      tips.groupMemberVersion,
      tips.groupSortVersion,
    ]),
    [
      [1517, 'b', 2, 2],
      [1516, 'b', 2, 2],
      [1516, 'c', 3, 0],
    ],
  );
  const changed = memberOf(nth(sent, 0).tips.changedUser);
  assert.deepEqual([changed.nickname, changed.faceURL, changed.roleLevel], ['Boss', 'Fb', 60]);
  await set('a', { userID: 'b', roleLevel: 20 });
  assert.equal(only(harness.takeSent()).request.contentType, 1518);
  await refuses(ERR.NoPermissionError, set('b', { userID: 'c', nickname: 'x' }));
  await refuses(ERR.ArgsError, set('a', { userID: 'd', nickname: 'x' }));
  await refuses(ERR.ArgsError, set('a', { userID: 'b' }, { userID: 'b' }));
  await refuses(ERR.ArgsError, set('a', { userID: 'b', nickname: 'x'.repeat(2_000) }));
  await refuses(ERR.NoPermissionError, set('d', { userID: 'b', nickname: 'x' }));
  assert.deepEqual(harness.takeSent(), [], 'nothing is changed when one change is refused');
});

test('a changed profile reaches the groups that show it', async () => {
  const { group: service } = harness;
  await harness.addUsers(t1, 'p');
  const shows = await act.quietly('a', ['p']);
  const named = await act.quietly('a', ['p']);
  const full = { groupID: named, userID: 'p', nickname: 'P', faceURL: 'P' };
  await service.setGroupMemberInfo(
    as(t1, 'a'),
    make('group.SetGroupMemberInfoReq', { members: [make('group.SetGroupMemberInfo', full)] }),
  );
  harness.takeSent();
  await service.userProfileChanged(as(t1, 'p'), make('group.UserProfileChangedReq', { userID: 'p' }));
  const { request, tips } = only(harness.takeSent());
  assert.deepEqual([request.contentType, request.recvID, tips.groupMemberVersion], [1516, shows, 2]);
});
