import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { blackRepo, groupMemberChanges } from '@im/store';
import { as, refuses, route, TENANTS } from '@im/testing';
import { actions, describeGroups } from './harness.ts';

const [t1] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

const block = (ownerUserID: string, blackUserID: string) =>
  blackRepo(harness.store).add(t1, {
    ownerUserID,
    blackUserID,
    createTime: 1,
    addSource: 0,
    operatorUserID: ownerUserID,
    ex: '',
  });
const invite = (by: string, groupID: string, invitedUserIDs: string[], opAdmin = false) =>
  harness.group.inviteUserToGroup(
    as(t1, by, opAdmin),
    make('group.InviteUserToGroupReq', { groupID, invitedUserIDs }),
  );
const rename = (by: string, groupID: string, userID = by) =>
  harness.group.setGroupMemberInfo(
    as(t1, by),
    make('group.SetGroupMemberInfoReq', {
      members: [make('group.SetGroupMemberInfo', { groupID, userID, nickname: 'shown to all' })],
    }),
  );
const announce = (by: string, groupID: string) =>
  harness.group.setGroupInfo(
    as(t1, by),
    make('group.SetGroupInfoReq', {
      groupInfoForSet: make('sdkws.GroupInfoForSet', { groupID, notification: 'shown to all' }),
    }),
  );

test('a blocked user brings the blocker into no group', async () => {
  await block('b', 'a');
  await refuses(ERR.BlockedByPeer, act.create('a', ['b', 'c']));
  const groupID = await act.quietly('a', ['c']);
  await refuses(ERR.BlockedByPeer, invite('a', groupID, ['d', 'b']));
  assert.deepEqual(harness.takeSent(), []);
  assert.deepEqual(await act.membersOf(groupID), ['a', 'c'], 'nobody is in by halves');
  await invite('c', groupID, ['b']);
  await invite('imAdmin', groupID, ['d'], true);
  assert.deepEqual(await act.membersOf(groupID), ['a', 'c', 'b', 'd']);
});

test('a leader does not learn of applications of those whom they block', async () => {
  const groupID = await act.quietly('e', ['m0'], {}, { adminUserIDs: ['f'] });
  await block('e', 'm1');
  await harness.group.joinGroup(
    as(t1, 'm1'),
    make('group.JoinGroupReq', { groupID, inviterUserID: 'm1', joinSource: 3, reqMessage: 'please' }),
  );
  assert.deepEqual(harness.takeSent().map(route).sort(), ['1503 m1>f', '1503 m1>m1']);
});

test('a muted member shows the group nothing: no name, no invitation, no announcement', async () => {
  const groupID = await act.quietly('a', ['m2'], {}, { adminUserIDs: ['m3'] });
  const mute = (userID: string, muteEndTime: number) =>
    groupMemberChanges(harness.store).update(t1, groupID, userID, { muteEndTime });
  for (const userID of ['a', 'm2', 'm3']) await mute(userID, Date.now() + 60_000);
  await refuses(ERR.MutedInGroup, rename('m2', groupID));
  await refuses(ERR.MutedInGroup, invite('m2', groupID, ['m4']));
  await refuses(ERR.MutedInGroup, rename('m3', groupID));
  await refuses(ERR.MutedInGroup, announce('m3', groupID));
  assert.deepEqual(harness.takeSent(), []);
  await announce('a', groupID);
  for (const userID of ['a', 'm2', 'm3']) await mute(userID, 0);
  await rename('m2', groupID);
  await invite('m3', groupID, ['m4']);
});

test('in a muted group plain members have no voice, leaders have', async () => {
  const groupID = await act.quietly('a', ['m5'], {}, { adminUserIDs: ['m6'] });
  await harness.group.muteGroup(as(t1, 'a'), make('group.MuteGroupReq', { groupID }));
  harness.takeSent();
  await refuses(ERR.MutedGroup, rename('m5', groupID));
  await refuses(ERR.MutedGroup, invite('m5', groupID, ['m7']));
  assert.deepEqual(harness.takeSent(), []);
  await rename('m6', groupID);
  await announce('m6', groupID);
});
