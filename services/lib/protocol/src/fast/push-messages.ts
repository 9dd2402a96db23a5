import { isNotificationConversation } from '../conversation-id.ts';
import { fieldSize, MAP_ENTRY, tagOf, writeHead } from './wire.ts';

const MSGS = tagOf('sdkws.PushMessages', 'msgs');
const NOTIFICATION_MSGS = tagOf('sdkws.PushMessages', 'notificationMsgs');
const LIST = tagOf('sdkws.PullMsgs', 'Msgs');

/**
 * Encoded `sdkws.PushMessages` with exactly one message of exactly one conversation.
 * @param msgData encoded `sdkws.MsgData`, taken over as it is.
 */
export function encodePushMessages(conversationID: string, msgData: Uint8Array): Buffer {
  const tag = isNotificationConversation(conversationID) ? NOTIFICATION_MSGS : MSGS;
  const keyLength = Buffer.byteLength(conversationID);
  const pullMsgs = fieldSize(LIST, msgData.length);
  const entry = fieldSize(MAP_ENTRY.key, keyLength) + fieldSize(MAP_ENTRY.value, pullMsgs);
  const out = Buffer.allocUnsafe(fieldSize(tag, entry));
  let at = writeHead(out, 0, tag, entry);
  at = writeHead(out, at, MAP_ENTRY.key, keyLength);
  at += out.write(conversationID, at, keyLength, 'utf8');
  at = writeHead(out, at, MAP_ENTRY.value, pullMsgs);
  at = writeHead(out, at, LIST, msgData.length);
  out.set(msgData, at);
  return out;
}
