import { NOTIFICATIONS_AT_ONCE } from '@im/domain';
import { eachLimited, requireAdmin, requireSelf } from '@im/kit';
import { chatConversationID, make, SESSION } from '@im/protocol';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';
import { conversationNotifications } from '../notifications/conversation.ts';

/** In a larger group the members see the mark at their next synchronization. */
const MAX_NOTIFICATIONS = 1_000;
/**
 * Pace at which the members hear of it, so that messages of others do not wait for hundreds of these. Members who are
 * online have the message itself, which mentions them, long before.
 */
const NOTIFICATIONS_PER_SECOND = 100;

/** Changes of records by other domains: mention marks and lower bounds. */
export function markMethods({
  changes,
  notifier,
}: ConversationDeps): ConversationMethods<'setGroupAtType' | 'setMinSeqs'> {
  const notifications = conversationNotifications(notifier);

  return {
    async setGroupAtType(ctx, { groupID, groupAtType, userIDs, exceptUserIDs }) {
      requireAdmin(ctx);
      const conversationID = chatConversationID({
        sessionType: SESSION.Group,
        groupID,
        sendID: '',
        recvID: '',
      });
      const owners = userIDs.length > 0 ? { only: userIDs } : { except: exceptUserIDs };
      const changed = await changes.setGroupAtType(ctx.tenant, conversationID, groupAtType, owners);
      if (changed.length <= MAX_NOTIFICATIONS) {
        await eachLimited(
          changed,
          NOTIFICATIONS_AT_ONCE,
          (owner) => notifications.changed(ctx, owner, [conversationID]),
          { perSecond: NOTIFICATIONS_PER_SECOND },
        );
      }
      return make('conversation.SetGroupAtTypeResp');
    },
    async setMinSeqs(ctx, { ownerUserID, minSeqs }) {
      requireSelf(ctx, ownerUserID);
      const wanted = minSeqs.map(({ conversationID, minSeq, latestMsgDestructTime }) => ({
        conversationID,
        minSeq,
        ...(latestMsgDestructTime !== null && { latestMsgDestructTime }),
      }));
      const changed = await changes.setMinSeqs(ctx.tenant, ownerUserID, wanted);
      if (changed.length > 0) await notifications.changed(ctx, ownerUserID, changed);
      return make('conversation.SetMinSeqsResp');
    },
  };
}
