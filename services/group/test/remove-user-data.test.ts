import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { as, codeOf, route, TENANTS } from '@im/testing';
import { admin, describeGroups } from './harness.ts';

const [t1, t2] = TENANTS;
const domain = describeGroups();

async function create(
  ownerUserID: string,
  memberUserIDs: string[],
  adminUserIDs: string[] = [],
  tenant = t1,
) {
  const groupInfo = make('sdkws.GroupInfo', { groupName: 'g', groupType: 2 });
  const request = { groupInfo, ownerUserID, memberUserIDs, adminUserIDs };
  const answer = await domain.group.createGroup(
    as(tenant, ownerUserID),
    make('group.CreateGroupReq', request),
  );
  return answer.groupInfo?.groupID ?? '';
}

async function members(groupID: string) {
  const request = make('group.GetGroupMemberUserIDsReq', { groupID });
  return (await domain.group.getGroupMemberUserIDs(admin(), request)).userIDs;
}

async function ownerOf(groupID: string) {
  const request = make('group.GetGroupsInfoReq', { groupIDs: [groupID] });
  const { groupInfos } = await domain.group.getGroupsInfo(admin(), request);
  return [groupInfos[0]?.ownerUserID, groupInfos[0]?.status];
}

test('a deleted user leaves all groups: theirs pass to admins, then members, and are dismissed without any', async () => {
  const toAdmin = await create('a', ['b', 'c'], ['d']);
  const toMember = await create('a', ['b', 'c']);
  const toNone = await create('a', []);
  const joined = await create('b', ['a', 'c']);
  const elsewhere = await create('a', ['b'], [], t2);
  domain.takeSent();
  const remove = () =>
    domain.group.removeUserData(admin(), make('account.RemoveUserDataReq', { userID: 'a' }));
  const { removed, more } = await remove();
  assert.deepEqual([removed, more], [4, false]);

  assert.equal((await ownerOf(toAdmin))[0], 'd');
  assert.equal((await ownerOf(toMember))[0], 'b');
  assert.equal((await ownerOf(toNone))[1], 2);
  assert.equal((await ownerOf(joined))[0], 'b');
  for (const groupID of [toAdmin, toMember, joined])
    assert.equal((await members(groupID)).includes('a'), false);
  const sent = domain.takeSent().map(route);
  for (const groupID of [toAdmin, toMember])
    assert.ok(sent.some((text) => text.startsWith('1507') && text.endsWith(groupID)));
  for (const groupID of [toAdmin, toMember, joined])
    assert.ok(sent.some((text) => text.startsWith('1504') && text.endsWith(groupID)));
  const still = make('group.GetGroupMemberUserIDsReq', { groupID: elsewhere });
  assert.deepEqual((await domain.group.getGroupMemberUserIDs(as(t2, 'imAdmin', true), still)).userIDs, [
    'a',
    'b',
  ]);

  // Repeated, as after a lost answer.
  assert.deepEqual([(await remove()).removed, domain.takeSent().length], [0, 0]);
});

test('only the system and administrators ask for it', async () => {
  const request = make('account.RemoveUserDataReq', { userID: 'b' });
  assert.equal(await codeOf(domain.group.removeUserData(as(t1, 'b'), request)), ERR.NoPermissionError);
});
