import { CONTENT, decode, MSG_STATUS, make, SESSION, type sdkws, toJson } from '@im/protocol';
import type { MsgRow } from '@im/store';
import type { ReadBounds } from './read-bounds.ts';

/** A message as a reader gets it, and the most bytes that it takes in an answer. */
export interface Rendered {
  readonly message: sdkws.MsgData;
  bytes: number;
}

/** Bytes that a message takes in an answer on top of its stored form: seq, flags, field tags. */
const FRAMING_BYTES = 32;
/** Largest content of a revoked message. It repeats `ex` and nicknames as JSON inside JSON, up to seven times as long. */
const REVOKED_CONTENT_BYTES = 65_536;
/** Characters of a nickname that remain when that is exceeded. */
const KEPT_NICKNAME = 256;
/** Longest name of an option that remains when a message is too large. */
const MAX_OPTION_NAME = 64;

/** Served at a seq without a message that the reader may see, so that clients do not ask for it again. */
export function placeholder(seq: number): sdkws.MsgData {
  return make('sdkws.MsgData', { seq, status: MSG_STATUS.Deleted });
}

/** A {@link placeholder} with its size. */
export function renderedPlaceholder(seq: number): Rendered {
  return { message: placeholder(seq), bytes: FRAMING_BYTES };
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
  if (row.msgData === undefined) return renderedPlaceholder(row.seq);
  const message = decode('sdkws.MsgData', row.msgData);
  if (!bounds.sees(message)) return renderedPlaceholder(row.seq);
  const rest = row.msgData.length - message.content.length;
  message.seq = row.seq;
  message.isRead = row.isRead && message.sessionType === SESSION.Single;
  if (row.revoked) {
    message.content = revokedContent(row, message);
    message.contentType = CONTENT.MsgRevoke;
  }
  if (row.deletedBy.includes(userID)) {
    message.content = Buffer.alloc(0);
    message.status = MSG_STATUS.Deleted;
  }
  return { message, bytes: rest + message.content.length + FRAMING_BYTES };
}

/**
 * The message in at most `limit` bytes: whole if it fits, else without optional fields. A client that never received
 * an oversized message would request it forever.
 */
export function fitted({ message, bytes }: Rendered, limit: number): Rendered {
  if (bytes <= limit) return { message, bytes };
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
  // Ids have at most 256 bytes, and there are at most 64 options.
  const cut = { message: essential, bytes: message.content.length + 16_384 };
  return cut.bytes <= limit ? cut : renderedPlaceholder(message.seq);
}
