import type { AfterEvent, BeforeEvent } from '@im/contract';
import { PLATFORM_NAMES, type sdkws } from '@im/protocol';

/** What the engine adds to every body. */
type Added = 'callbackCommand' | 'operationID';

/** A message, as {@link messageBody} makes it. */
export interface MessageBody {
  sendID: string;
  serverMsgID: string;
  clientMsgID: string;
  senderPlatformID: number;
  senderNickname: string;
  sessionType: number;
  msgFrom: number;
  contentType: number;
  status: number;
  sendTime: number;
  createTime: number;
  content: string;
  /** 0 until the message is stored. */
  seq: number;
  atUserList: string[];
  faceURL: string;
  ex: string;
}

interface ToUser {
  recvID: string;
}
interface ToGroup {
  groupID: string;
}

interface Presence {
  platformID: number;
  /** Name of the platform, such as `IOS`. */
  platform: string;
  userID: string;
  /** Time of the event, ms. */
  seq: number;
}

/** What a push is about; the fields of the message's push info are absent where it has none. */
interface PushBody extends Partial<sdkws.OfflinePushInfo> {
  platformID: number;
  platform: string;
  userIDList: string[];
  clientMsgID: string;
  sendID: string;
  groupID: string;
  contentType: number;
  sessionType: number;
  atUserIDList: string[];
  /** Of notifications: the detail alone. */
  content: string;
}

interface FriendAnswer {
  fromUserID: string;
  /** The one who answers: OpenIM's name for toUserID. */
  blackUserID: string;
  HandleResult: number;
  HandleMsg: string;
}
interface FriendRemark {
  ownerUserID: string;
  friendUserID: string;
  remark: string;
}
interface BlackPair {
  ownerUserID: string;
  blackUserID: string;
}
interface ImportedFriends {
  ownerUserID: string;
  friendUserIDs: string[];
}
interface Users {
  users: sdkws.UserInfo[];
}
/** Null: the request leaves the field as it is. */
interface UserChange {
  userID: string;
  nickName: string | null;
  faceURL: string | null;
  ex: string | null;
}
interface NewGroup extends sdkws.GroupInfo {
  initMemberList: { userID: string; roleLevel: number }[];
}
interface MemberChange {
  groupID: string;
  userID: string;
  nickName: string | null;
  faceURL: string | null;
  roleLevel: number | null;
  ex: string | null;
}
interface GroupChange {
  groupID: string;
  groupName: string | null;
  notification: string | null;
  introduction: string | null;
  faceURL: string | null;
  ex: string | null;
  needVerification: number | null;
  lookMemberInfo: number | null;
  applyMemberFriend: number | null;
}
interface NewConversation {
  ownerUserId: string;
  conversationId: string;
  conversationType: number;
  recvMsgOpt: number;
  isPinned: boolean;
  isPrivateChat: boolean;
  burnDuration: number;
  groupAtType: number;
  attachedInfo: string;
  ex: string;
}

/** What a before-event asks with. Names are OpenIM's, its own spellings included. */
export interface BeforeBody {
  beforeSendSingleMsg: MessageBody & ToUser;
  beforeSendGroupMsg: MessageBody & ToGroup;
  beforeMsgModify: MessageBody;
  beforeOfflinePush: PushBody;
  beforeOnlinePush: Omit<PushBody, keyof sdkws.OfflinePushInfo>;
  beforeGroupOnlinePush: Omit<PushBody, keyof sdkws.OfflinePushInfo | 'userIDList'> & { seq: number };
  beforeAddFriend: { fromUserID: string; toUserID: string; reqMsg: string; ex: string };
  beforeAddFriendAgree: FriendAnswer;
  beforeSetFriendRemark: FriendRemark;
  beforeAddBlack: BlackPair;
  beforeImportFriends: ImportedFriends;
  beforeUserRegister: Users;
  beforeUpdateUserInfo: UserChange;
  beforeUpdateUserInfoEx: UserChange;
  beforeCreateGroup: NewGroup;
  beforeMemberJoinGroup: ToGroup & { memberList: { userID: string; ex: string }[]; groupEx: string };
  beforeSetGroupMemberInfo: MemberChange;
  beforeApplyJoinGroup: ToGroup & {
    /** One character, whose code point is the type. */
    groupType: string;
    applyID: string;
    reqMessage: string;
    ex: string;
  };
  beforeInviteUserToGroup: ToGroup & { reason: string; invitedUserIDs: string[] };
  beforeSetGroupInfo: GroupChange;
  beforeSetGroupInfoEx: GroupChange;
  beforeCreateSingleChatConversations: NewConversation & { userId: string };
  beforeCreateGroupChatConversations: NewConversation & { groupId: string };
}

/** What an after-event reports. Names are OpenIM's, its own spellings included. */
export interface AfterBody {
  afterSendSingleMsg: MessageBody & ToUser;
  afterSendGroupMsg: MessageBody & ToGroup;
  afterMsgSaveDB: MessageBody & ToUser & ToGroup;
  afterRevokeMsg: { conversationID: string; seq: number; userID: string };
  afterSingleMsgRead: {
    conversationID: string;
    userID: string;
    Seqs: number[];
    /** Type of the conversation. */
    contentType: number;
  };
  afterGroupMsgRead: {
    /** Owner of the conversation. */
    sendID: string;
    receiveID: string;
    /** The seq up to which it is read. */
    unreadMsgNum: number;
    /** 3, the type of the conversation. */
    contentType: number;
  };
  afterUserOnline: Presence & { isAppBackground: boolean; connID: string };
  afterUserOffline: Presence & { connID: string };
  afterUserKickOff: Presence;
  afterAddFriend: { fromUserID: string; toUserID: string; reqMsg: string };
  afterAddFriendAgree: FriendAnswer;
  afterDeleteFriend: { ownerUserID: string; friendUserID: string };
  afterSetFriendRemark: FriendRemark;
  afterRemoveBlack: BlackPair;
  afterImportFriends: ImportedFriends;
  afterUserRegister: Users;
  afterUpdateUserInfo: UserChange;
  afterUpdateUserInfoEx: UserChange;
  afterCreateGroup: NewGroup;
  afterSetGroupMemberInfo: MemberChange;
  afterJoinGroup: ToGroup & { reqMessage: string; joinSource: number; inviterUserID: string };
  afterQuitGroup: ToGroup & { userID: string };
  afterKickGroupMember: ToGroup & { kickedUserIDs: string[]; reason: string };
  afterDismissGroup: ToGroup & {
    ownerID: string;
    /** One character, whose code point is the type. */
    groupType: string;
    membersID: string[];
  };
  afterTransferGroupOwner: ToGroup & { oldOwnerUserID: string; newOwnerUserID: string };
  afterSetGroupInfo: GroupChange;
  afterSetGroupInfoEx: GroupChange;
  afterCreateSingleChatConversations: NewConversation & { userId: string };
  afterCreateGroupChatConversations: NewConversation & { groupId: string };
  afterGroupMsgRevoke: { conversationID: string; seq: number; userID: string };
}

/** Every event has a body, and no body has what the engine adds. */
type Complete<Events extends string, Bodies extends Record<Events, object>> = {
  [E in keyof Bodies]: E extends Events ? (Added & keyof Bodies[E] extends never ? true : never) : never;
};
type AllTrue<T extends Record<keyof T, true>> = T;
export type BodiesAreComplete = AllTrue<Complete<BeforeEvent, BeforeBody> & Complete<AfterEvent, AfterBody>>;

/** A message as the bodies of message events have it. @param seq @default the one that it names */
export function messageBody(message: Readonly<sdkws.MsgData>, seq: number = message.seq): MessageBody {
  return {
    sendID: message.sendID,
    serverMsgID: message.serverMsgID,
    clientMsgID: message.clientMsgID,
    senderPlatformID: message.senderPlatformID,
    senderNickname: message.senderNickname,
    sessionType: message.sessionType,
    msgFrom: message.msgFrom,
    contentType: message.contentType,
    status: message.status,
    sendTime: message.sendTime,
    createTime: message.createTime,
    content: Buffer.from(message.content).toString('utf8'),
    seq,
    atUserList: [...message.atUserIDList],
    faceURL: message.senderFaceURL,
    ex: message.ex,
  };
}

/** What the bodies of push events have of a message, by its sender's platform. */
export function pushBody(message: Readonly<sdkws.MsgData>) {
  const { senderPlatformID: platformID, clientMsgID, sendID, groupID, contentType, sessionType } = message;
  return {
    platformID,
    platform: PLATFORM_NAMES[platformID] ?? '',
    ...{ clientMsgID, sendID, groupID, contentType, sessionType },
    atUserIDList: [...message.atUserIDList],
    content: Buffer.from(message.content).toString('utf8'),
  };
}
