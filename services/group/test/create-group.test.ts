import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantSettings } from '@im/contract';
import { ERR, make } from '@im/protocol';
import { as, refuses, TENANTS } from '@im/testing';
import { actions, admin, describeGroups, ids, memberOf, only } from './harness.ts';

const [t1, t2] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

test('stores the group and its members, with one notification', async () => {
  const info = await act.create('a', ['c', 'b'], {}, { adminUserIDs: ['d'] });
  assert.deepEqual([info.memberCount, info.ownerUserID, info.groupName], [4, 'a', 'Team']);
  assert.match(info.groupID, /^\d{1,10}$/);
  const { request, tips } = only(harness.takeSent());
  assert.deepEqual(
    [request.contentType, request.sessionType, request.sendID, request.recvID, request.sendMessage],
    [1501, 3, 'a', info.groupID, null],
  );
  assert.deepEqual(request.addedUserIDs, ['a', 'd', 'c', 'b']);
  assert.equal(request.memberVersion, 1);
  assert.equal(tips.groupMemberVersion, 1);
  assert.match(String(tips.groupMemberVersionID), /^[0-9a-f]{24}$/);
  assert.deepEqual(ids(tips.memberList), ['a'], 'the list ends with who made the group');
  assert.ok(Number(tips.operationTime) > 0);
  assert.equal(memberOf(tips.opUser).nickname, 'Na');
  assert.deepEqual(await act.membersOf(info.groupID), ['a', 'd', 'c', 'b']);
  assert.ok((await act.joinedOf('b')).includes(info.groupID));
  assert.deepEqual(await act.joinedOf('b', t2), []);
});

test('an administrator creates a group without joining it; an announcement is a separate message', async () => {
  const req = make('group.CreateGroupReq', {
    ownerUserID: 'a',
    memberUserIDs: ['b'],
    groupInfo: make('sdkws.GroupInfo', { groupType: 2, groupID: 'own-id', notification: 'hello' }),
    sendMessage: false,
  });
  const { groupInfo } = await harness.group.createGroup(admin(), req);
  assert.deepEqual([groupInfo?.groupID, groupInfo?.memberCount], ['own-id', 2]);
  const [created, announced] = harness.takeSent();
  assert.equal(created?.request.sendMessage, false);
  assert.deepEqual(ids(created?.tips.memberList), ['a', 'b']);
  const opUser = memberOf(created?.tips.opUser);
  assert.deepEqual([opUser.userID, opUser.roleLevel, opUser.appMangerLevel], ['imAdmin', 60, 2]);
  assert.deepEqual([announced?.request.contentType, announced?.request.sendMessage], [1519, true]);
  await refuses(ERR.GroupIDExisted, harness.group.createGroup(admin(), req));
  const same = await act.create('a', ['b'], { groupID: 'own-id' }, {}, t2);
  assert.equal(same.memberCount, 2, 'the other tenant has its own');
});

test('no group takes the id of a chat, whose notifications would be its own', async () => {
  await refuses(ERR.ArgsError, act.create('a', ['b'], { groupID: 'a_b' }));
  await refuses(ERR.ArgsError, act.create('a', ['b'], { groupID: 'team_one' }));
  await refuses(ERR.ArgsError, act.create('a', ['b'], { groupID: 'g'.repeat(257) }));
  const asAdmin = (groupID: string) =>
    harness.group.createGroup(
      admin(),
      make('group.CreateGroupReq', {
        ownerUserID: 'a',
        groupInfo: make('sdkws.GroupInfo', { groupType: 2, groupID }),
        sendMessage: false,
      }),
    );
  for (const chat of ['a_b', 'b_a', 'a_a']) await refuses(ERR.ArgsError, asAdmin(chat));
  assert.deepEqual(harness.takeSent(), []);
  assert.equal((await asAdmin('team_one')).groupInfo?.groupID, 'team_one');
  harness.takeSent();
});

test('what is refused', async () => {
  await refuses(ERR.ArgsError, act.create('a', ['b'], { groupType: 0 }));
  await refuses(ERR.ArgsError, act.create('a', ['b', 'b']));
  await refuses(ERR.ArgsError, act.create('a', ['a']));
  await refuses(ERR.UserIDNotFoundError, act.create('a', ['nobody']));
  await refuses(ERR.ArgsError, act.create('a', [], { introduction: 'x'.repeat(20_000) }));
  const forged = make('group.CreateGroupReq', {
    ownerUserID: 'b',
    groupInfo: make('sdkws.GroupInfo', { groupType: 2 }),
  });
  await refuses(ERR.NoPermissionError, harness.group.createGroup(as(t1, 'a'), forged));
  assert.deepEqual(harness.takeSent(), []);
});

test('quotas of the tenant', async () => {
  const base = { id: t1, tokenSecret: 's', adminSecret: 's' };
  const groupID = await act.quietly('a', ['b']);
  harness.tenants.put(tenantSettings({ ...base, quotas: { groupSize: 3 } }));
  try {
    await refuses(ERR.NoPermissionError, act.create('a', ['b', 'c', 'd']));
    const invite = (invitedUserIDs: string[]) =>
      harness.group.inviteUserToGroup(
        as(t1, 'a'),
        make('group.InviteUserToGroupReq', { groupID, invitedUserIDs }),
      );
    await refuses(ERR.NoPermissionError, invite(['c', 'd']));
    await invite(['c']);
    harness.tenants.put(tenantSettings({ ...base, quotas: { groupsPerUser: 1 } }));
    await refuses(ERR.NoPermissionError, act.create('e', ['c']));
  } finally {
    harness.tenants.put(tenantSettings(base));
  }
});
