import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROLE } from '@im/protocol';
import {
  blackRepo,
  conversationSettings,
  conversationSettingsChanges,
  friendRepo,
  friendRequestRepo,
  groupMemberChanges,
  groupMemberRepo,
  groupRepo,
  groupRequestRepo,
  inserted,
  type MembershipIntent,
  membershipOutbox,
  versionLogs,
} from '../src/index.ts';
import { SHARED } from './harness.ts';
import { queryPlans } from './query-plans.ts';

const [tenant] = SHARED;
const page = { skip: 0, limit: 5 };
const plans = queryPlans();

test('every query on version logs reads by an index', async () => {
  const logs = versionLogs(plans.store, 'friend');
  const known = await logs.stamp(tenant, 'a');
  await plans.check('stamp');
  await plans.checkAll({
    write: () => logs.write(tenant, 'a', inserted('b')),
    writeMany: () => logs.writeMany(tenant, [{ owner: 'a', changes: [inserted('c')] }]),
    stamps: () => logs.stamps(tenant, ['a', 'b']),
    since: () => logs.since(tenant, 'a', known),
    drop: () => logs.drop(tenant, 'a'),
  });
});

test('every query on friends, requests and blacklists reads by an index', async () => {
  const friends = friendRepo(plans.store);
  const requests = friendRequestRepo(plans.store);
  const blacks = blackRepo(plans.store);
  const friend = {
    ownerUserID: 'a',
    friendUserID: 'b',
    remark: '',
    createTime: 1,
    addSource: 1,
    operatorUserID: '',
    ex: '',
    isPinned: false,
  };
  const request = { fromUserID: 'a', toUserID: 'b', reqMsg: '', ex: '', createTime: 1 };
  const black = {
    ownerUserID: 'a',
    blackUserID: 'b',
    createTime: 1,
    addSource: 0,
    operatorUserID: '',
    ex: '',
  };
  const answer = { handleResult: 1, handleTime: 1 };
  await requests.put(tenant, { ...request, fromUserID: 'z' });
  await blacks.add(tenant, { ...black, blackUserID: 'z' });
  await plans.check('preparation');
  await plans.checkAll({
    'friend add': () => friends.add(tenant, [friend]),
    isFriend: () => friends.isFriend(tenant, 'a', 'b'),
    'friend find': () => friends.find(tenant, 'a', ['b']),
    'friend list': () => friends.list(tenant, 'a', page),
    'friend ids': () => friends.ids(tenant, 'a'),
    'friend update': () => friends.update(tenant, 'a', ['b'], { isPinned: true }),
    'friend touch': () => friends.touch(tenant, ['a'], 'b'),
    'friend remove': () => friends.remove(tenant, 'a', 'b'),
    'request put': () => requests.put(tenant, request),
    'request get': () => requests.get(tenant, 'a', 'b'),
    'requests received': () =>
      requests.list(tenant, { side: 'received', userID: 'b', handleResults: [] }, page),
    'requests received by result': () =>
      requests.list(tenant, { side: 'received', userID: 'b', handleResults: [0] }, page),
    'requests sent': () => requests.list(tenant, { side: 'sent', userID: 'a', handleResults: [0, 1] }, page),
    'request countPending': () => requests.countPending(tenant, 'b', 0),
    'request answer': () => requests.answer(tenant, 'a', 'b', answer),
    isBlocked: () => blacks.isBlocked(tenant, 'a', 'b'),
    'black find': () => blacks.find(tenant, 'a', ['b']),
    'black list': () => blacks.list(tenant, 'a', page),
    'black remove': () => blacks.remove(tenant, 'a', 'b'),
  });
});

test('every query on groups, members and requests reads by an index', async () => {
  const groups = groupRepo(plans.store);
  const members = groupMemberRepo(plans.store);
  const changes = groupMemberChanges(plans.store);
  const requests = groupRequestRepo(plans.store);
  const group = {
    groupID: 'g',
    groupName: 'g',
    notification: '',
    introduction: '',
    faceURL: '',
    ex: '',
    status: 0,
    creatorUserID: '',
    groupType: 2,
    needVerification: 0,
    lookMemberInfo: 0,
    applyMemberFriend: 0,
    createTime: 5,
    notificationUpdateTime: 0,
    notificationUserID: '',
  };
  const member = (userID: string, roleLevel: number) => ({
    groupID: 'g',
    userID,
    nickname: '',
    faceURL: '',
    roleLevel,
    joinTime: 1,
    joinSource: 2,
    inviterUserID: '',
    operatorUserID: '',
    muteEndTime: 0,
    ex: '',
  });
  const request = {
    groupID: 'g',
    userID: 'u',
    handleResult: 0,
    reqMsg: '',
    handledMsg: '',
    reqTime: 1,
    handleUserID: '',
    handledTime: 0,
    joinSource: 3,
    inviterUserID: '',
    ex: '',
  };
  const outbox = membershipOutbox(plans.store);
  const transfer = { id: 't', oldOwnerUserID: 'o', newOwnerUserID: 'u', roleLevel: ROLE.Member };
  const intent = { id: 'i', groupID: 'g' } as MembershipIntent;
  await groups.insert(tenant, group);
  await plans.check('preparation');
  await plans.checkAll({
    'group get': () => groups.get(tenant, 'g'),
    'group update': () => groups.update(tenant, 'g', { groupName: 'h' }),
    'groups created': () => groups.created(tenant, 1, 9),
    'member add': () => changes.add(tenant, 'g', [member('o', ROLE.Owner), member('u', ROLE.Member)]),
    'member get': () => members.get(tenant, 'g', 'u'),
    'member list': () => members.list(tenant, 'g', page),
    'member all': async () => {
      for await (const { userID } of members.all(tenant, 'g')) assert.ok(userID);
    },
    'member leaders': () => members.leaders(tenant, 'g'),
    'member userIDs': () => members.userIDs(tenant, 'g'),
    'member summaries': () => members.summaries(tenant, ['g', 'h']),
    'member count': () => members.count(tenant, 'g'),
    'member joinedGroupIDs': () => members.joinedGroupIDs(tenant, 'u'),
    'member joined': () => members.joined(tenant, 'u'),
    'member joinedCounts': () => members.joinedCounts(tenant, ['u', 'o']),
    'member profileGroupIDs': () => members.profileGroupIDs(tenant, 'u'),
    'member update': () => changes.update(tenant, 'g', 'u', { muteEndTime: 1 }),
    'member transferOwner': () => changes.transferOwner(tenant, 'g', transfer),
    'member settleOwner': () => changes.settleOwner(tenant, 'g', transfer),
    'member touch': () => changes.touch(tenant, 'g', 'u'),
    'member version': async () => members.memberVersions.known(tenant, 'g'),
    'member versions': () => members.memberVersions.current(tenant, ['g']),
    'members since': () => members.memberVersions.since(tenant, 'g', 1),
    'member settle': () => changes.settle(tenant, 'g', { id: 'i', added: ['u'], removed: ['z'] }),
    'member remove': () => changes.remove(tenant, 'g', ['u']),
    'member endVersions': () => changes.endVersions(tenant, 'g'),
    'outbox remove': () => outbox.remove(tenant, intent),
    'outbox claim': () => outbox.claim(tenant, intent, 2, 3),
    'outbox due': () => outbox.due(tenant, 2, 5),
    'outbox pending': () => Promise.all(outbox.pending([tenant]).map(({ find }) => find())),
    'member removeSome': () => changes.removeSome(tenant, 'g', 10),
    'request put': () => requests.put(tenant, [request]),
    'request find': () => requests.find(tenant, 'g', ['u']),
    'requests of groups': () => requests.list(tenant, { groupIDs: ['g'], handleResults: [] }, page),
    'requests of a user': () =>
      requests.list(tenant, { userID: 'u', groupIDs: [], handleResults: [0] }, page),
    'request countPending': () => requests.countPending(tenant, ['g'], 0),
    'request answer': () =>
      requests.answer(tenant, 'g', 'u', {
        handleResult: 1,
        handledMsg: '',
        handleUserID: '',
        handledTime: 1,
      }),
  });
  const searches = {
    'group search': () => groups.search(tenant, 'h', page),
    'group search all': () => groups.search(tenant, '', page),
  };
  await plans.checkAll(searches, 'grows');
});

test('every query on conversation records reads by an index', async () => {
  const records = conversationSettings(plans.store);
  const changes = conversationSettingsChanges(plans.store);
  const key = { ownerUserID: 'a', conversationID: 'si_a_b', conversationType: 1, userID: 'b', groupID: '' };
  await plans.checkAll({
    createForOwners: () => changes.createForOwners(tenant, [key]),
    apply: () => changes.apply(tenant, [key], { isPinned: true }),
    freezeForUsers: () => changes.freezeForUsers(tenant, 'si_a_b', ['a'], 3, { position: 1, version: 1 }),
    openForMembers: () => changes.openForMembers(tenant, [key], { position: 2, version: 2 }),
    setGroupAtType: () => changes.setGroupAtType(tenant, 'si_a_b', 4, { except: ['z'] }),
    'setGroupAtType of some': () => changes.setGroupAtType(tenant, 'si_a_b', 1, { only: ['a'] }),
    setMinSeqs: () => changes.setMinSeqs(tenant, 'a', [{ conversationID: 'si_a_b', minSeq: 2 }]),
    setExByPeer: () => changes.setExByPeer(tenant, 'b', 'x'),
    recvMsgOpt: () => records.recvMsgOpt(tenant, 'a', 'si_a_b'),
    find: () => records.find(tenant, 'a', ['si_a_b']),
    list: () => records.list(tenant, 'a', page),
    listBrief: () => records.listBrief(tenant, 'a'),
    count: () => records.count(tenant, 'a'),
    ids: () => records.ids(tenant, 'a'),
    pinnedIDs: () => records.pinnedIDs(tenant, 'a'),
    notNotifyIDs: () => records.notNotifyIDs(tenant, 'a'),
    bounds: () => records.bounds(tenant, 'a'),
    owners: () => records.owners(tenant, 'si_a_b'),
    quietOwners: () => records.quietOwners(tenant, 'si_a_b'),
    remove: () => changes.remove(tenant, 'a', ['si_a_b']),
  });
});
