import { CONTENT, decode, MSG_STATUS, make, SESSION, type sdkws, toJson } from '@im/protocol';
import type { MsgRow } from '@im/store';
import type { Access } from './access.ts';

/** What stands for a seq without a message that the reader may see, so that clients do not ask for it again. */
export function placeholder(seq: number): sdkws.MsgData {
  return make('sdkws.MsgData', { seq, status: MSG_STATUS.Deleted });
}

/** The content of a message that was revoked, as it reads from then on. */
export function revokedContent(row: MsgRow, m: sdkws.MsgData): Buffer {
  const { revoked } = row;
  const tips = make('sdkws.MessageRevokedContent', {
    revokerID: revoked?.userID ?? '',
    revokerRole: revoked?.role ?? 0,
    clientMsgID: m.clientMsgID,
    revokerNickname: revoked?.nickname ?? '',
    revokeTime: revoked?.time ?? 0,
    sourceMessageSendTime: m.sendTime,
    sourceMessageSendID: m.sendID,
    sourceMessageSenderNickname: m.senderNickname,
    sessionType: m.sessionType,
    seq: row.seq,
    ex: m.ex,
  });
  return Buffer.from(JSON.stringify({ detail: toJson('sdkws.MessageRevokedContent', tips) }));
}

/** A stored message as one user reads it now: with its seq, without what he deleted or somebody revoked. */
export function renderRow(row: MsgRow, userID: string, access: Access): sdkws.MsgData {
  if (row.msgData === undefined) return placeholder(row.seq);
  const m = decode('sdkws.MsgData', row.msgData);
  if (!access.sees(m)) return placeholder(row.seq);
  m.seq = row.seq;
  m.isRead = row.isRead && m.sessionType === SESSION.Single;
  if (row.revoked) {
    m.content = revokedContent(row, m);
    m.contentType = CONTENT.MsgRevoke;
  }
  if (row.deletedBy.includes(userID)) {
    m.content = Buffer.alloc(0);
    m.status = MSG_STATUS.Deleted;
  }
  return m;
}

/** Upper bound of a rendered message's size in an answer, without decoding it. */
export function renderedBytes(row: MsgRow | undefined): number {
  const FRAMING = 32;
  const REVOCATION = 1_024;
  if (row?.msgData === undefined) return FRAMING;
  return row.msgData.length + FRAMING + (row.revoked ? REVOCATION : 0);
}
