import type { TenantSettings } from '@im/contract';
import type { CallContext } from '@im/kit';
import { CONTENT, chatConversationID, make, SESSION, type sdkws, toJson } from '@im/protocol';
import type { ConversationSettings } from '@im/store';
import type { MembershipChange } from '../send/record.ts';
import { notificationMessage } from './notification.ts';

/** Users told by one record; larger changes are those of new and of ended groups, which tell all there is to know. */
const MAX_TOLD = 100;

/**
 * The notifications 1300 to those whose record of a group's chat a change of membership ends, or opens again. They
 * travel with the record of the change, since only then is it certain that they arrive when it is done.
 */
export async function movedConversations(
  conversationSettings: Pick<ConversationSettings, 'bounds'>,
  { tenant }: CallContext,
  settings: TenantSettings,
  m: sdkws.MsgData,
  { added, removed }: Pick<MembershipChange, 'added' | 'removed'>,
): Promise<sdkws.MsgData[]> {
  if (m.sessionType !== SESSION.Group || added.length + removed.length > MAX_TOLD) return [];
  const conversationID = chatConversationID(m);
  const back: string[] = [];
  await Promise.all(
    added.map(async (userID) => {
      // A client that is not told finds out when it synchronizes next: no reason to fail the change.
      const found = await conversationSettings.bounds(tenant, userID, [conversationID]).catch(() => []);
      if (found.length > 0) back.push(userID);
    }),
  );
  return [...removed, ...back].map((userID) => {
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
