import { eachLimited, requireAdmin, requireSelf } from '@im/kit';
import { chatConversationID, make, SESSION } from '@im/protocol';
import { conversationNotices } from '../notices.ts';
import type { ConversationMethods, ConversationParts } from '../parts.ts';

const NOTICES_AT_ONCE = 50;
/** In a larger group the owners find the mark when they synchronize. */
const MAX_NOTICES = 1_000;

/** What other domains change in records: mention marks and lower bounds. */
export function markMethods({
  changes,
  notifier,
}: ConversationParts): ConversationMethods<'setGroupAtType' | 'setMinSeqs'> {
  const notices = conversationNotices(notifier);

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
      if (changed.length <= MAX_NOTICES) {
        await eachLimited(changed, NOTICES_AT_ONCE, (owner) => notices.changed(ctx, owner, [conversationID]));
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
      if (changed.length > 0) await notices.changed(ctx, ownerUserID, changed);
      return make('conversation.SetMinSeqsResp');
    },
  };
}
