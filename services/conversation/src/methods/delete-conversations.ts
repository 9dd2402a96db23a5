import { requireSelf } from '@im/kit';
import { argsError, make } from '@im/protocol';
import type { ConversationMethods, ConversationParts } from '../parts.ts';
import { positionsOf } from '../positions.ts';

const DAY_MS = 86_400_000;
const MAX_DELETED = 10_000;

/** Removing records; messages and read positions stay. */
export function deleteConversationsMethods(
  parts: ConversationParts,
): ConversationMethods<'deleteConversations'> {
  const { records, changes } = parts;

  return {
    async deleteConversations(ctx, { ownerUserID, needDeleteTime, conversationIDs }) {
      requireSelf(ctx, ownerUserID);
      const byAge = needDeleteTime > 0;
      if (byAge === conversationIDs.length > 0) {
        throw argsError('exactly one of needDeleteTime and conversationIDs must be given');
      }
      if (conversationIDs.length > MAX_DELETED) {
        throw argsError(`conversationIDs has more than ${MAX_DELETED} elements`);
      }
      const candidates = byAge ? await records.ids(ctx.tenant, ownerUserID) : conversationIDs;
      if (!byAge) {
        await changes.remove(ctx.tenant, ownerUserID, candidates);
        return make('conversation.DeleteConversationsResp');
      }
      const positions = await positionsOf(parts, ctx, ownerUserID, candidates);
      const limit = Date.now() - needDeleteTime * DAY_MS;
      const old = candidates.filter((id) => {
        const position = positions.get(id);
        return position !== undefined && position.maxSeq > 0 && position.maxSeqTime < limit;
      });
      await changes.remove(ctx.tenant, ownerUserID, old);
      return make('conversation.DeleteConversationsResp');
    },
  };
}
