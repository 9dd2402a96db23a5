import { argsError } from '@im/protocol';
import { type FieldRule, type Fields, list, nonZero, object, page, text } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

/** By age or by name, not both. */
const eitherDaysOrIDs: FieldRule = {
  field: 'needDeleteTime',
  check({ needDeleteTime, conversationIDs }: Fields) {
    const byAge = Number(needDeleteTime) > 0;
    const byName = Array.isArray(conversationIDs) && conversationIDs.length > 0;
    if (byAge === byName) throw argsError('exactly one of needDeleteTime and conversationIDs must be given');
  },
};

/** Conversations, docs/protocol/http.md; what changed among them, docs/protocol/sync.md. */
export const conversationRoutes = [
  rpcRoute('/conversation/get_sorted_conversation_list', 'conversation', 'getSortedConversationList', {
    split: {},
    rules: [text('userID'), page()],
  }),
  rpcRoute('/conversation/get_all_conversations', 'conversation', 'getAllConversations', {
    rules: [text('ownerUserID')],
  }),
  rpcRoute('/conversation/get_conversation', 'conversation', 'getConversation', {
    rules: [text('conversationID'), text('ownerUserID')],
  }),
  rpcRoute('/conversation/get_conversations', 'conversation', 'getConversations', {
    split: { ids: 'conversationIDs' },
    rules: [text('ownerUserID'), list('conversationIDs')],
  }),
  rpcRoute('/conversation/set_conversations', 'conversation', 'setConversations', {
    rules: [list('userIDs'), object('conversation', [nonZero('conversationType')])],
  }),
  rpcRoute('/conversation/get_full_conversation_ids', 'conversation', 'getFullOwnerConversationIDs', {
    rules: [text('userID')],
  }),
  rpcRoute('/conversation/get_incremental_conversations', 'conversation', 'getIncrementalConversation', {
    rules: [text('userID')],
  }),
  rpcRoute('/conversation/get_owner_conversation', 'conversation', 'getOwnerConversation', {
    split: {},
    rules: [text('userID'), page()],
  }),
  rpcRoute('/conversation/get_not_notify_conversation_ids', 'conversation', 'getNotNotifyConversationIDs', {
    rules: [text('userID')],
  }),
  rpcRoute('/conversation/get_pinned_conversation_ids', 'conversation', 'getPinnedConversationIDs', {
    rules: [text('userID')],
  }),
  rpcRoute('/conversation/delete_conversations', 'conversation', 'deleteConversations', {
    rules: [text('ownerUserID'), eitherDaysOrIDs],
  }),
  rpcRoute('/conversation/update_conversations_by_user', 'conversation', 'updateConversationsByUser', {
    rules: [text('userID')],
  }),
  rpcRoute('/jssdk/get_conversations', 'conversation', 'getJssdkConversations', {
    protobuf: true,
    fill: ({ ctx }) => ({ ownerUserID: ctx.opUserID }),
  }),
  rpcRoute('/jssdk/get_active_conversations', 'conversation', 'getActiveConversations', {
    protobuf: true,
    fill: ({ ctx }) => ({ ownerUserID: ctx.opUserID }),
  }),
];
