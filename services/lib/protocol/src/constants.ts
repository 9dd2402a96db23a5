// Numbers and names of the OpenIM wire contract.

/** log.Record.placement: a worker that folds the record need not know the tenant (yet, or any more). */
export const PLACEMENT_CODES = { Shared: 1, Dedicated: 2 } as const;

/** Platform names by id, as tokens and reports name them. */
export const PLATFORM_NAMES: Readonly<Record<number, string>> = {
  1: 'IOS',
  2: 'Android',
  3: 'Windows',
  4: 'OSX',
  5: 'Web',
  6: 'MiniWeb',
  7: 'Linux',
  8: 'APad',
  9: 'IPad',
  10: 'Admin',
  11: 'HarmonyOS',
};

/** Platform ids with a special meaning. */
export const PLATFORM = { IOS: 1, Android: 2, Web: 5, Admin: 10 } as const;

/** Terminal class by platform id; multi-login policies 4 and 5 compare classes. */
export const PLATFORM_CLASS: Readonly<Record<number, string>> = {
  1: 'Mobile',
  2: 'Mobile',
  3: 'PC',
  4: 'PC',
  5: 'Web',
  6: 'MiniWeb',
  7: 'PC',
  8: 'Pad',
  9: 'Pad',
  10: 'Admin',
  11: 'HarmonyOS',
};

/** Session types of messages and conversations. */
export const SESSION = { Single: 1, WriteGroup: 2, Group: 3, Notification: 4 } as const;

/** Who a message is from. */
export const MSG_FROM = { User: 100, System: 200 } as const;

/** Message status values. */
export const MSG_STATUS = { Sending: 1, Sent: 2, Failed: 3, Deleted: 4, Filtered: 5 } as const;

/** Receive options, of a conversation or globally. */
export const RECV_OPT = { Receive: 0, NotReceive: 1, NotNotify: 2 } as const;

/** Group member roles. */
export const ROLE = { Owner: 100, Admin: 60, Member: 20 } as const;

/** Group status values. */
export const GROUP_STATUS = { Ok: 0, Banned: 1, Dismissed: 2, Muted: 3 } as const;

/** Account levels of users. */
export const MANAGER_LEVEL = { Ordinary: 0, AppOrdinary: 1, AppAdmin: 2, Notification: 3, Robot: 4 } as const;

/** Order in which pulled messages are read, by seq. */
export const PULL_ORDER = { Asc: 0, Desc: 1 } as const;

/** WebSocket request identifiers. */
export const REQ = {
  GetNewestSeq: 1001,
  PullMsgByRange: 1002,
  SendMsg: 1003,
  SendSignal: 1004,
  PullMsgBySeqList: 1005,
  GetConvMaxReadSeq: 1006,
  PullConvLastMessage: 1007,
  PushMsg: 2001,
  KickOnline: 2002,
  Logout: 2003,
  SetBackground: 2004,
  SubUserOnlineStatus: 2005,
} as const;

/** Content types that the server itself acts upon. */
export const CONTENT = {
  Text: 101,
  Picture: 102,
  Voice: 103,
  Video: 104,
  File: 105,
  AtText: 106,
  Custom: 110,
  Revoke: 111,
  Typing: 113,
  Quote: 114,
  Markdown: 118,
  FriendApplicationApproved: 1201,
  FriendApplicationRejected: 1202,
  FriendApplication: 1203,
  FriendAdded: 1204,
  FriendDeleted: 1205,
  FriendRemarkSet: 1206,
  BlackAdded: 1207,
  BlackDeleted: 1208,
  FriendInfoUpdated: 1209,
  FriendsInfoUpdate: 1210,
  ConversationChange: 1300,
  UserInfoUpdated: 1303,
  UserStatusChange: 1304,
  UserCommandAdd: 1305,
  UserCommandDelete: 1306,
  UserCommandUpdate: 1307,
  OANotification: 1400,
  GroupCreated: 1501,
  GroupInfoSet: 1502,
  JoinGroupApplication: 1503,
  MemberQuit: 1504,
  GroupApplicationAccepted: 1505,
  GroupApplicationRejected: 1506,
  GroupOwnerTransferred: 1507,
  MemberKicked: 1508,
  MemberInvited: 1509,
  MemberEnter: 1510,
  GroupDismissed: 1511,
  GroupMemberMuted: 1512,
  GroupMemberCancelMuted: 1513,
  GroupMuted: 1514,
  GroupCancelMuted: 1515,
  GroupMemberInfoSet: 1516,
  GroupMemberSetToAdmin: 1517,
  GroupMemberSetToOrdinary: 1518,
  GroupInfoSetAnnouncement: 1519,
  GroupInfoSetName: 1520,
  ConversationPrivateChat: 1701,
  ConversationUnread: 1702,
  ClearConversation: 1703,
  ConversationDelete: 1704,
  Business: 2001,
  MsgRevoke: 2101,
  DeleteMsgs: 2102,
  HasReadReceipt: 2200,
} as const;

/** Content types 1000..5000 are notifications, which only the server and administrators send. */
export function isNotificationType(contentType: number): boolean {
  return contentType >= 1000 && contentType <= 5000;
}

/** Keys of MsgData.options. An absent key means true. */
export const OPTION = {
  history: 'history',
  persistent: 'persistent',
  offlinePush: 'offlinePush',
  unreadCount: 'unreadCount',
  conversationUpdate: 'conversationUpdate',
  senderSync: 'senderSync',
  notPrivate: 'notPrivate',
  senderConversationUpdate: 'senderConversationUpdate',
  senderNotificationPush: 'senderNotificationPush',
  reactionFromCache: 'reactionFromCache',
  isNotNotification: 'isNotNotification',
  isSendMsg: 'isSendMsg',
} as const;

/** Name of an option. */
export type OptionKey = keyof typeof OPTION;

/** The value of an option: absent counts as true. */
export function optionOn(options: Readonly<Record<string, boolean>>, key: OptionKey): boolean {
  return options[key] !== false;
}
