import { isNotificationConversation } from '@im/protocol';

// sdkws.PushMessages with one message, put together around the opaque bytes of its MsgData:
// {msgs = 1 | notificationMsgs = 2: map entry {key = 1, value = 2: PullMsgs {Msgs = 1: MsgData}}}

const MSGS = 0x0a;
const NOTIFICATION_MSGS = 0x12;
const KEY = 0x0a;
const VALUE = 0x12;
const PULL_MSGS = 0x0a;

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}

function writeVarint(out: Buffer, at: number, value: number): number {
  let rest = value;
  let position = at;
  while (rest >= 0x80) {
    out[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[position++] = rest;
  return position;
}

/** Size of a field of that many bytes, tag and length included. */
function fieldSize(length: number): number {
  return 1 + varintSize(length) + length;
}

/**
 * Protobuf of a push: exactly one message of exactly one conversation.
 * @param msgData sdkws.MsgData as it is delivered.
 */
export function encodePushMessages(conversationID: string, msgData: Uint8Array): Buffer {
  const keyLength = Buffer.byteLength(conversationID);
  const pullMsgs = fieldSize(msgData.length);
  const entry = fieldSize(keyLength) + fieldSize(pullMsgs);
  const out = Buffer.allocUnsafe(fieldSize(entry));
  out[0] = isNotificationConversation(conversationID) ? NOTIFICATION_MSGS : MSGS;
  let at = writeVarint(out, 1, entry);
  out[at++] = KEY;
  at = writeVarint(out, at, keyLength);
  at += out.write(conversationID, at, keyLength, 'utf8');
  out[at++] = VALUE;
  at = writeVarint(out, at, pullMsgs);
  out[at++] = PULL_MSGS;
  at = writeVarint(out, at, msgData.length);
  out.set(msgData, at);
  return out;
}
