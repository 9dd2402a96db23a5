import type { AfterEvent, BeforeEvent, WebhookEvent } from '@im/contract';

/** How an event travels. */
export interface EventKind {
  /** Last part of the URL, and `callbackCommand` of the body. */
  readonly command: string;
  /** Whether the body has an operationID: that of the call, or an empty text. @default none */
  readonly operationID?: 'call' | 'empty';
  /** It is about a message and obeys deniedTypes and attentionIds. @default false */
  readonly message?: true;
}

const OP = { operationID: 'call' } as const;
const MESSAGE = { operationID: 'call', message: true } as const;

/** Every event by its name in the settings. Commands are OpenIM's. */
export const EVENTS: Readonly<Record<WebhookEvent, EventKind>> = {
  beforeSendSingleMsg: { command: 'callbackBeforeSendSingleMsgCommand', ...MESSAGE },
  afterSendSingleMsg: { command: 'callbackAfterSendSingleMsgCommand', ...MESSAGE },
  beforeSendGroupMsg: { command: 'callbackBeforeSendGroupMsgCommand', ...MESSAGE },
  afterSendGroupMsg: { command: 'callbackAfterSendGroupMsgCommand', ...MESSAGE },
  beforeMsgModify: { command: 'callbackBeforeMsgModifyCommand', ...MESSAGE },
  afterMsgSaveDB: { command: 'callbackAfterMsgSaveDBCommand', ...MESSAGE },
  afterRevokeMsg: { command: 'callbackBeforeAfterMsgCommand' },
  afterGroupMsgRevoke: { command: 'callbackAfterGroupMsgRevokeCommand' },
  afterSingleMsgRead: { command: 'callbackAfterSingleMsgReadCommand' },
  afterGroupMsgRead: { command: 'callbackAfterGroupMsgReadCommand' },
  afterUserOnline: { command: 'callbackAfterUserOnlineCommand', ...OP },
  afterUserOffline: { command: 'callbackAfterUserOfflineCommand', ...OP },
  afterUserKickOff: { command: 'callbackAfterUserKickOffCommand', ...OP },
  beforeOfflinePush: { command: 'callbackBeforeOfflinePushCommand', ...OP },
  beforeOnlinePush: { command: 'callbackBeforeOnlinePushCommand', ...OP },
  beforeGroupOnlinePush: { command: 'callbackBeforeGroupOnlinePushCommand', ...OP },
  beforeAddFriend: { command: 'callbackBeforeAddFriendCommand' },
  afterAddFriend: { command: 'callbackAfterAddFriendCommand' },
  beforeAddFriendAgree: { command: 'callbackBeforeAddFriendAgreeCommand' },
  afterAddFriendAgree: { command: 'callbackAfterAddFriendAgreeCommand' },
  afterDeleteFriend: { command: 'callbackAfterDeleteFriendCommand' },
  beforeSetFriendRemark: { command: 'callbackBeforeSetFriendRemarkCommand' },
  afterSetFriendRemark: { command: 'callbackAfterSetFriendRemarkCommand' },
  beforeAddBlack: { command: 'callbackBeforeAddBlackCommand' },
  afterRemoveBlack: { command: 'callbackAfterRemoveBlackCommand' },
  beforeImportFriends: { command: 'callbackBeforeImportFriendsCommand' },
  afterImportFriends: { command: 'callbackAfterImportFriendsCommand' },
  beforeUserRegister: { command: 'callbackBeforeUserRegisterCommand' },
  afterUserRegister: { command: 'callbackAfterUserRegisterCommand' },
  beforeUpdateUserInfo: { command: 'callbackBeforeUpdateUserInfoCommand' },
  afterUpdateUserInfo: { command: 'callbackAfterUpdateUserInfoCommand' },
  beforeUpdateUserInfoEx: { command: 'callbackBeforeUpdateUserInfoExCommand' },
  afterUpdateUserInfoEx: { command: 'callbackAfterUpdateUserInfoExCommand' },
  beforeCreateGroup: { command: 'callbackBeforeCreateGroupCommand', ...OP },
  afterCreateGroup: { command: 'callbackAfterCreateGroupCommand' },
  beforeMemberJoinGroup: { command: 'callbackBeforeMembersJoinGroupCommand' },
  beforeSetGroupMemberInfo: { command: 'callbackBeforeSetGroupMemberInfoCommand' },
  afterSetGroupMemberInfo: { command: 'callbackAfterSetGroupMemberInfoCommand' },
  beforeApplyJoinGroup: { command: 'callbackBeforeJoinGroupCommand' },
  afterJoinGroup: { command: 'callbackAfterJoinGroupCommand', ...OP },
  beforeInviteUserToGroup: { command: 'callbackBeforeInviteJoinGroupCommand', ...OP },
  afterQuitGroup: { command: 'callbackAfterQuitGroupCommand' },
  afterKickGroupMember: { command: 'callbackAfterKickGroupCommand' },
  afterDismissGroup: { command: 'callbackAfterDisMissGroupCommand' },
  afterTransferGroupOwner: { command: 'callbackAfterTransferGroupOwnerCommand' },
  beforeSetGroupInfo: { command: 'callbackBeforeSetGroupInfoCommand', operationID: 'empty' },
  afterSetGroupInfo: { command: 'callbackAfterSetGroupInfoCommand', operationID: 'empty' },
  beforeSetGroupInfoEx: { command: 'callbackBeforeSetGroupInfoExCommand', operationID: 'empty' },
  afterSetGroupInfoEx: { command: 'callbackAfterSetGroupInfoExCommand', operationID: 'empty' },
  beforeCreateSingleChatConversations: {
    command: 'callbackBeforeCreateSingleChatConversationsCommand',
  },
  afterCreateSingleChatConversations: { command: 'callbackAfterCreateSingleChatConversationsCommand' },
  beforeCreateGroupChatConversations: { command: 'callbackBeforeCreateGroupChatConversationsCommand' },
  afterCreateGroupChatConversations: { command: 'callbackAfterCreateGroupChatConversationsCommand' },
} satisfies Record<BeforeEvent | AfterEvent, EventKind>;
