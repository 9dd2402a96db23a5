import type { WebhookEvent } from '@im/contract';
import { make } from '@im/protocol';
import { type AfterBody, type BeforeBody, messageBody } from './bodies.ts';

const NOW = 1_767_225_600_000;

const message = messageBody(
  make('sdkws.MsgData', {
    ...{ sendID: 'alice', recvID: 'bob', clientMsgID: 'c0ffee', serverMsgID: 'beef', senderPlatformID: 5 },
    ...{ senderNickname: 'Alice', sessionType: 1, msgFrom: 100, contentType: 101, status: 1 },
    ...{ content: Buffer.from('{"content":"hello"}'), sendTime: NOW, createTime: NOW },
  }),
);
const groupMessage = { ...message, sessionType: 3, groupID: 'group1' };
const device = { platformID: 1, platform: 'IOS', userID: 'alice', seq: NOW };
const push = {
  ...{
    platformID: 5,
    platform: 'Web',
    userIDList: ['bob'],
    clientMsgID: 'c0ffee',
    sendID: 'alice',
    groupID: '',
  },
  ...{ contentType: 101, sessionType: 1, atUserIDList: [], content: '{"content":"hello"}' },
};
const { userIDList: _, ...groupPush } = push;
const pushInfo = {
  title: 'Alice',
  desc: 'hello',
  ex: '',
  iOSPushSound: '',
  iOSBadgeCount: true,
  signalInfo: '',
};
const answer = { fromUserID: 'alice', blackUserID: 'bob', HandleResult: 1, HandleMsg: 'welcome' };
const remark = { ownerUserID: 'alice', friendUserID: 'bob', remark: 'Bobby' };
const black = { ownerUserID: 'alice', blackUserID: 'bob' };
const imported = { ownerUserID: 'alice', friendUserIDs: ['bob', 'carol'] };
const user = {
  ...{ userID: 'alice', nickname: 'Alice', faceURL: '', ex: '' },
  ...{ createTime: NOW, appMangerLevel: 0, globalRecvMsgOpt: 0 },
};
const users = { users: [user] };
const userChange = { userID: 'alice', nickName: 'Alice', faceURL: 'https://example.org/a.png', ex: '' };
const newGroup = {
  ...{ groupID: 'group1', groupName: 'Team', notification: '', introduction: '', faceURL: '' },
  ...{ ownerUserID: 'alice', createTime: NOW, memberCount: 2, ex: '', status: 0, creatorUserID: 'alice' },
  ...{ groupType: 2, needVerification: 0, lookMemberInfo: 0, applyMemberFriend: 0 },
  ...{ notificationUpdateTime: 0, notificationUserID: '' },
  initMemberList: [
    { userID: 'alice', roleLevel: 100 },
    { userID: 'bob', roleLevel: 20 },
  ],
};
const member = { groupID: 'group1', userID: 'bob', nickName: 'Bob', faceURL: null, roleLevel: 60, ex: null };
const groupChange = {
  ...{ groupID: 'group1', groupName: 'Team', notification: '', introduction: '', faceURL: '', ex: null },
  ...{ needVerification: null, lookMemberInfo: null, applyMemberFriend: null },
};
const conversation = {
  ...{
    ownerUserId: 'alice',
    conversationId: 'si_alice_bob',
    conversationType: 1,
    recvMsgOpt: 0,
    isPinned: false,
  },
  ...{ isPrivateChat: false, burnDuration: 0, groupAtType: 0, attachedInfo: '', ex: '' },
};
const groupConversation = {
  ...conversation,
  ownerUserId: '',
  conversationId: 'sg_group1',
  conversationType: 3,
};
const revoked = { conversationID: 'si_alice_bob', seq: 7, userID: 'alice' };
const WORK_GROUP = String.fromCharCode(2);

/** A body of each event, for trying out receivers and for the documentation. */
export const SAMPLES: BeforeBody & AfterBody = {
  beforeSendSingleMsg: { ...message, recvID: 'bob' },
  afterSendSingleMsg: { ...message, recvID: 'bob' },
  beforeSendGroupMsg: groupMessage,
  afterSendGroupMsg: groupMessage,
  beforeMsgModify: message,
  afterMsgSaveDB: { ...message, seq: 7, recvID: 'bob', groupID: '' },
  afterRevokeMsg: revoked,
  afterGroupMsgRevoke: revoked,
  afterSingleMsgRead: { conversationID: 'si_alice_bob', userID: 'bob', Seqs: [6, 7], contentType: 1 },
  afterGroupMsgRead: { sendID: 'bob', receiveID: 'bob', unreadMsgNum: 7, contentType: 3 },
  afterUserOnline: { ...device, isAppBackground: false, connID: 'c1' },
  afterUserOffline: { ...device, connID: 'c1' },
  afterUserKickOff: device,
  beforeOfflinePush: { ...push, ...pushInfo },
  beforeOnlinePush: push,
  beforeGroupOnlinePush: { ...groupPush, groupID: 'group1', sessionType: 3, seq: 7 },
  beforeAddFriend: { fromUserID: 'alice', toUserID: 'bob', reqMsg: 'hi', ex: '' },
  afterAddFriend: { fromUserID: 'alice', toUserID: 'bob', reqMsg: 'hi' },
  beforeAddFriendAgree: answer,
  afterAddFriendAgree: answer,
  afterDeleteFriend: { ownerUserID: 'alice', friendUserID: 'bob' },
  beforeSetFriendRemark: remark,
  afterSetFriendRemark: remark,
  beforeAddBlack: black,
  afterRemoveBlack: black,
  beforeImportFriends: imported,
  afterImportFriends: imported,
  beforeUserRegister: users,
  afterUserRegister: users,
  beforeUpdateUserInfo: userChange,
  afterUpdateUserInfo: userChange,
  beforeUpdateUserInfoEx: { ...userChange, faceURL: null, ex: null },
  afterUpdateUserInfoEx: { ...userChange, faceURL: null, ex: null },
  beforeCreateGroup: newGroup,
  afterCreateGroup: newGroup,
  beforeMemberJoinGroup: { groupID: 'group1', memberList: [{ userID: 'bob', ex: '' }], groupEx: '' },
  beforeSetGroupMemberInfo: member,
  afterSetGroupMemberInfo: member,
  beforeApplyJoinGroup: {
    groupID: 'group1',
    groupType: WORK_GROUP,
    applyID: 'bob',
    reqMessage: 'hi',
    ex: '',
  },
  afterJoinGroup: { groupID: 'group1', reqMessage: 'hi', joinSource: 3, inviterUserID: 'bob' },
  beforeInviteUserToGroup: { groupID: 'group1', reason: '', invitedUserIDs: ['bob'] },
  afterQuitGroup: { groupID: 'group1', userID: 'bob' },
  afterKickGroupMember: { groupID: 'group1', kickedUserIDs: ['bob'], reason: '' },
  afterDismissGroup: {
    groupID: 'group1',
    ownerID: 'alice',
    groupType: WORK_GROUP,
    membersID: ['alice', 'bob'],
  },
  afterTransferGroupOwner: { groupID: 'group1', oldOwnerUserID: 'alice', newOwnerUserID: 'bob' },
  beforeSetGroupInfo: groupChange,
  afterSetGroupInfo: groupChange,
  beforeSetGroupInfoEx: groupChange,
  afterSetGroupInfoEx: groupChange,
  beforeCreateSingleChatConversations: { ...conversation, userId: 'bob' },
  afterCreateSingleChatConversations: { ...conversation, userId: 'bob' },
  beforeCreateGroupChatConversations: { ...groupConversation, groupId: 'group1' },
  afterCreateGroupChatConversations: { ...groupConversation, groupId: 'group1' },
} satisfies Record<WebhookEvent, object>;
