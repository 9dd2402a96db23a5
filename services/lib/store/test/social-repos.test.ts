import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ROLE } from '@im/protocol';
import {
  blackRepo,
  type ConversationKey,
  conversationSettings,
  conversationSettingsChanges,
  type Friend,
  friendRepo,
  friendRequestRepo,
  type Group,
  type GroupMember,
  groupMemberChanges,
  groupMemberRepo,
  groupRepo,
  groupRequestRepo,
  HANDLE_RESULT,
  membershipOutbox,
  type Store,
} from '../src/index.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris);
  await untilReady(opened.store);
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

const aMember = {
  nickname: '',
  faceURL: '',
  roleLevel: ROLE.Member,
  joinTime: 1,
  joinSource: 2,
  inviterUserID: '',
  operatorUserID: '',
  muteEndTime: 0,
  ex: '',
};

/** A store whose first write to logs of joined groups waits: the rows are written, the versions are not. */
function slowAtJoinLogs(store: Store) {
  const written = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slow: Store = {
    ...store,
    collection(tenant, spec) {
      const view = store.collection(tenant, spec);
      if (spec.name !== 'group_join_version') return view;
      const col = new Proxy(view.col, {
        get(target, property) {
          const member: unknown = Reflect.get(target, property, target);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]) => {
            written.resolve();
            await gate.promise;
            return member.apply(target, args);
          };
        },
      });
      return { ...view, col };
    },
  };
  return { store: slow, written: written.promise, goOn: gate.resolve };
}

const ALL = { skip: 0, limit: 1_000 };

function friend(ownerUserID: string, friendUserID: string, createTime = 1_000): Friend {
  return {
    ownerUserID,
    friendUserID,
    remark: '',
    createTime,
    addSource: 2,
    operatorUserID: friendUserID,
    ex: '',
    isPinned: false,
  };
}
function group(groupID: string, extra: Partial<Group> = {}): Group {
  return {
    groupID,
    groupName: `Group ${groupID}`,
    notification: '',
    introduction: '',
    faceURL: '',
    ex: '',
    status: 0,
    creatorUserID: 'a',
    groupType: 2,
    needVerification: 0,
    lookMemberInfo: 0,
    applyMemberFriend: 0,
    createTime: Date.now(),
    notificationUpdateTime: 0,
    notificationUserID: '',
    ...extra,
  };
}
function member(
  groupID: string,
  userID: string,
  roleLevel: number = ROLE.Member,
  joinTime = 1_000,
): GroupMember {
  return {
    groupID,
    userID,
    nickname: '',
    faceURL: '',
    roleLevel,
    joinTime,
    joinSource: 2,
    inviterUserID: '',
    operatorUserID: '',
    muteEndTime: 0,
    ex: '',
  };
}

for (const [placement, [one, two]] of [
  ['Shared', SHARED],
  ['Dedicated', DEDICATED],
] as const) {
  describe(placement, () => {
    test('friends: pinned first, then in order; directed; versions tell the changes', async () => {
      const friends = friendRepo(opened.store);
      assert.equal(await friends.isFriend(one, 'a', 'b'), false);
      const base = await friends.versions.stamp(one, 'a');
      await friends.add(one, [friend('a', 'd'), friend('a', 'b'), friend('b', 'a'), friend('a', 'c')]);
      assert.deepEqual(await friends.ids(one, 'a'), ['d', 'b', 'c']);
      assert.equal(await friends.isFriend(one, 'a', 'b'), true);
      assert.equal(await friends.isFriend(one, 'b', 'd'), false);
      await friends.update(one, 'a', ['c', 'nobody'], { isPinned: true, remark: 'sea' });
      assert.deepEqual(await friends.ids(one, 'a'), ['c', 'd', 'b']);
      const page = await friends.list(one, 'a', { skip: 0, limit: 1 });
      assert.deepEqual([page.total, page.friends[0]?.remark, page.friends[0]?.isPinned], [3, 'sea', true]);
      await friends.remove(one, 'a', 'd');
      const delta = await friends.versions.since(one, 'a', base);
      assert.deepEqual(
        [delta.insert, delta.update, delta.delete, delta.sortVersion],
        [['b'], ['c'], ['d'], 3],
      );
      await friends.add(one, [friend('a', 'b', 9_999)]);
      assert.equal((await friends.find(one, 'a', ['b']))[0]?.createTime, 1_000, 'an existing friend stays');
      assert.equal(await friends.update(one, 'a', ['nobody'], { ex: 'x' }), undefined);
      assert.deepEqual(await friends.ids(two, 'a'), []);
    });

    test('friend requests: one per direction, answered once, newest first', async () => {
      const requests = friendRequestRepo(opened.store);
      const put = (from: string, createTime: number) =>
        requests.put(one, { fromUserID: from, toUserID: 'a', reqMsg: from, ex: '', createTime });
      await put('x', 1);
      await put('y', 2);
      await put('x', 3);
      const listed = await requests.list(
        one,
        { side: 'received', userID: 'a', handleResults: [] },
        { skip: 0, limit: 10 },
      );
      assert.deepEqual(
        listed.requests.map((r) => [r.fromUserID, r.createTime]),
        [
          ['x', 3],
          ['y', 2],
        ],
      );
      assert.equal(await requests.countPending(one, 'a', 0), 2);
      assert.equal(await requests.countPending(one, 'a', 2), 1);
      const answer = { handleResult: HANDLE_RESULT.Agree, handleTime: 5, handlerUserID: 'a' };
      assert.equal((await requests.answer(one, 'x', 'a', answer))?.handleResult, 1);
      assert.equal(await requests.answer(one, 'x', 'a', answer), undefined);
      const agreed = await requests.list(one, { side: 'sent', userID: 'x', handleResults: [1] }, ALL);
      assert.equal(agreed.total, 1);
      await put('x', 9);
      const again = await requests.get(one, 'x', 'a');
      assert.deepEqual([again?.handleResult, again?.handlerUserID, again?.handleTime], [0, 'a', 5]);
      assert.equal(await requests.get(two, 'x', 'a'), undefined);
    });

    test('blacklists: copies follow the truth', async () => {
      const blacks = blackRepo(opened.store);
      const entry = {
        ownerUserID: 'a',
        blackUserID: 'b',
        createTime: 7,
        addSource: 0,
        operatorUserID: 'a',
        ex: '',
      };
      assert.equal(await blacks.isBlocked(one, 'a', 'b'), false);
      assert.equal(await blacks.add(one, entry), true);
      assert.equal(await blacks.add(one, entry), false);
      assert.equal(await blacks.isBlocked(one, 'a', 'b'), true);
      assert.equal(await blacks.isBlocked(two, 'a', 'b'), false);
      assert.deepEqual((await blacks.list(one, 'a', ALL)).blacks, [entry]);
      await blacks.remove(one, 'a', 'b');
      assert.equal(await blacks.isBlocked(one, 'a', 'b'), false);
    });

    test('groups: taken ids, guarded changes, search, counts by day', async () => {
      const groups = groupRepo(opened.store);
      const day = Date.UTC(2026, 0, 2, 12);
      assert.equal(await groups.get(one, 'g1'), undefined);
      assert.equal(
        await groups.insert(one, group('g1', { createTime: day, groupName: 'Blue (Team)' })),
        true,
      );
      assert.equal(await groups.insert(one, group('g1')), false);
      assert.equal(await groups.insert(two, group('g1', { groupName: 'Other' })), true);
      await groups.insert(one, group('g2', { createTime: day - 86_400_000 }));
      assert.equal((await groups.get(one, 'g1'))?.groupName, 'Blue (Team)');
      assert.equal((await groups.search(one, 'e (t', ALL)).total, 1);
      const counts = await groups.created(one, day - 1, day + 1);
      assert.deepEqual(counts, { total: 2, before: 1, days: { '2026-01-02': 1 } });
      assert.equal((await groups.update(one, 'g1', { groupName: 'Red' }))?.groupName, 'Red');
      assert.equal((await groups.get(one, 'g1'))?.groupName, 'Red', 'the copy follows');
      assert.equal((await groups.update(one, 'g1', { status: 2 }))?.status, 2);
      assert.equal(await groups.update(one, 'g1', { status: 0 }), undefined, 'dismissed for good');
      assert.equal((await groups.search(one, 'red', ALL)).total, 0);
      assert.equal((await groups.get(two, 'g1'))?.status, 0);
    });

    test('members: order, roles, copies, joined groups, removal', async () => {
      const members = groupMemberRepo(opened.store);
      const changes = groupMemberChanges(opened.store);
      assert.equal(await members.get(one, 'm', 'z'), undefined);
      const added = await changes.add(one, 'm', [
        member('m', 'z', ROLE.Owner),
        member('m', 'y'),
        member('m', 'x'),
      ]);
      assert.deepEqual([added.added, added.stamp.version], [['z', 'y', 'x'], 1]);
      const more = await changes.add(one, 'm', [member('m', 'y'), member('m', 'w', ROLE.Admin, 2_000)]);
      assert.deepEqual([more.added, more.stamp.version], [['w'], 2]);
      assert.deepEqual(await members.userIDs(one, 'm'), ['z', 'w', 'y', 'x']);
      assert.deepEqual(
        (await members.leaders(one, 'm')).map(({ userID }) => userID),
        ['z', 'w'],
      );
      const summary = (await members.summaries(one, ['m', 'none'])).get('m');
      assert.deepEqual(summary, { memberCount: 4, ownerUserID: 'z' });
      assert.equal((await members.get(one, 'm', 'w'))?.roleLevel, ROLE.Admin);

      const w = await members.get(one, 'm', 'w');
      assert.ok(w);
      const transfer = (id: string) => ({
        id,
        oldOwnerUserID: 'z',
        newOwnerUserID: 'w',
        roleLevel: w.roleLevel,
      });
      const moved = await changes.transferOwner(one, 'm', transfer('t'));
      assert.equal(moved !== 'undone' && moved.stamp.version, 3);
      assert.equal(await changes.transferOwner(one, 'm', transfer('u')), 'undone', 'not twice');
      assert.equal(await changes.settleOwner(one, 'm', transfer('u')), undefined);
      assert.equal((await members.get(one, 'm', 'z'))?.roleLevel, ROLE.Admin);
      assert.equal((await members.summaries(one, ['m'])).get('m')?.ownerUserID, 'w');

      await changes.update(one, 'm', 'x', { muteEndTime: 99, nickname: 'X' });
      assert.equal((await members.get(one, 'm', 'x'))?.muteEndTime, 99);
      assert.equal(await changes.update(one, 'm', 'nobody', { ex: '' }), undefined);
      assert.deepEqual(await members.profileGroupIDs(one, 'x'), ['m'], 'the face is still the profile');

      assert.deepEqual(await members.joinedGroupIDs(one, 'x'), ['m']);
      const joinBase = await members.joinVersions.stamp(one, 'x');
      const left = await changes.remove(one, 'm', ['x']);
      assert.equal(left.stamp.version, 5);
      assert.deepEqual(await members.joinedGroupIDs(one, 'x'), []);
      assert.equal(await members.get(one, 'm', 'x'), undefined);
      assert.deepEqual((await members.joinVersions.since(one, 'x', joinBase)).delete, ['m']);
      assert.deepEqual(await members.userIDs(two, 'm'), []);

      assert.equal((await changes.removeSome(one, 'm', 2)).length, 2);
      assert.equal((await changes.removeSome(one, 'm', 2)).length, 1);
      assert.equal(await members.count(one, 'm'), 0);
      await changes.dropVersions(one, 'm');
      const fresh = await members.versions.stamp(one, 'm');
      assert.notEqual(fresh.versionID, added.stamp.versionID);
    });

    test('versions of members count who comes and goes, and tell who did since', async () => {
      const { memberVersions } = groupMemberRepo(opened.store);
      const members = groupMemberRepo(opened.store);
      const changes = groupMemberChanges(opened.store);
      const member = (userID: string) => ({ ...aMember, groupID: 'mv', userID });
      assert.equal(await memberVersions.known(one, 'mv'), 0);
      const created = await changes.add(one, 'mv', [member('a'), member('b')], 'first');
      assert.deepEqual([created.stamp.version, created.before, created.added], [1, 0, ['a', 'b']]);
      assert.equal(await memberVersions.known(one, 'mv'), 1, 'the copy follows');
      await changes.update(one, 'mv', 'a', { nickname: 'A' });
      assert.equal(await memberVersions.known(one, 'mv'), 1, 'a name is no change of membership');
      const kicked = await changes.remove(one, 'mv', ['b']);
      assert.deepEqual([kicked.stamp.version, kicked.before, kicked.removed], [3, 1, ['b']]);
      assert.deepEqual([...(await memberVersions.current(one, ['mv', 'none']))], [['mv', 3]]);
      await changes.add(one, 'mv', [member('c')], 'second');
      await changes.update(one, 'mv', 'c', { nickname: 'C' });
      const since = await memberVersions.since(one, 'mv', 3);
      assert.deepEqual(since, { version: 4, changedUserIDs: ['c'], full: false });
      assert.equal((await memberVersions.since(one, 'mv', 99)).full, true, 'a version of another log');

      assert.equal(await changes.settle(one, 'mv', { id: 'other', added: ['c'], removed: ['a'] }), undefined);
      const again = await changes.settle(one, 'mv', { id: 'second', added: ['c', 'd'], removed: ['b'] });
      assert.deepEqual(
        [again?.stamp.version, again?.before, again?.added, again?.removed],
        [6, 4, ['c'], ['b']],
      );
      assert.deepEqual(await members.joinedGroupIDs(one, 'c'), ['mv']);
    });

    test('a slow change that another overtakes reports nothing wrong, and puts the logs right', async () => {
      const members = groupMemberRepo(opened.store);
      const changes = groupMemberChanges(opened.store);
      for (const slowly of ['add', 'remove'] as const) {
        const groupID = `slow-${slowly}`;
        const row = (userID: string) => ({ ...aMember, groupID, userID });
        await changes.add(one, groupID, slowly === 'add' ? [row('a')] : [row('a'), row('x')], 'first');
        const base = await members.versions.stamp(one, groupID);
        const { store, written, goOn } = slowAtJoinLogs(opened.store);
        const slow = groupMemberChanges(store);
        const change =
          slowly === 'add' ? slow.add(one, groupID, [row('x')], 's') : slow.remove(one, groupID, ['x']);
        await written;
        if (slowly === 'add') await changes.remove(one, groupID, ['x']);
        else await changes.add(one, groupID, [row('x')], 'other');
        goOn();
        const outcome = await change;
        assert.deepEqual([outcome.added, outcome.removed], [[], []]);
        const { insert, delete: gone } = await members.versions.since(one, groupID, base);
        assert.deepEqual([insert, gone], slowly === 'add' ? [[], ['x']] : [['x'], []]);
      }
    });

    test('intents of changes of membership: due when no process works on them, claimed by one', async () => {
      const outbox = membershipOutbox(opened.store);
      const intent = (id: string, at: number) => ({
        id,
        groupID: 'g',
        contentType: 1508,
        addedUserIDs: [],
        removedUserIDs: ['x'],
        opUserID: 'o',
        operationID: 'op',
        sendMessage: null,
        at,
      });
      await outbox.put(one, intent('first', 1), 100);
      await outbox.put(one, intent('second', 2), 200);
      await outbox.put(two, intent('other', 3), 100);
      const tenants = (await Promise.all(outbox.pending([one, two]).map(({ find }) => find()))).flat();
      assert.deepEqual(tenants.sort(), [one, two]);
      assert.deepEqual(await outbox.due(one, 150, 10), [intent('first', 1)]);
      assert.equal(await outbox.claim(one, intent('first', 1), 150, 500), true);
      assert.equal(await outbox.claim(one, intent('first', 1), 150, 500), false);
      assert.deepEqual(await outbox.due(one, 300, 10), [intent('second', 2)]);
      for (const id of ['first', 'second']) await outbox.remove(one, { groupID: 'g', id });
      assert.deepEqual(await outbox.due(one, 1_000, 10), []);
      await outbox.remove(two, { groupID: 'g', id: 'other' });
      const transfer = { oldOwnerUserID: 'x', newOwnerUserID: 'y', roleLevel: 20 };
      assert.equal(await outbox.put(one, { ...intent('t1', 1), transfer }, 100), true);
      assert.equal(await outbox.put(one, { ...intent('t2', 1), transfer }, 100), false, 'one at a time');
      assert.deepEqual(await outbox.due(one, 150, 10), [{ ...intent('t1', 1), transfer }]);
      await outbox.remove(one, { ...intent('t2', 1), transfer });
      assert.equal((await outbox.due(one, 150, 10)).length, 1, 'a late writer removes nobody else’s');
      await outbox.remove(one, { ...intent('t1', 1), transfer });
      assert.deepEqual(await outbox.due(one, 150, 10), []);
    });

    test('group requests: the newest counts', async () => {
      const requests = groupRequestRepo(opened.store);
      const request = (userID: string, reqTime: number) => ({
        groupID: 'g',
        userID,
        handleResult: 0,
        reqMsg: '',
        handledMsg: '',
        reqTime,
        handleUserID: '',
        handledTime: 0,
        joinSource: 3,
        inviterUserID: '',
        ex: '',
      });
      await requests.put(one, [request('a', 1), request('b', 2)]);
      await requests.put(one, [request('a', 3)]);
      const query = { groupIDs: ['g', 'h'], handleResults: [0] };
      const listed = await requests.list(one, query, ALL);
      assert.deepEqual(
        listed.requests.map(({ userID }) => userID),
        ['a', 'b'],
      );
      const answer = { handleResult: 1, handledMsg: 'ok', handleUserID: 'o', handledTime: 9 };
      assert.equal((await requests.answer(one, 'g', 'a', answer))?.handledMsg, 'ok');
      assert.equal(await requests.answer(one, 'g', 'a', answer), undefined);
      assert.equal(await requests.countPending(one, ['g'], 0), 1);
      assert.equal(
        (await requests.list(one, { userID: 'a', groupIDs: [], handleResults: [] }, ALL)).total,
        1,
      );
      assert.equal((await requests.list(one, { groupIDs: [], handleResults: [] }, ALL)).total, 0);
      assert.deepEqual(await requests.find(two, 'g', ['a', 'b']), []);
    });

    test('conversation records: made once, set, frozen, bounded, removed', async () => {
      const records = conversationSettings(opened.store);
      const changes = conversationSettingsChanges(opened.store);
      const key = (ownerUserID: string, groupID: string): ConversationKey => ({
        ownerUserID,
        conversationID: `sg_${groupID}`,
        conversationType: 3,
        userID: '',
        groupID,
      });
      const base = await records.versions.stamp(one, 'a');
      await changes.createForOwners(one, [key('a', 'g1'), key('b', 'g1'), key('a', 'g2')]);
      const first = await records.versions.since(one, 'a', base);
      assert.deepEqual([...first.insert].sort(), ['sg_g1', 'sg_g2']);
      await changes.createForOwners(one, [key('a', 'g1')]);
      assert.equal(await records.count(one, 'a'), 2);
      assert.deepEqual(await records.ids(one, 'a'), ['sg_g1', 'sg_g2']);

      assert.equal(await records.recvMsgOpt(one, 'a', 'sg_g1'), 0);
      assert.deepEqual(await changes.apply(one, [key('a', 'g1'), key('c', 'g1')], { recvMsgOpt: 2 }), [
        'a',
        'c',
      ]);
      assert.deepEqual(await changes.apply(one, [key('a', 'g1')], { recvMsgOpt: 2 }), []);
      assert.equal(await records.recvMsgOpt(one, 'a', 'sg_g1'), 2, 'the copy follows');
      assert.deepEqual(await records.notNotifyIDs(one, 'a'), ['sg_g1']);
      assert.deepEqual((await records.quietOwners(one, 'sg_g1')).sort(), ['a', 'c']);
      assert.deepEqual((await records.owners(one, 'sg_g1')).sort(), ['a', 'b', 'c']);
      await changes.apply(one, [key('a', 'g2')], { isPinned: true });
      assert.deepEqual(await records.pinnedIDs(one, 'a'), ['sg_g2']);

      const before = await records.versions.stamp(one, 'b');
      const place = (position: number, version = 0) => ({ position, version });
      await changes.freezeForUsers(one, 'sg_g1', ['b', 'nobody'], 41, place(10));
      assert.deepEqual((await records.bounds(one, 'b'))[0], {
        conversationID: 'sg_g1',
        minSeq: 0,
        maxSeq: 41,
        isPinned: false,
      });
      assert.deepEqual((await records.versions.since(one, 'b', before)).update, ['sg_g1']);
      const maxOfB = async () => (await records.bounds(one, 'b', ['sg_g1', 'none']))[0]?.maxSeq;
      await changes.freezeForUsers(one, 'sg_g1', ['b'], 50, place(11));
      assert.equal(await maxOfB(), 41, 'who is told to have left twice left the first time');
      await changes.openForMembers(one, [key('b', 'g1')], place(20, 5));
      assert.equal(await maxOfB(), 0);
      await changes.freezeForUsers(one, 'sg_g1', ['b'], 60, place(19));
      assert.equal(await maxOfB(), 0, 'a worker that wakes up does not end it again');
      await changes.freezeForUsers(one, 'sg_g1', ['b'], 60, place(30, 7));
      await changes.openForMembers(one, [key('b', 'g1')], place(40, 6));
      assert.equal(await maxOfB(), 60, 'an older version of the member log loses, however late its record');
      await changes.openForMembers(one, [key('new', 'g3')], place(40, 6));
      await changes.openForMembers(one, [key('b', 'g1'), key('new', 'g3')], place(50, 8));
      assert.equal(await maxOfB(), 0);
      assert.deepEqual(await records.ids(one, 'new'), ['sg_g3']);

      const raised = [
        { conversationID: 'sg_g1', minSeq: 9, latestMsgDestructTime: 5 },
        { conversationID: 'none', minSeq: 9 },
      ];
      assert.deepEqual(await changes.setMinSeqs(one, 'a', raised), ['sg_g1']);
      await changes.setMinSeqs(one, 'a', [{ conversationID: 'sg_g1', minSeq: 4 }]);
      const [a1] = await records.find(one, 'a', ['sg_g1']);
      assert.deepEqual([a1?.minSeq, a1?.latestMsgDestructTime], [9, 5]);

      const mark = await changes.setGroupAtType(one, 'sg_g1', 2, { except: ['b'] });
      assert.deepEqual(mark.sort(), ['a', 'c']);
      assert.deepEqual(await changes.setGroupAtType(one, 'sg_g1', 2, { only: ['a', 'b', 'z'] }), ['b']);

      const single = { conversationID: 'si_a_b', conversationType: 1, groupID: '' };
      await changes.apply(one, [{ ...single, ownerUserID: 'a', userID: 'b' }], {});
      await changes.setExByPeer(one, 'b', 'boss');
      assert.equal((await records.find(one, 'a', ['si_a_b']))[0]?.ex, 'boss');

      await changes.remove(one, 'a', ['sg_g1', 'unknown']);
      assert.deepEqual(await records.ids(one, 'a'), ['sg_g2', 'si_a_b']);
      assert.equal(await records.recvMsgOpt(one, 'a', 'sg_g1'), undefined);
      assert.deepEqual(await records.list(two, 'a'), []);
    });
  });
}

test('a peer with many chats changes their records a batch at a time, and only those that differ', async () => {
  const [tenant] = SHARED;
  const bulks: { collection: string; size: number }[] = [];
  await using own = await openStore(servers.uris, {
    onCommand: ({ command }) => {
      const { update, updates } = command as { update?: string; updates?: { q: { _id: unknown } }[] };
      if (update === undefined || !updates) return;
      const ids = (q: { _id: unknown }) => (q._id as { $in?: unknown[] }).$in?.length ?? 1;
      bulks.push({ collection: update, size: updates.reduce((sum, { q }) => sum + ids(q), 0) });
    },
  });
  await untilReady(own.store);
  const records = conversationSettings(own.store);
  const changes = conversationSettingsChanges(own.store);
  const owners = Array.from({ length: 1_200 }, (_, i) => `o${i}`);
  const keyOf = (ownerUserID: string, peer: string): ConversationKey => ({
    ownerUserID,
    conversationID: `si_${ownerUserID}_${peer}`,
    conversationType: 1,
    userID: peer,
    groupID: '',
  });
  await changes.createForOwners(
    tenant,
    owners.map((owner) => keyOf(owner, 'star')),
  );
  await changes.apply(tenant, [keyOf('o0', 'star')], { ex: 'vip' });
  await changes.apply(tenant, [keyOf('o1', 'other')], { ex: 'own' });
  const before = await records.versions.stamps(tenant, owners);
  bulks.length = 0;
  await changes.setExByPeer(tenant, 'star', 'vip');
  assert.ok(Math.max(...bulks.map(({ size }) => size)) <= 500, JSON.stringify(bulks));
  assert.deepEqual(
    ['conversation', 'conversation_version'].map((name) =>
      bulks.filter(({ collection }) => collection === name).reduce((sum, { size }) => sum + size, 0),
    ),
    [1_199, 1_199],
    'the one that had it already is left alone',
  );
  assert.equal(bulks[0]?.collection, 'conversation');
  assert.equal(bulks[1]?.collection, 'conversation_version', 'noted with each batch, not at the end');
  const deltas = await records.versions.sinceMany(tenant, before);
  for (const owner of ['o1', 'o600', 'o1199']) {
    assert.equal((await records.find(tenant, owner, [`si_${owner}_star`]))[0]?.ex, 'vip');
    assert.deepEqual(deltas.get(owner)?.update, [`si_${owner}_star`]);
  }
  assert.deepEqual(deltas.get('o0')?.update, []);
  assert.equal((await records.find(tenant, 'o1', ['si_o1_other']))[0]?.ex, 'own');
});
