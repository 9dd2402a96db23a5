import { FieldReader, MAP_ENTRY, tagOf } from '@im/protocol';

const MSGS = tagOf('sdkws.PushMessages', 'msgs');
const NOTIFICATION_MSGS = tagOf('sdkws.PushMessages', 'notificationMsgs');
const LIST = tagOf('sdkws.PullMsgs', 'Msgs');
const MESSAGE = {
  sendID: tagOf('sdkws.MsgData', 'sendID'),
  clientMsgID: tagOf('sdkws.MsgData', 'clientMsgID'),
  contentType: tagOf('sdkws.MsgData', 'contentType'),
  content: tagOf('sdkws.MsgData', 'content'),
  seq: tagOf('sdkws.MsgData', 'seq'),
  status: tagOf('sdkws.MsgData', 'status'),
} as const;
const NO_CONTENT = Buffer.alloc(0);

/** A pushed or pulled message, as much of it as a load client needs. */
export interface ScannedMessage {
  readonly conversationID: string;
  readonly notification: boolean;
  readonly seq: number;
  readonly sendID: string;
  readonly clientMsgID: string;
  readonly contentType: number;
  readonly status: number;
  /** A view into the scanned bytes. */
  readonly content: Buffer;
}

/**
 * Reads the messages out of encoded `sdkws.PushMessages` or `sdkws.PullMessageBySeqsResp`, which have
 * the same shape, without building all of their objects: a load client meets thousands a second and
 * shares its machine with the server that it measures.
 * @throws RangeError for bytes that are not such a message.
 */
export function scanPush(bytes: Uint8Array): ScannedMessage[] {
  const found: ScannedMessage[] = [];
  const push = new FieldReader(bytes);
  while (push.next()) {
    const { tag } = push;
    if (tag === MSGS || tag === NOTIFICATION_MSGS) scanEntry(push.fields(), tag === NOTIFICATION_MSGS, found);
    else push.skip();
  }
  return found;
}

function scanEntry(entry: FieldReader, notification: boolean, found: ScannedMessage[]): void {
  let conversationID = '';
  let list: FieldReader | undefined;
  while (entry.next()) {
    if (entry.tag === MAP_ENTRY.key) conversationID = entry.text();
    else if (entry.tag === MAP_ENTRY.value) list = entry.fields();
    else entry.skip();
  }
  while (list?.next()) {
    if (list.tag === LIST) found.push(scanMessage(list.fields(), conversationID, notification));
    else list.skip();
  }
}

function scanMessage(message: FieldReader, conversationID: string, notification: boolean): ScannedMessage {
  let seq = 0;
  let sendID = '';
  let clientMsgID = '';
  let contentType = 0;
  let status = 0;
  let content: Buffer = NO_CONTENT;
  while (message.next()) {
    const { tag } = message;
    if (tag === MESSAGE.sendID) sendID = message.text();
    else if (tag === MESSAGE.clientMsgID) clientMsgID = message.text();
    else if (tag === MESSAGE.contentType) contentType = message.varint();
    else if (tag === MESSAGE.content) content = message.bytes();
    else if (tag === MESSAGE.seq) seq = message.varint();
    else if (tag === MESSAGE.status) status = message.varint();
    else message.skip();
  }
  return { conversationID, notification, seq, sendID, clientMsgID, contentType, status, content };
}
