import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, type group, make } from '@im/protocol';
import { as, refuses, TENANTS } from '@im/testing';
import { actions, admin, describeGroups, ids, PAGE } from './harness.ts';

const [t1] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

test('members by page, by id, by keyword', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', ['b', 'm1', 'm10', 'm2']);
  const named = make('group.SetGroupMemberInfo', { groupID, userID: 'm2', nickname: 'Smith' });
  await service.setGroupMemberInfo(as(t1, 'a'), make('group.SetGroupMemberInfoReq', { members: [named] }));
  const list = (fields: Partial<group.GetGroupMemberListReq>, by = 'b') =>
    service.getGroupMemberList(
      as(t1, by),
      make('group.GetGroupMemberListReq', { groupID, pagination: PAGE, ...fields }),
    );
  const all = await list({});
  assert.deepEqual([all.total, ids(all.members)], [5, ['a', 'b', 'm1', 'm10', 'm2']]);
  assert.deepEqual(ids((await list({ keyword: 'SMI' })).members), ['m2']);
  assert.deepEqual(ids((await list({ keyword: 'nm1' })).members), ['m1', 'm10'], 'name of the profile');
  assert.deepEqual((await list({ keyword: 'zzz' })).total, 0);
  await refuses(ERR.NoPermissionError, list({}, 'c'));
  const some = await service.getGroupMembersInfo(
    as(t1, 'b'),
    make('group.GetGroupMembersInfoReq', { groupID, userIDs: ['m2', 'nobody'] }),
  );
  assert.deepEqual(
    some.members.map(({ nickname, faceURL }) => [nickname, faceURL]),
    [['Smith', 'Fm2']],
  );
});

test('groups by name and id, hashes of members, statistics', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', ['b'], { groupName: 'Searchable Thing' });
  const find = (fields: Partial<group.GetGroupsReq>) =>
    service.getGroups(as(t1, 'c'), make('group.GetGroupsReq', { pagination: PAGE, ...fields }));
  const byName = await find({ groupName: 'ABLE th' });
  assert.deepEqual(
    byName.groups.map((g) => [g.groupInfo?.groupID, g.groupOwnerUserID, g.groupOwnerUserName]),
    [[groupID, 'a', 'Na']],
  );
  assert.equal((await find({ groupID })).total, 1);
  assert.equal((await find({ groupID: 'no-group' })).total, 0);

  const abstract = (by: string, ...groupIDs: string[]) =>
    service.getGroupAbstractInfo(as(t1, by), make('group.GetGroupAbstractInfoReq', { groupIDs }));
  const first = (await abstract('b', groupID)).groupAbstractInfos[0];
  assert.equal(first?.groupMemberNumber, 2);
  assert.match(first?.groupMemberListHash ?? '', /^\d+$/);
  await refuses(ERR.NoPermissionError, abstract('c', groupID));
  await refuses(ERR.GroupIDNotFoundError, abstract('b', 'no-group'));
  await service.inviteUserToGroup(
    as(t1, 'a'),
    make('group.InviteUserToGroupReq', { groupID, invitedUserIDs: ['c'] }),
  );
  const second = (await abstract('b', groupID)).groupAbstractInfos[0];
  assert.notEqual(second?.groupMemberListHash, first?.groupMemberListHash);

  const countReq = make('group.GroupCreateCountReq', { start: 1, end: Date.now() + 1_000 });
  await refuses(ERR.NoPermissionError, service.groupCreateCount(as(t1, 'a'), countReq));
  const counts = await service.groupCreateCount(admin(), countReq);
  const today = new Date().toISOString().slice(0, 10);
  assert.ok((counts.count[today] ?? 0) > 0);
  assert.equal(counts.before, 0);
});
