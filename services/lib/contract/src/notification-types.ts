/** Content types of notifications by the names that settings have for them: those of OpenIM's `notification.yml`, and more. */
export const NOTIFICATION_TYPES = {
  friendApplicationApproved: 1201,
  friendApplicationRejected: 1202,
  friendApplicationAdded: 1203,
  friendAdded: 1204,
  friendDeleted: 1205,
  friendRemarkSet: 1206,
  blackAdded: 1207,
  blackDeleted: 1208,
  friendInfoUpdated: 1209,
  friendsInfoUpdated: 1210,
  conversationChanged: 1300,
  userInfoUpdated: 1303,
  userStatusChanged: 1304,
  userCommandAdded: 1305,
  userCommandDeleted: 1306,
  userCommandUpdated: 1307,
  oaNotification: 1400,
  groupCreated: 1501,
  groupInfoSet: 1502,
  joinGroupApplication: 1503,
  memberQuit: 1504,
  groupApplicationAccepted: 1505,
  groupApplicationRejected: 1506,
  groupOwnerTransferred: 1507,
  memberKicked: 1508,
  memberInvited: 1509,
  memberEnter: 1510,
  groupDismissed: 1511,
  groupMemberMuted: 1512,
  groupMemberCancelMuted: 1513,
  groupMuted: 1514,
  groupCancelMuted: 1515,
  groupMemberInfoSet: 1516,
  groupMemberSetToAdmin: 1517,
  groupMemberSetToOrdinary: 1518,
  groupInfoSetAnnouncement: 1519,
  groupInfoSetName: 1520,
  conversationSetPrivate: 1701,
  conversationUnread: 1702,
  conversationCleared: 1703,
  conversationDeleted: 1704,
  business: 2001,
  messageRevoked: 2101,
  messagesDeleted: 2102,
  hasReadReceipt: 2200,
} as const;

/** Name of a kind of notification. */
export type NotificationName = keyof typeof NOTIFICATION_TYPES;

/** The content type of a name or of a number in digits; undefined for any other text. */
export function notificationType(key: string): number | undefined {
  if (/^[0-9]{4}$/.test(key)) return Number(key);
  return Object.hasOwn(NOTIFICATION_TYPES, key) ? NOTIFICATION_TYPES[key as NotificationName] : undefined;
}
