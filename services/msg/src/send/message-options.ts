import { CONTENT, type OptionKey } from '@im/protocol';

/** Options that the server switches off by content type, whatever the client asked for. */
const FORCED_OFF: Readonly<Record<number, readonly OptionKey[]>> = {
  [CONTENT.Revoke]: ['unreadCount', 'offlinePush'],
  [CONTENT.HasReadReceipt]: ['conversationUpdate', 'senderConversationUpdate', 'unreadCount', 'offlinePush'],
  [CONTENT.Typing]: [
    'history',
    'persistent',
    'senderSync',
    'conversationUpdate',
    'senderConversationUpdate',
    'unreadCount',
    'offlinePush',
  ],
};

/** Switches options off in place where the content type demands it. */
export function forceOptions(contentType: number, options: Record<string, boolean>): void {
  for (const key of FORCED_OFF[contentType] ?? []) options[key] = false;
}

/**
 * Options of the chat message that a notification is cloned into: only offlinePush and unreadCount
 * are carried over, everything else is unset and so true.
 */
export function cloneOptions(options: Readonly<Record<string, boolean>>): Record<string, boolean> {
  const clone: Record<string, boolean> = {};
  if (options.offlinePush !== undefined) clone.offlinePush = options.offlinePush;
  if (options.unreadCount !== undefined) clone.unreadCount = options.unreadCount;
  return clone;
}
