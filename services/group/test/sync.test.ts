import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, idHash, make } from '@im/protocol';
import { as, refuses, TENANTS } from '@im/testing';
import { actions, admin, describeGroups, ids } from './harness.ts';

const [t1] = TENANTS;
const harness = describeGroups();
const act = actions(harness);

const sync = (groupID: string, versionID = '', version = 0, by = 'a') =>
  harness.group.getIncrementalGroupMember(
    as(t1, by),
    make('group.GetIncrementalGroupMemberReq', { groupID, versionID, version }),
  );

test('members: full, equal, delta, hash', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', ['b', 'c']);
  const first = await sync(groupID);
  assert.deepEqual([first.full, first.insert, first.group?.memberCount, first.version], [true, [], 3, 1]);
  const { versionID, version } = first;
  const equal = await sync(groupID, versionID, version);
  assert.deepEqual([equal.full, equal.group], [false, null]);
  await service.muteGroup(as(t1, 'a'), make('group.MuteGroupReq', { groupID }));
  const info = await sync(groupID, versionID, version);
  assert.deepEqual([info.full, info.insert, info.group?.status, info.version], [false, [], 3, 2]);
  await service.kickGroupMember(
    as(t1, 'a'),
    make('group.KickGroupMemberReq', { groupID, kickedUserIDs: ['c'] }),
  );
  await service.inviteUserToGroup(
    as(t1, 'a'),
    make('group.InviteUserToGroupReq', { groupID, invitedUserIDs: ['d'] }),
  );
  const role = make('group.SetGroupMemberInfo', { groupID, userID: 'b', roleLevel: 60 });
  await service.setGroupMemberInfo(as(t1, 'a'), make('group.SetGroupMemberInfoReq', { members: [role] }));
  const delta = await sync(groupID, versionID, version);
  assert.deepEqual(
    [ids(delta.insert), ids(delta.update), delta.delete, delta.sortVersion, delta.version],
    [['d'], ['b'], ['c'], 5, 5],
  );
  assert.equal(delta.insert[0]?.nickname, 'Nd');
  await refuses(ERR.NoPermissionError, sync(groupID, '', 0, 'c'));

  const full = (hash: string) =>
    service.getFullGroupMemberUserIDs(
      as(t1, 'a'),
      make('group.GetFullGroupMemberUserIDsReq', { groupID, idHash: hash }),
    );
  assert.deepEqual((await full('0')).userIDs, ['a', 'b', 'd']);
  const same = await full(idHash(['a', 'b', 'd']));
  assert.deepEqual([same.equal, same.userIDs, same.version], [true, [], 5]);
});

test('the batch has no changes of groups that the user left, and ends after 500 changes', async () => {
  const { group: service } = harness;
  const big: string[] = [];
  for (let i = 0; i < 4; i++) big.push(await act.quietly('a', []));
  const known = await Promise.all(
    big.map(async (groupID) => {
      const { versionID, version } = await sync(groupID);
      return { groupID, versionID, version };
    }),
  );
  const gone = await act.quietly('a', []);
  await service.dismissGroup(as(t1, 'a'), make('group.DismissGroupReq', { groupID: gone }));
  for (const groupID of big) {
    const invitedUserIDs = Array.from({ length: 199 }, (_, i) => `m${i}`);
    const req = make('group.InviteUserToGroupReq', { groupID, invitedUserIDs });
    await service.inviteUserToGroup(as(t1, 'a'), req);
  }
  const ask = (groupIDs: readonly string[], by = 'a') =>
    service.batchGetIncrementalGroupMember(
      as(t1, by),
      make('group.BatchGetIncrementalGroupMemberReq', {
        reqList: groupIDs.map((groupID) => {
          const at = known.find((k) => k.groupID === groupID);
          const { versionID = '', version = 0 } = at ?? {};
          return make('group.GetIncrementalGroupMemberReq', { groupID, versionID, version });
        }),
      }),
    );
  const { respList } = await ask([gone, ...big]);
  assert.deepEqual(Object.keys(respList).sort(), [gone, ...big.slice(0, 3)].sort(), '597 changes are enough');
  const nothing = make('group.GetIncrementalGroupMemberResp');
  assert.deepEqual(respList[gone], nothing);
  assert.equal(respList[big[0] ?? '']?.insert.length, 199);
  assert.equal(respList[big[0] ?? '']?.group?.memberCount, 200);
  const rest = await ask([big[3] ?? '']);
  assert.equal(rest.respList[big[3] ?? '']?.insert.length, 199);
  const outside = await ask(big, 'f');
  assert.deepEqual(
    Object.values(outside.respList),
    big.map(() => nothing),
  );
  await refuses(ERR.RecordNotFoundError, ask(['no-group']));
  const again = await ask([]);
  assert.deepEqual(again.respList, {});
});

test('joined groups: full ids, hash, list, membership for gateways', async () => {
  const { group: service } = harness;
  await harness.addUsers(t1, 'j');
  const one = await act.quietly('a', ['j']);
  const me = as(t1, 'j');
  const before = await service.getIncrementalJoinGroup(
    me,
    make('group.GetIncrementalJoinGroupReq', { userID: 'j' }),
  );
  const two = await act.quietly('a', ['j']);
  const { versionID, version } = before;
  const delta = await service.getIncrementalJoinGroup(
    me,
    make('group.GetIncrementalJoinGroupReq', { userID: 'j', versionID, version }),
  );
  assert.deepEqual(
    [delta.full, delta.insert.map((g) => [g.groupID, g.memberCount, g.ownerUserID])],
    [false, [[two, 2, 'a']]],
  );
  const fullIDs = (hash: string) =>
    service.getFullJoinGroupIDs(me, make('group.GetFullJoinGroupIDsReq', { userID: 'j', idHash: hash }));
  assert.deepEqual((await fullIDs('0')).groupIDs, [one, two]);
  assert.equal((await fullIDs(idHash([one, two]))).equal, true);
  const list = await service.getJoinedGroupList(
    me,
    make('group.GetJoinedGroupListReq', {
      fromUserID: 'j',
      pagination: make('sdkws.RequestPagination', { pageNumber: 2, showNumber: 1 }),
    }),
  );
  assert.deepEqual([list.total, list.groups.map(({ groupID }) => groupID)], [2, [two]]);
  const membership = await service.getMembership(
    admin(),
    make('group.GetMembershipReq', { groupID: one, userIDs: ['j', 'b', 'nobody'] }),
  );
  assert.deepEqual([membership.memberUserIDs, membership.memberVersion], [['j'], 1]);
  await refuses(
    ERR.NoPermissionError,
    service.getFullJoinGroupIDs(as(t1, 'a'), make('group.GetFullJoinGroupIDsReq', { userID: 'j' })),
  );
});

test('twenty joins at once: all are in, versions are distinct, nothing is missing', async () => {
  const { group: service } = harness;
  const groupID = await act.quietly('a', [], { needVerification: 2 });
  const start = await sync(groupID);
  const users = Array.from({ length: 20 }, (_, i) => `m${i}`);
  await Promise.all(
    users.map((id) =>
      service.joinGroup(
        as(t1, id),
        make('group.JoinGroupReq', { groupID, joinSource: 3, inviterUserID: id }),
      ),
    ),
  );
  const versions = harness.takeSent().map(({ request }) => request.memberVersion);
  assert.deepEqual(
    versions.sort((x, y) => x - y),
    users.map((_, i) => i + 2),
  );
  const delta = await sync(groupID, start.versionID, start.version);
  assert.deepEqual(ids(delta.insert).sort(), [...users].sort());
  assert.equal(delta.group?.memberCount, 21);
});

test('twenty invitations of one user at once add them once', async () => {
  const groupID = await act.quietly('a', []);
  const req = make('group.InviteUserToGroupReq', { groupID, invitedUserIDs: ['b'] });
  await Promise.allSettled(
    Array.from({ length: 20 }, () => harness.group.inviteUserToGroup(as(t1, 'a'), req)),
  );
  assert.deepEqual(await act.membersOf(groupID), ['a', 'b']);
  assert.equal(harness.takeSent().length, 1);
});

test('a batch ends, too, when the groups that it shows are large; the rest comes when it is asked for', async () => {
  const text = 'x'.repeat(16_384);
  const large = { groupName: text, notification: text, introduction: text, faceURL: text, ex: text };
  const created: string[] = [];
  for (let i = 0; i < 60; i++) created.push(await act.quietly('f', ['b'], large));
  const left = new Set(created);
  const sizes: number[] = [];
  while (left.size > 0) {
    const request = make('group.BatchGetIncrementalGroupMemberReq', {
      reqList: [...left].map((groupID) => make('group.GetIncrementalGroupMemberReq', { groupID })),
    });
    const { respList } = await harness.group.batchGetIncrementalGroupMember(as(t1, 'f'), request);
    const got = Object.keys(respList);
    sizes.push(got.length);
    assert.ok(got.length > 0);
    for (const groupID of got) {
      assert.equal(respList[groupID]?.group?.introduction.length, text.length);
      left.delete(groupID);
    }
  }
  assert.deepEqual(sizes, [52, 8]);
});
