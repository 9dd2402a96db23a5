import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, type group, make, type sdkws } from '@im/protocol';
import { membershipOutbox } from '@im/store';
import { as, asksBefore, codeOf, describeReceiver, eventually, REFUSAL, TENANTS } from '@im/testing';
import { actions, admin, describeGroups } from './harness.ts';

const [t1, t2] = TENANTS;
const harness = describeGroups();
const receiver = describeReceiver(harness, t1);
const { create, quietly, membersOf } = actions(harness);

const CONVERSATIONS = 'afterCreateGroupChatConversations';

/**
 * Events since the last call but those of conversation records; those of changes of membership come a moment after the
 * answer.
 */
async function reported(count: number) {
  const events: { event: string; body: Record<string, unknown> }[] = [];
  await eventually(async () => {
    for (const { event, body } of await harness.takeWebhooks()) {
      if (event !== CONVERSATIONS) events.push({ event, body });
    }
    assert.ok(events.length >= count, `${events.length} of ${count}`);
  });
  return events;
}
/** A group without questions or reports. */
async function calm(...args: Parameters<typeof quietly>): Promise<string> {
  const groupID = await quietly(...args);
  await reported(1);
  receiver.take();
  return groupID;
}
const only = (answer: object, ...commands: readonly string[]) =>
  receiver.answer(({ command }) => (commands.includes(command) ? answer : {}));
const infoOf = async (groupID: string) => {
  const req = make('group.GetGroupsInfoReq', { groupIDs: [groupID] });
  return (await harness.group.getGroupsInfo(admin(), req)).groupInfos[0];
};
const memberOf = async (groupID: string, userID: string) => {
  const req = make('group.GetGroupMembersInfoReq', { groupID, userIDs: [userID] });
  return (await harness.group.getGroupMembersInfo(admin(), req)).members[0];
};

const INFO = {
  groupName: 'Team',
  notification: '',
  introduction: '',
  faceURL: '',
  ownerUserID: 'a',
  createTime: 0,
  memberCount: 3,
  ex: '',
  status: 0,
  creatorUserID: '',
  groupType: 2,
  needVerification: 0,
  lookMemberInfo: 0,
  applyMemberFriend: 0,
  notificationUpdateTime: 0,
  notificationUserID: '',
};

test('new groups: asked about the group, then about its members, then reported', async () => {
  let groupID = '';
  await asksBefore(receiver, {
    event: 'beforeCreateGroup',
    command: 'callbackBeforeCreateGroupCommand',
    body: {
      operationID: 'op',
      groupID: 'first',
      ...INFO,
      initMemberList: [
        { userID: 'a', roleLevel: 100 },
        { userID: 'b', roleLevel: 60 },
        { userID: 'c', roleLevel: 20 },
      ],
    },
    async call() {
      ({ groupID } = await create('a', ['c'], { groupID: 'first' }, { adminUserIDs: ['b'] }));
    },
    made: async () => (await infoOf('first')) !== undefined,
  });
  assert.equal(groupID, 'first');
  const [{ event, body } = { event: '', body: {} }] = await reported(1);
  assert.equal(event, 'afterCreateGroup');
  const { createTime, ...others } = body;
  assert.ok((createTime as number) > 0);
  const { createTime: _none, ...info } = INFO;
  assert.deepEqual(others, {
    callbackCommand: 'callbackAfterCreateGroupCommand',
    groupID,
    ...info,
    initMemberList: [
      { userID: 'a', roleLevel: 100 },
      { userID: 'b', roleLevel: 60 },
      { userID: 'a', roleLevel: 20 },
      { userID: 'b', roleLevel: 20 },
      { userID: 'c', roleLevel: 20 },
    ],
  });
});

test('an answer replaces what a new group is, within what a group can be', async () => {
  const command = 'callbackBeforeCreateGroupCommand';
  only({ groupName: 'Renamed', ownerUserID: 'c', ex: 'e', needVerification: 2 }, command);
  const info = await create('a', ['c', 'd']);
  assert.equal(info.groupName, 'Renamed');
  assert.equal(info.ex, 'e');
  assert.equal(info.ownerUserID, 'c');
  assert.deepEqual((await membersOf(info.groupID)).sort(), ['c', 'd']);
  for (const [answer, code] of [
    [{ groupType: 1 }, ERR.ArgsError],
    [{ status: 2 }, ERR.ArgsError],
    [{ ownerUserID: 'unknown' }, ERR.UserIDNotFoundError],
    [{ groupName: 'n'.repeat(20_000) }, ERR.ArgsError],
  ] as const) {
    only(answer, command);
    assert.equal(await codeOf(create('a', ['d'])), code, JSON.stringify(answer).slice(0, 80));
  }
  const events = (await harness.takeWebhooks()).map(({ event }) => event);
  assert.deepEqual(
    events.filter((event) => event !== CONVERSATIONS),
    ['afterCreateGroup'],
  );
});

test('beforeMemberJoinGroup: asked once in each way in; the answer sets what they are, but makes no second owner', async () => {
  const command = 'callbackBeforeMembersJoinGroupCommand';
  const body = (groupID: string, ...userIDs: string[]) => ({
    callbackCommand: command,
    groupID,
    memberList: userIDs.map((userID) => ({ userID, ex: '' })),
    groupEx: 'gx',
  });
  const groupID = await calm('a', ['b'], { ex: 'gx', needVerification: 2 });
  const join = (userID: string) =>
    harness.group.joinGroup(
      as(t1, userID),
      make('group.JoinGroupReq', { groupID, joinSource: 3, inviterUserID: userID, reqMessage: 'please' }),
    );
  const invite = (...invitedUserIDs: string[]) =>
    harness.group.inviteUserToGroup(
      as(t1, 'a'),
      make('group.InviteUserToGroupReq', { groupID, invitedUserIDs, reason: 'because' }),
    );
  const asked = () => receiver.take().filter((request) => request.command === command);

  only(REFUSAL, command);
  assert.equal(await codeOf(join('c')), REFUSAL.errCode);
  assert.equal(await codeOf(invite('c')), REFUSAL.errCode);
  assert.equal(await codeOf(create('a', ['b'], { groupID: 'refused' })), REFUSAL.errCode);
  assert.equal(await infoOf('refused'), undefined);
  assert.deepEqual(await membersOf(groupID), ['a', 'b']);
  receiver.take();

  const overrides = { nickname: 'Nick', faceURL: 'F', ex: 'mx', muteEndTime: 9_000_000_000_000 };
  only({ memberCallbackList: [{ userID: 'c', roleLevel: 60, ...overrides }] }, command);
  await join('c');
  assert.deepEqual(asked(), [{ command, body: body(groupID, 'c') }]);
  const { roleLevel, nickname, faceURL, ex, muteEndTime } = (await memberOf(groupID, 'c')) ?? {};
  assert.deepEqual({ roleLevel, nickname, faceURL, ex, muteEndTime }, { roleLevel: 60, ...overrides });
  only({ memberCallbackList: [{ userID: 'd', roleLevel: 100 }] }, command);
  assert.equal(await codeOf(join('d')), ERR.ArgsError);
  only({ memberCallbackList: [{ userID: 'a', roleLevel: 20 }] }, command);
  assert.equal(await codeOf(create('a', ['b'])), ERR.ArgsError);
  receiver.take();
  const many = Array.from({ length: 60 }, (_, i) => `m${i}`);
  receiver.answer({});
  await invite(...many);
  assert.deepEqual(asked(), [{ command, body: body(groupID, ...many) }]);

  const approved = await calm('a', ['b'], { ex: 'gx', needVerification: 1 });
  const apply = make('group.JoinGroupReq', { groupID: approved, joinSource: 3, inviterUserID: 'd' });
  await harness.group.joinGroup(as(t1, 'd'), apply);
  const agree = make('group.GroupApplicationResponseReq', {
    groupID: approved,
    fromUserID: 'd',
    handleResult: 1,
  });
  only(REFUSAL, command);
  assert.equal(await codeOf(harness.group.groupApplicationResponse(as(t1, 'a'), agree)), REFUSAL.errCode);
  receiver.answer({});
  receiver.take();
  await harness.group.groupApplicationResponse(as(t1, 'a'), agree);
  assert.deepEqual(asked(), [{ command, body: body(approved, 'd') }]);
  assert.ok((await membersOf(approved)).includes('d'));
});

test('applications and direct joins', async () => {
  const groupID = await calm('a', ['b'], { needVerification: 2 });
  const request = { groupID, joinSource: 3, inviterUserID: 'c', reqMessage: 'please', ex: 'x' };
  await asksBefore(receiver, {
    event: 'beforeApplyJoinGroup',
    command: 'callbackBeforeJoinGroupCommand',
    body: { groupID, groupType: '\u0002', applyID: 'c', reqMessage: 'please', ex: 'x' },
    call: () => harness.group.joinGroup(as(t1, 'c'), make('group.JoinGroupReq', request)),
    made: async () => (await membersOf(groupID)).includes('c'),
  });
  assert.deepEqual(await reported(1), [
    {
      event: 'afterJoinGroup',
      body: {
        callbackCommand: 'callbackAfterJoinGroupCommand',
        operationID: 'op',
        groupID,
        reqMessage: 'please',
        joinSource: 3,
        inviterUserID: 'c',
      },
    },
  ]);
});

test('invitations', async () => {
  const groupID = await calm('a', ['b']);
  const request = { groupID, invitedUserIDs: ['c', 'd'], reason: 'because' };
  await asksBefore(receiver, {
    event: 'beforeInviteUserToGroup',
    command: 'callbackBeforeInviteJoinGroupCommand',
    body: { operationID: 'op', groupID, reason: 'because', invitedUserIDs: ['c', 'd'] },
    call: () => harness.group.inviteUserToGroup(as(t1, 'a'), make('group.InviteUserToGroupReq', request)),
    made: async () => (await membersOf(groupID)).includes('d'),
  });
});

test('members who leave, are removed, pass the group on, or end it', async () => {
  const groupID = await calm('a', ['b', 'c', 'd']);
  await harness.group.quitGroup(as(t1, 'b'), make('group.QuitGroupReq', { groupID, userID: 'b' }));
  await harness.group.kickGroupMember(
    as(t1, 'a'),
    make('group.KickGroupMemberReq', { groupID, kickedUserIDs: ['c'], reason: 'spam' }),
  );
  const transfer = { groupID, oldOwnerUserID: 'a', newOwnerUserID: 'd' };
  await harness.group.transferGroupOwner(as(t1, 'a'), make('group.TransferGroupOwnerReq', transfer));
  await harness.group.dismissGroup(as(t1, 'd'), make('group.DismissGroupReq', { groupID }));
  assert.deepEqual(
    Object.fromEntries(
      (await reported(4)).map(({ event, body: { membersID, ...body } }) => [
        event,
        membersID === undefined ? body : { ...body, membersID: (membersID as string[]).toSorted() },
      ]),
    ),
    {
      afterQuitGroup: { callbackCommand: 'callbackAfterQuitGroupCommand', groupID, userID: 'b' },
      afterKickGroupMember: {
        callbackCommand: 'callbackAfterKickGroupCommand',
        groupID,
        kickedUserIDs: ['c'],
        reason: 'spam',
      },
      afterTransferGroupOwner: { callbackCommand: 'callbackAfterTransferGroupOwnerCommand', ...transfer },
      afterDismissGroup: {
        callbackCommand: 'callbackAfterDisMissGroupCommand',
        groupID,
        ownerID: 'd',
        groupType: '\u0002',
        membersID: ['a', 'd'],
      },
    },
  );
});

test('a quiet dismissal is reported with its members, a change that was none is not reported', async () => {
  const groupID = await calm('a', ['b']);
  const dismiss = make('group.DismissGroupReq', { groupID, deleteMember: true });
  await harness.group.dismissGroup(as(t1, 'a'), dismiss);
  const [report] = await reported(1);
  assert.deepEqual(new Set(report?.body.membersID as string[]), new Set(['a', 'b']));
  assert.equal(
    await codeOf(harness.group.quitGroup(as(t1, 'b'), make('group.QuitGroupReq', { groupID }))),
    ERR.RecordNotFoundError,
  );
  assert.deepEqual(await harness.takeWebhooks(), []);
});

/** A request that names what both routes have. */
const ASKED = { groupName: 'New', notification: 'note', introduction: 'intro', faceURL: 'face', ex: 'e' };
const NUMBERS = { needVerification: 2, lookMemberInfo: null, applyMemberFriend: null };

const INFO_ROUTES = [
  {
    event: 'beforeSetGroupInfo',
    after: 'afterSetGroupInfo',
    command: 'SetGroupInfo',
    set: (groupID: string, fields: Partial<sdkws.GroupInfoForSet>) =>
      harness.group.setGroupInfo(
        as(t1, 'a'),
        make('group.SetGroupInfoReq', {
          groupInfoForSet: make('sdkws.GroupInfoForSet', { groupID, ...fields }),
        }),
      ),
    absent: '',
    exAfter: 'e',
  },
  {
    event: 'beforeSetGroupInfoEx',
    after: 'afterSetGroupInfoEx',
    command: 'SetGroupInfoEx',
    set: (groupID: string, fields: Partial<group.SetGroupInfoExReq>) =>
      harness.group.setGroupInfoEx(as(t1, 'a'), make('group.SetGroupInfoExReq', { groupID, ...fields })),
    absent: null,
    exAfter: null,
  },
] as const;

for (const { event, after, command, set, absent, exAfter } of INFO_ROUTES) {
  test(`group information: ${event} decides on the fields that its answer repeats`, async () => {
    const groupID = await calm('a', ['b'], { introduction: 'before', faceURL: 'before' });
    const echo = { groupName: 'New', introduction: 'intro', faceURL: 'face', ex: 'e', needVerification: 2 };
    const before = `callbackBefore${command}Command`;
    for (const [answer, code] of [
      [REFUSAL, REFUSAL.errCode],
      ['garbage', ERR.DataError],
      ['die', ERR.NetworkError],
      [{ ...echo, groupName: 'n'.repeat(20_000) }, ERR.ArgsError],
      [{ ...echo, groupID: 'unknown' }, ERR.RecordNotFoundError],
    ] as const) {
      receiver.answer(answer);
      assert.equal(await codeOf(set(groupID, { ...ASKED, needVerification: 2 })), code);
      assert.equal((await infoOf(groupID))?.groupName, 'Team');
    }
    receiver.take();
    receiver.answer({ groupID, ...echo, groupName: 'Better', notification: 'ignored' });
    await set(groupID, { ...ASKED, needVerification: 2 });
    const body = { operationID: '', groupID, ...ASKED, ...NUMBERS };
    assert.deepEqual(receiver.take(), [{ command: before, body: { callbackCommand: before, ...body } }]);
    const { groupName, notification, introduction, needVerification } = (await infoOf(groupID)) ?? {};
    assert.deepEqual(
      { groupName, notification, introduction, needVerification },
      { groupName: 'Better', notification: 'note', introduction: 'intro', needVerification: 2 },
    );
    const callbackCommand = `callbackAfter${command}Command`;
    assert.deepEqual(await reported(1), [
      {
        event: after,
        body: { callbackCommand, ...body, groupName: 'Better' },
      },
    ]);

    receiver.answer({});
    await set(groupID, { groupName: 'Later', introduction: 'later', notification: 'again', ex: 'e' });
    const unchanged = await infoOf(groupID);
    assert.equal(unchanged?.groupName, 'Better');
    assert.equal(unchanged?.introduction, 'intro');
    assert.equal(unchanged?.notification, 'again');
    const [report] = await reported(1);
    assert.equal(report?.body.groupName, absent);
    assert.equal(report?.body.ex, exAfter);
  });
}

test('members: asked about each, within what the caller may do', async () => {
  const groupID = await calm('a', ['c'], {}, { adminUserIDs: ['b'] });
  const set = (userID: string, fields: Partial<group.SetGroupMemberInfo>, by = 'a') =>
    harness.group.setGroupMemberInfo(
      as(t1, by),
      make('group.SetGroupMemberInfoReq', {
        members: [make('group.SetGroupMemberInfo', { groupID, userID, ...fields })],
      }),
    );
  const body = { groupID, userID: 'c', nickName: 'Cee', faceURL: null, roleLevel: null, ex: null };
  await asksBefore(receiver, {
    event: 'beforeSetGroupMemberInfo',
    command: 'callbackBeforeSetGroupMemberInfoCommand',
    body,
    call: () => set('c', { nickname: 'Cee' }),
    made: async () => (await memberOf(groupID, 'c'))?.nickname === 'Cee',
  });
  assert.deepEqual(await reported(1), [
    {
      event: 'afterSetGroupMemberInfo',
      body: { callbackCommand: 'callbackAfterSetGroupMemberInfoCommand', ...body },
    },
  ]);
  receiver.answer({ nickName: 'Sea', ex: 'mx' });
  await set('c', { nickname: 'Cee' });
  const { nickname, ex } = (await memberOf(groupID, 'c')) ?? {};
  assert.deepEqual({ nickname, ex }, { nickname: 'Sea', ex: 'mx' });
  receiver.answer({ roleLevel: 100 });
  assert.equal(await codeOf(set('c', { nickname: 'Cee' })), ERR.NoPermissionError);
  receiver.answer({ roleLevel: 60 });
  assert.equal(await codeOf(set('c', { nickname: 'Cee' }, 'c')), ERR.NoPermissionError);
});

test('beforeCreateGroupChatConversations: asked once for all members, made as the answer says, and reported', async () => {
  const command = 'callbackBeforeCreateGroupChatConversationsCommand';
  const usual = {
    recvMsgOpt: 0,
    isPinned: false,
    isPrivateChat: false,
    burnDuration: 0,
    groupAtType: 0,
    attachedInfo: '',
    ex: '',
  };
  const chosen = { ...usual, recvMsgOpt: 2, isPinned: true, ex: 'from the answer' };
  const bodyOf = (groupID: string, settings: object) => ({
    ownerUserId: '',
    conversationId: `sg_${groupID}`,
    conversationType: 3,
    groupId: groupID,
    ...settings,
  });
  only({ recvMsgOpt: 2, isPinned: true, ex: 'from the answer' }, command);
  const { groupID } = await create('a', ['b', 'c']);
  const asked = receiver.take().filter((request) => request.command === command);
  assert.deepEqual(asked, [{ command, body: { callbackCommand: command, ...bodyOf(groupID, usual) } }]);
  const created = harness.takeSent().find(({ request }) => request.addedUserIDs.length > 0);
  const { recvMsgOpt, isPinned, ex } = created?.request.newConversation ?? {};
  assert.deepEqual({ ...usual, recvMsgOpt, isPinned, ex }, chosen);
  await eventually(async () => {
    const found = (await harness.takeWebhooks()).find(({ event }) => event === CONVERSATIONS);
    assert.deepEqual(found?.body, {
      callbackCommand: 'callbackAfterCreateGroupChatConversationsCommand',
      ...bodyOf(groupID, chosen),
    });
  });
  only(REFUSAL, command);
  const invitation = make('group.InviteUserToGroupReq', { groupID, invitedUserIDs: ['d'] });
  assert.equal(await codeOf(harness.group.inviteUserToGroup(as(t1, 'a'), invitation)), REFUSAL.errCode);
  assert.ok(!(await membersOf(groupID)).includes('d'));
});

test('a process that dies between a change and its report: another one reports it', async () => {
  const groupID = await calm('a', ['b', 'c']);
  const kicked = (userID: string) => ({ groupID, kickedUserIDs: [userID], reason: 'spam' });
  const intent = (id: string, userID: string, at: number) => ({
    id,
    groupID,
    contentType: 1508,
    addedUserIDs: [],
    removedUserIDs: [userID],
    opUserID: 'a',
    operationID: 'op',
    sendMessage: null,
    at,
    reports: [{ event: 'afterKickGroupMember', body: kicked(userID) }],
  });
  const outbox = membershipOutbox(harness.store);
  await outbox.put(t1, intent('made', 'c', Date.now()), 0);
  await outbox.put(t1, intent('never made', 'b', Date.now() - 120_000), 0);
  const rows = harness.store.collection(t1, { name: 'group_member', indexes: [] });
  await rows.col.deleteOne({ _id: rows.key(groupID, 'c') });
  const [only, ...others] = await reported(1);
  assert.deepEqual(others, []);
  assert.deepEqual(only?.body, { callbackCommand: 'callbackAfterKickGroupCommand', ...kicked('c') });
});

test('a tenant without webhooks is not asked, and reports nothing', async () => {
  await create('a', ['b'], {}, {}, t2);
  assert.deepEqual(receiver.take(), []);
  assert.deepEqual(await harness.takeWebhooks(), []);
});
