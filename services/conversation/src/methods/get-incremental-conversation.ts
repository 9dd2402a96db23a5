import { requireSelf } from '@im/kit';
import { make, matchesIdHash } from '@im/protocol';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';

/** Changes of a user's records since a client last synchronized, docs/protocol/sync.md. */
export function syncConversationMethods({
  records,
}: ConversationDeps): ConversationMethods<'getIncrementalConversation' | 'getFullOwnerConversationIDs'> {
  return {
    async getIncrementalConversation(ctx, { userID, versionID, version }) {
      requireSelf(ctx, userID);
      const delta = await records.versions.since(ctx.tenant, userID, { versionID, version });
      const ids = [...delta.insert, ...delta.update];
      const found = ids.length === 0 ? [] : await records.find(ctx.tenant, userID, ids);
      const byID = new Map(found.map((record) => [record.conversationID, record]));
      return make('conversation.GetIncrementalConversationResp', {
        ...delta.stamp,
        full: delta.full,
        delete: [...delta.delete],
        insert: delta.insert.flatMap((id) => byID.get(id) ?? []),
        update: delta.update.flatMap((id) => byID.get(id) ?? []),
      });
    },
    async getFullOwnerConversationIDs(ctx, { userID, idHash }) {
      requireSelf(ctx, userID);
      const stamp = await records.versions.stamp(ctx.tenant, userID);
      const conversationIDs = await records.ids(ctx.tenant, userID);
      const equal = matchesIdHash(idHash, conversationIDs);
      return make('conversation.GetFullOwnerConversationIDsResp', {
        ...stamp,
        equal,
        conversationIDs: equal ? [] : conversationIDs,
      });
    },
  };
}
