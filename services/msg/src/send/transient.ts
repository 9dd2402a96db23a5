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
import type { MsgDeps } from '../deps.ts';
import { RECORD_VERSION, serverMsgID } from './record.ts';

/**
 * Publishes a message that may be lost (typing) directly to the receivers' gateways: without the log, without a seq,
 * and dropped if it cannot be delivered at once.
 */
export function sendTransient(
  { bus }: Pick<MsgDeps, 'bus'>,
  ctx: Pick<CallContext, 'tenant' | 'operationID' | 'connID' | 'span'>,
  key: Buffer,
  message: sdkws.MsgData,
): msg.SendMsgResp {
  message.serverMsgID = serverMsgID(key);
  message.seq = 0;
  if (message.status === MSG_STATUS.Sending) message.status = MSG_STATUS.Sent;
  const target: Partial<log.Delivery> =
    message.sessionType === SESSION.Group
      ? { targetGroupID: message.groupID }
      : { targetUserID: message.recvID };
  const delivery = make('log.Delivery', {
    version: RECORD_VERSION,
    tenant: ctx.tenant,
    operationID: ctx.operationID,
    connID: ctx.connID,
    conversationID: chatConversationID(message),
    sendID: message.sendID,
    sessionType: message.sessionType,
    contentType: message.contentType,
    senderPlatformID: message.senderPlatformID,
    msgData: encode('sdkws.MsgData', message),
    logTime: Date.now(),
    ...target,
  });
  if (ctx.span) delivery.traceparent = ctx.span.traceparent;
  bus.deliveries.publishTransient({
    tenant: ctx.tenant,
    targetUserID: target.targetUserID,
    targetGroupID: target.targetGroupID,
    payload: encode('log.Delivery', delivery),
  });
  return make('msg.SendMsgResp', {
    serverMsgID: message.serverMsgID,
    clientMsgID: message.clientMsgID,
    sendTime: message.sendTime,
  });
}
