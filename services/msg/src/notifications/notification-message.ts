import type { TenantSettings } from '@im/contract';
import { randomId } from '@im/kit';
import { argsError, CONTENT, MSG_FROM, make, type msg, SESSION, type sdkws } from '@im/protocol';
import { notificationContent } from './notification-content.ts';
import { type NotificationRule, notificationRule } from './notification-table.ts';

const SESSIONS: ReadonlySet<number> = new Set([SESSION.Single, SESSION.Group, SESSION.Notification]);

function optionsOf(rule: NotificationRule, senderSync: boolean): Record<string, boolean> {
  return {
    isNotNotification: false,
    isSendMsg: rule.isSendMsg,
    history: rule.stored,
    persistent: rule.stored,
    offlinePush: rule.offlinePush !== undefined,
    unreadCount: rule.isSendMsg,
    conversationUpdate: false,
    senderSync,
    notPrivate: false,
    senderConversationUpdate: false,
    reactionFromCache: false,
  };
}

/**
 * The message that carries a notification (docs/protocol/notifications.md).
 * @throws ImError 1001 for an unknown session type, a missing sender or receiver, or too large a detail.
 */
export function notificationMessage(
  settings: TenantSettings,
  request: msg.SendNotificationReq,
): sdkws.MsgData {
  const { contentType, sessionType, sendID, recvID } = request;
  if (!SESSIONS.has(sessionType)) throw argsError('unknown sessionType');
  if (sendID === '') throw argsError('sendID is empty');
  if (recvID === '') throw argsError('recvID is empty');
  const rule = notificationRule(settings, request);
  const senderSync = contentType !== CONTENT.UserStatusChange && request.senderSync !== false;
  const now = Date.now();
  return make('sdkws.MsgData', {
    sendID,
    recvID,
    groupID: sessionType === SESSION.Group ? recvID : '',
    clientMsgID: randomId(),
    senderNickname: request.senderNickname,
    senderFaceURL: request.senderFaceURL,
    sessionType,
    msgFrom: MSG_FROM.System,
    contentType,
    content: notificationContent(request.detail, request.addedUserIDs.length + request.removedUserIDs.length),
    sendTime: now,
    createTime: now,
    options: optionsOf(rule, senderSync),
    offlinePushInfo: make('sdkws.OfflinePushInfo', {
      title: rule.offlinePush?.title ?? '',
      desc: rule.offlinePush?.desc ?? '',
      ex: rule.offlinePush?.ext ?? '',
    }),
  });
}
