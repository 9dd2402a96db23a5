import { requireAdmin } from '@im/kit';
import { make } from '@im/protocol';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';

/** Records of one call. */
const AT_ONCE = 1_000;

/** The end of an account: the user's records of conversations. */
export function removeUserDataMethods(
  { records }: Pick<ConversationDeps, 'records'>,
  { deleteConversations }: ConversationMethods<'deleteConversations'>,
): ConversationMethods<'removeUserData'> {
  return {
    async removeUserData(ctx, { userID }) {
      requireAdmin(ctx);
      const all = await records.ids(ctx.tenant, userID);
      const conversationIDs = all.slice(0, AT_ONCE);
      if (conversationIDs.length > 0) {
        const request = { ownerUserID: userID, conversationIDs };
        await deleteConversations(ctx, make('conversation.DeleteConversationsReq', request));
      }
      const removed = conversationIDs.length;
      return make('account.RemoveUserDataResp', { removed, more: all.length > removed });
    },
  };
}
