import { randomBytes } from 'node:crypto';
import { md5Hex } from '@im/kit';
import {
  type api,
  argsError,
  CONTENT,
  ERR,
  ImError,
  MANAGER_LEVEL,
  MSG_FROM,
  make,
  OPTION,
  SESSION,
  type sdkws,
} from '@im/protocol';
import type { Call } from '../call.ts';
import { atUserList, checkContent, contentText } from './check-content.ts';

/** What the routes that send have in common. */
export type SendFields = Omit<api.SendMsgReq, 'recvID'>;

/** A client message id as the server makes one. */
export function newClientMsgID(sendID: string): string {
  return md5Hex(`${process.hrtime.bigint()}${sendID}${randomBytes(8).toString('hex')}`);
}

/** @throws ImError 1001 for what every message needs. */
export function checkSend({ sendID, contentType, sessionType }: SendFields): void {
  if (sendID === '') throw argsError('sendID is empty');
  if (contentType === 0) throw argsError('contentType is empty');
  if (sessionType === 0) throw argsError('sessionType is empty');
}

function optionsOf({ isOnlineOnly, notOfflinePush }: SendFields): Record<string, boolean> {
  const options: Record<string, boolean> = {};
  if (isOnlineOnly) {
    for (const key of [OPTION.history, OPTION.persistent, OPTION.senderSync, OPTION.conversationUpdate]) {
      options[key] = false;
    }
  }
  if (notOfflinePush) options[OPTION.offlinePush] = false;
  return options;
}

/** Only accounts of level 2 and above send notifications to users. @throws ImError 1101, 1002. */
async function checkNotificationSender({ ctx, rpc }: Call, sendID: string): Promise<void> {
  const request = make('user.GetDesignateUsersReq', { userIDs: [sendID] });
  const { usersInfo } = await rpc.client('user').getDesignateUsers(ctx, request);
  const sender = usersInfo[0];
  if (!sender) throw new ImError(ERR.UserIDNotFoundError, 'sendID is not registered');
  if (sender.appMangerLevel < MANAGER_LEVEL.AppAdmin) {
    throw new ImError(ERR.NoPermissionError, 'sendID is no notification account');
  }
}

/**
 * The message that an administrator's request describes.
 * @throws ImError 1001 for a content type that may not be sent, or a content that breaks its shape;
 * 1101 and 1002 for a sender who may not send notifications.
 */
export async function messageOf(
  call: Call,
  fields: SendFields,
  recvID: string,
  content: Readonly<Record<string, unknown>>,
): Promise<sdkws.MsgData> {
  checkContent(fields.contentType, content);
  const isNotification = fields.contentType === CONTENT.OANotification;
  if (isNotification) await checkNotificationSender(call, fields.sendID);
  const text = contentText(content);
  return make('sdkws.MsgData', {
    sendID: fields.sendID,
    recvID,
    groupID: fields.groupID,
    clientMsgID: newClientMsgID(fields.sendID),
    senderPlatformID: fields.senderPlatformID,
    senderNickname: fields.senderNickname,
    senderFaceURL: fields.senderFaceURL,
    sessionType: isNotification ? SESSION.Notification : fields.sessionType,
    msgFrom: MSG_FROM.System,
    contentType: fields.contentType,
    content: Buffer.from(isNotification ? `{"detail":${JSON.stringify(text)}}` : text),
    sendTime: fields.sendTime,
    createTime: Date.now(),
    options: optionsOf(fields),
    offlinePushInfo: fields.offlinePushInfo,
    atUserIDList: fields.contentType === CONTENT.AtText ? atUserList(content) : [],
    ex: fields.ex,
  });
}
