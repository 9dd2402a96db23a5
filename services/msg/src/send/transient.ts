import type { CallContext } from '@im/kit';
import {
  chatConversationID,
  encode,
  type log,
  MSG_STATUS,
  make,
  type msg,
  SESSION,
  type sdkws,
} from '@im/protocol';
import type { MsgParts } from '../parts.ts';
import { RECORD_VERSION, serverMsgID } from './record.ts';

/**
 * Hands a message that nobody needs to get (typing) straight to the receivers' gateways: it passes
 * no log, gets no seq and is dropped where there is no way.
 */
export function sendTransient(
  { bus }: Pick<MsgParts, 'bus'>,
  ctx: Pick<CallContext, 'tenant' | 'operationID' | 'connID'>,
  key: Buffer,
  m: sdkws.MsgData,
): msg.SendMsgResp {
  m.serverMsgID = serverMsgID(key);
  m.seq = 0;
  if (m.status === MSG_STATUS.Sending) m.status = MSG_STATUS.Sent;
  const target: Partial<log.Delivery> =
    m.sessionType === SESSION.Group ? { targetGroupID: m.groupID } : { targetUserID: m.recvID };
  const delivery = make('log.Delivery', {
    version: RECORD_VERSION,
    tenant: ctx.tenant,
    operationID: ctx.operationID,
    connID: ctx.connID,
    conversationID: chatConversationID(m),
    sendID: m.sendID,
    sessionType: m.sessionType,
    contentType: m.contentType,
    senderPlatformID: m.senderPlatformID,
    msgData: encode('sdkws.MsgData', m),
    logTime: Date.now(),
    ...target,
  });
  bus.deliveries.publishTransient({
    tenant: ctx.tenant,
    targetUserID: target.targetUserID,
    targetGroupID: target.targetGroupID,
    payload: encode('log.Delivery', delivery),
  });
  return make('msg.SendMsgResp', {
    serverMsgID: m.serverMsgID,
    clientMsgID: m.clientMsgID,
    sendTime: m.sendTime,
  });
}
