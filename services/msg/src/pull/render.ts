import {
  CONTENT,
  decode,
  encode,
  isNotificationConversation,
  MSG_STATUS,
  make,
  SESSION,
  type sdkws,
  sessionTypeOf,
  toJson,
  withIsRead,
  withSeq,
} from '@im/protocol';
import type { MsgRow } from '@im/store';
import type { ReadBounds } from './read-bounds.ts';

/** A message as a reader gets it. */
export interface Rendered {
  readonly seq: number;
  /** 0 where the reader sees no content. */
  readonly contentType: number;
  /** Encoded `sdkws.MsgData`; hardly any is taken apart on its way from the store to the client. */
  data: Uint8Array;
}

/** Most bytes that a message takes in an answer on top of its own: tag and length. */
const FRAMING_BYTES = 16;
/** Largest content of a revoked message. It repeats `ex` and nicknames as JSON inside JSON, up to seven times as long. */
const REVOKED_CONTENT_BYTES = 65_536;
/** Characters of a nickname that remain when that is exceeded. */
const KEPT_NICKNAME = 256;
/** Longest name of an option that remains when a message is too large. */
const MAX_OPTION_NAME = 64;

/** Served at a seq without a message that the reader may see, so that clients do not ask for it again. */
export function renderedPlaceholder(seq: number): Rendered {
  const message = make('sdkws.MsgData', { seq, status: MSG_STATUS.Deleted });
  return { seq, contentType: 0, data: encode('sdkws.MsgData', message) };
}

/** Most bytes of a message in an answer. */
export function bytesOf({ data }: Rendered): number {
  return data.length + FRAMING_BYTES;
}

function contentOfTips(tips: sdkws.MessageRevokedContent): Buffer {
  return Buffer.from(JSON.stringify({ detail: toJson('sdkws.MessageRevokedContent', tips) }));
}

/**
 * The content that replaces that of a revoked message; without the sender's `ex` and with shortened nicknames
 * when it would be large.
 */
export function revokedContent(row: MsgRow, message: sdkws.MsgData): Buffer {
  const { revoked } = row;
  const tips = make('sdkws.MessageRevokedContent', {
    revokerID: revoked?.userID ?? '',
    revokerRole: revoked?.role ?? 0,
    clientMsgID: message.clientMsgID,
    revokerNickname: revoked?.nickname ?? '',
    revokeTime: revoked?.time ?? 0,
    sourceMessageSendTime: message.sendTime,
    sourceMessageSendID: message.sendID,
    sourceMessageSenderNickname: message.senderNickname,
    sessionType: message.sessionType,
    seq: row.seq,
    ex: message.ex,
  });
  const content = contentOfTips(tips);
  if (content.length <= REVOKED_CONTENT_BYTES) return content;
  tips.ex = '';
  tips.revokerNickname = tips.revokerNickname.slice(0, KEPT_NICKNAME);
  tips.sourceMessageSenderNickname = tips.sourceMessageSenderNickname.slice(0, KEPT_NICKNAME);
  return contentOfTips(tips);
}

/** A stored message as one user reads it now: with its seq, without what they deleted or a sender revoked. */
export function renderRow(row: MsgRow, userID: string, bounds: ReadBounds): Rendered {
  const { seq, msgData, contentType, revoked } = row;
  if (msgData === undefined) return renderedPlaceholder(seq);
  const deleted = row.deletedBy.includes(userID);
  const { conversationID } = bounds;
  if (!revoked && !deleted && !isNotificationConversation(conversationID)) {
    const sessionType = sessionTypeOf(conversationID);
    if (!bounds.sees({ sessionType, sendID: row.sendID, recvID: row.recvID }))
      return renderedPlaceholder(seq);
    const data = withSeq(msgData, seq);
    const isRead = row.isRead && sessionType === SESSION.Single;
    return { seq, contentType, data: isRead ? withIsRead(data) : data };
  }
  const message = decode('sdkws.MsgData', msgData);
  if (!bounds.sees(message)) return renderedPlaceholder(seq);
  message.seq = seq;
  message.isRead = row.isRead && message.sessionType === SESSION.Single;
  if (revoked) {
    message.content = revokedContent(row, message);
    message.contentType = CONTENT.MsgRevoke;
  }
  if (deleted) {
    message.content = Buffer.alloc(0);
    message.status = MSG_STATUS.Deleted;
  }
  return {
    seq,
    contentType: deleted ? 0 : message.contentType,
    data: encode('sdkws.MsgData', message),
  };
}

/**
 * The message in at most `limit` bytes: whole if it fits, else without optional fields. A client that never received
 * an oversized message would request it forever.
 */
export function fitted(rendered: Rendered, limit: number): Rendered {
  if (bytesOf(rendered) <= limit) return rendered;
  const message = decode('sdkws.MsgData', rendered.data);
  const options = Object.entries(message.options).filter(([name]) => name.length <= MAX_OPTION_NAME);
  const essential = make('sdkws.MsgData', {
    sendID: message.sendID,
    recvID: message.recvID,
    groupID: message.groupID,
    clientMsgID: message.clientMsgID,
    serverMsgID: message.serverMsgID,
    senderPlatformID: message.senderPlatformID,
    senderNickname: message.senderNickname.slice(0, KEPT_NICKNAME),
    sessionType: message.sessionType,
    msgFrom: message.msgFrom,
    contentType: message.contentType,
    content: message.content,
    seq: message.seq,
    sendTime: message.sendTime,
    createTime: message.createTime,
    status: message.status,
    isRead: message.isRead,
    options: Object.fromEntries(options),
  });
  const cut = { ...rendered, data: encode('sdkws.MsgData', essential) };
  return bytesOf(cut) <= limit ? cut : renderedPlaceholder(rendered.seq);
}
