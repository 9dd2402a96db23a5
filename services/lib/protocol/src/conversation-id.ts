import { SESSION } from './constants.ts';
import { argsError } from './errors.ts';

function sortedPair(a: string, b: string): string {
  // Byte-wise order, which for UTF-16 strings differs from `<` beyond the BMP.
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0 ? `${a}_${b}` : `${b}_${a}`;
}

/** The fields of a message that decide its conversation. */
export interface Addressing {
  sessionType: number;
  sendID: string;
  recvID: string;
  groupID: string;
}

/**
 * The chat conversation of a message: `si_<a>_<b>`, `sg_<group>` or `sn_<a>_<b>`, ids in byte order.
 * @throws ImError 1001 for a session type that has none.
 */
export function chatConversationID(m: Addressing): string {
  switch (m.sessionType) {
    case SESSION.Single:
      return `si_${sortedPair(m.sendID, m.recvID)}`;
    case SESSION.Group:
      return `sg_${m.groupID}`;
    case SESSION.Notification:
      return `sn_${sortedPair(m.sendID, m.recvID)}`;
    default:
      throw argsError('unknown sessionType');
  }
}

/** The notification conversation that belongs to a chat: `n_` and what follows the first `_` of the chat's id. */
export function notificationConversationID(conversationID: string): string {
  const cut = conversationID.indexOf('_');
  return cut < 0 ? conversationID : `n${conversationID.slice(cut)}`;
}

/** The conversation of the notifications that users send to themselves: `n_<user>_<user>`. */
export function selfNotificationID(userID: string): string {
  return `n_${userID}_${userID}`;
}

/** True for the conversations that carry notifications. */
export function isNotificationConversation(conversationID: string): boolean {
  return conversationID.startsWith('n_');
}

/** True for chats of groups, `sg_<group>`. */
export function isGroupConversation(conversationID: string): boolean {
  return conversationID.startsWith('sg_');
}

/** True for chats of two users, `si_<a>_<b>`. */
export function isSingleConversation(conversationID: string): boolean {
  return conversationID.startsWith('si_');
}

/** Session type of all messages of a chat. */
export function sessionTypeOf(chatID: string): number {
  if (isSingleConversation(chatID)) return SESSION.Single;
  return isGroupConversation(chatID) ? SESSION.Group : SESSION.Notification;
}

/** Key by which the log orders messages; a chat and its notification conversation share it. */
export function queueKey(m: Addressing): string {
  return m.sessionType === SESSION.Group ? m.groupID : sortedPair(m.sendID, m.recvID);
}
