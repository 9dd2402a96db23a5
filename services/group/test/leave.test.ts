import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { as, refuses, TENANTS } from '@im/testing';
import { actions, admin, describeGroups, groupOf, ids, memberOf, nth, only } from './harness.ts';

const [t1] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

test('quit: the notification names the leaver, who is removed at its place', async () => {
  const groupID = await act.quietly('a', ['b', 'c']);
  const quit = (by: string, userID = '') =>
    harness.group.quitGroup(as(t1, by), make('group.QuitGroupReq', { groupID, userID }));
  await refuses(ERR.NoPermissionError, quit('a'));
  await refuses(ERR.RecordNotFoundError, quit('d'));
  await refuses(ERR.NoPermissionError, quit('b', 'c'));
  await quit('b');
  const { request, tips } = only(harness.takeSent());
  assert.deepEqual([request.contentType, request.sendID], [1504, 'b']);
  assert.deepEqual([request.removedUserIDs, request.memberVersion], [['b'], 2]);
  assert.equal(memberOf(tips.quitUser).nickname, 'Nb');
  assert.equal(groupOf(tips.group).memberCount, 2);
  assert.deepEqual(
    await act.joinedOf('b'),
    (await act.joinedOf('b')).filter((id) => id !== groupID),
  );
  await refuses(ERR.RecordNotFoundError, quit('b'));
});

test('kick: rights, and a large kick in batches', async () => {
  const many = Array.from({ length: 70 }, (_, i) => `m${i}`);
  const groupID = await act.quietly('a', ['b', ...many], {}, { adminUserIDs: ['e', 'f'] });
  const kick = (by: string, kickedUserIDs: string[]) =>
    harness.group.kickGroupMember(
      as(t1, by),
      make('group.KickGroupMemberReq', { groupID, kickedUserIDs, sendMessage: false }),
    );
  await refuses(ERR.ArgsError, kick('e', ['a']));
  await refuses(ERR.ArgsError, kick('e', ['e']));
  await refuses(ERR.NoPermissionError, kick('e', ['f']));
  await refuses(ERR.NoPermissionError, kick('b', ['m1']));
  await refuses(ERR.UserIDNotFoundError, kick('a', ['d']));
  await kick('e', many);
  const sent = harness.takeSent();
  assert.deepEqual(
    sent.map(({ request }) => [request.contentType, request.removedUserIDs.length, request.memberVersion]),
    [
      [1508, 50, 2],
      [1508, 20, 3],
    ],
  );
  assert.equal(ids(nth(sent, 0).tips.kickedUserList).length, 50);
  assert.deepEqual(await act.membersOf(groupID), ['a', 'e', 'f', 'b']);
});

test('dismissal removes all members, names them, and drops the version log; then every change is refused', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', ['b', 'c'], { needVerification: 2 });
  const before = await service.getIncrementalJoinGroup(
    as(t1, 'b'),
    make('group.GetIncrementalJoinGroupReq', { userID: 'b' }),
  );
  const dismiss = (by: string, deleteMember = false, isAdmin = false) =>
    service.dismissGroup(as(t1, by, isAdmin), make('group.DismissGroupReq', { groupID, deleteMember }));
  await refuses(ERR.NoPermissionError, dismiss('b'));
  await dismiss('a');
  const { request, tips } = only(harness.takeSent());
  assert.deepEqual([request.contentType, request.sendID, request.recvID], [1511, 'a', groupID]);
  assert.deepEqual([...request.removedUserIDs].sort(), ['a', 'b', 'c']);
  const shown = groupOf(tips.group);
  assert.deepEqual([shown.status, shown.memberCount, shown.ownerUserID], [2, 3, 'a']);
  assert.deepEqual(await act.membersOf(groupID), []);
  const { versionID, version } = before;
  const gone = await service.getIncrementalJoinGroup(
    as(t1, 'b'),
    make('group.GetIncrementalJoinGroupReq', { userID: 'b', versionID, version }),
  );
  assert.deepEqual([gone.full, gone.delete], [false, [groupID]]);
  await refuses(ERR.NoPermissionError, dismiss('a'));
  await refuses(ERR.DismissedAlreadyError, dismiss('imAdmin', false, true));
  await dismiss('imAdmin', true, true);
  assert.deepEqual(harness.takeSent(), []);
  await refuses(
    ERR.DismissedAlreadyError,
    service.joinGroup(
      as(t1, 'd'),
      make('group.JoinGroupReq', { groupID, joinSource: 3, inviterUserID: 'd' }),
    ),
  );
  await refuses(
    ERR.DismissedAlreadyError,
    service.getIncrementalGroupMember(admin(), make('group.GetIncrementalGroupMemberReq', { groupID })),
  );
  const info = await service.getGroupsInfo(
    as(t1, 'd'),
    make('group.GetGroupsInfoReq', { groupIDs: [groupID, 'no-group'] }),
  );
  assert.deepEqual(
    info.groupInfos.map((g) => [g.groupID, g.status]),
    [[groupID, 2]],
  );
});
