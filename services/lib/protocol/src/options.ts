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
