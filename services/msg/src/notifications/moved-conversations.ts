import type { TenantSettings } from '@im/contract';
import type { CallContext } from '@im/kit';
import { CONTENT, chatConversationID, make, SESSION, type sdkws, toJson } from '@im/protocol';
import type { ConversationSettings } from '@im/store';
import type { MembershipChange } from '../send/record.ts';
import { notificationMessage } from './notification-message.ts';

/** Most users notified by one record; only new and dismissed groups exceed it, and their own notification suffices. */
const MAX_NOTIFIED = 100;

/**
 * The notifications 1300 to users whose record of a group's chat is ended or reopened by a change of membership. They
 * are part of the record of the change, which guarantees that they arrive once the change is done.
 */
export async function movedConversations(
  conversationSettings: Pick<ConversationSettings, 'bounds'>,
  { tenant }: CallContext,
  settings: TenantSettings,
  message: sdkws.MsgData,
  { added, removed }: Pick<MembershipChange, 'added' | 'removed'>,
): Promise<sdkws.MsgData[]> {
  if (message.sessionType !== SESSION.Group || added.length + removed.length > MAX_NOTIFIED) return [];
  const conversationID = chatConversationID(message);
  const rejoined: string[] = [];
  await Promise.all(
    added.map(async (userID) => {
      // A client that is not notified finds out at its next synchronization: no reason to fail the change.
      const found = await conversationSettings.bounds(tenant, userID, [conversationID]).catch(() => []);
      if (found.length > 0) rejoined.push(userID);
    }),
  );
  return [...removed, ...rejoined].map((userID) => {
    const tips = make('sdkws.ConversationUpdateTips', { userID, conversationIDList: [conversationID] });
    const request = make('msg.SendNotificationReq', {
      contentType: CONTENT.ConversationChange,
      sessionType: SESSION.Single,
      sendID: userID,
      recvID: userID,
      detail: toJson('sdkws.ConversationUpdateTips', tips),
    });
    return notificationMessage(settings, request);
  });
}
