import { pageRange, requireSelf } from '@im/kit';
import { make } from '@im/protocol';
import { notFound } from '@im/store';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';

type ReadMethods = ConversationMethods<
  | 'getConversation'
  | 'getConversations'
  | 'getAllConversations'
  | 'getOwnerConversation'
  | 'getNotNotifyConversationIDs'
  | 'getPinnedConversationIDs'
>;

/** Reads records. */
export function readConversationMethods({ records }: ConversationDeps): ReadMethods {
  return {
    async getConversation(ctx, { ownerUserID, conversationID }) {
      requireSelf(ctx, ownerUserID);
      const [conversation] = await records.find(ctx.tenant, ownerUserID, [conversationID]);
      if (!conversation) throw notFound('conversation');
      return make('conversation.GetConversationResp', { conversation });
    },
    async getConversations(ctx, { ownerUserID, conversationIDs }) {
      requireSelf(ctx, ownerUserID);
      const conversations = await records.find(ctx.tenant, ownerUserID, conversationIDs);
      return make('conversation.GetConversationsResp', { conversations });
    },
    async getAllConversations(ctx, { ownerUserID }) {
      requireSelf(ctx, ownerUserID);
      const conversations = await records.list(ctx.tenant, ownerUserID);
      return make('conversation.GetAllConversationsResp', { conversations });
    },
    async getOwnerConversation(ctx, { userID, pagination }) {
      requireSelf(ctx, userID);
      const range = pageRange(pagination);
      const [total, conversations] = await Promise.all([
        records.count(ctx.tenant, userID),
        records.list(ctx.tenant, userID, range),
      ]);
      return make('conversation.GetOwnerConversationResp', { total, conversations });
    },
    async getNotNotifyConversationIDs(ctx, { userID }) {
      requireSelf(ctx, userID);
      const conversationIDs = await records.notNotifyIDs(ctx.tenant, userID);
      return make('conversation.GetNotNotifyConversationIDsResp', { conversationIDs });
    },
    async getPinnedConversationIDs(ctx, { userID }) {
      requireSelf(ctx, userID);
      const conversationIDs = await records.pinnedIDs(ctx.tenant, userID);
      return make('conversation.GetPinnedConversationIDsResp', { conversationIDs });
    },
  };
}
