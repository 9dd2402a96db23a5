import { atLeast, list, page, seqs, text } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

/** Messages, docs/protocol/http.md, except for the routes that send. */
export const msgRoutes = [
  rpcRoute('/msg/newest_seq', 'msg', 'getMaxSeq', { rules: [text('userID')] }),
  // Searches the conversations of all users: for administrators only; OpenIM allows any user.
  rpcRoute('/msg/search_msg', 'msg', 'searchMessage', { admin: true, rules: [page()] }),
  rpcRoute('/msg/pull_msg_by_seq', 'msg', 'pullMessageBySeqs', {
    rules: [text('userID')],
    response: 'sdkws.PullMessageBySeqsResp',
  }),
  rpcRoute('/msg/revoke_msg', 'msg', 'revokeMsg', {
    rules: [text('conversationID'), atLeast('seq'), text('userID')],
  }),
  rpcRoute('/msg/mark_msgs_as_read', 'msg', 'markMsgsAsRead', {
    rules: [text('conversationID'), seqs('seqs'), text('userID')],
  }),
  rpcRoute('/msg/mark_conversation_as_read', 'msg', 'markConversationAsRead', {
    rules: [text('conversationID'), text('userID'), atLeast('hasReadSeq')],
  }),
  rpcRoute('/msg/get_conversations_has_read_and_max_seq', 'msg', 'getConversationsHasReadAndMaxSeq', {
    rules: [text('userID')],
  }),
  rpcRoute('/msg/set_conversation_has_read_seq', 'msg', 'setConversationHasReadSeq', {
    rules: [text('conversationID'), text('userID'), atLeast('hasReadSeq')],
  }),
  rpcRoute('/msg/clear_conversation_msg', 'msg', 'clearConversationsMsg', {
    rules: [list('conversationIDs'), text('userID')],
  }),
  rpcRoute('/msg/user_clear_all_msg', 'msg', 'userClearAllMsg', { rules: [text('userID')] }),
  rpcRoute('/msg/delete_msgs', 'msg', 'deleteMsgs', {
    rules: [text('conversationID'), seqs('seqs'), text('userID')],
  }),
  rpcRoute('/msg/delete_msg_phsical_by_seq', 'msg', 'deleteMsgPhysicalBySeq', {
    admin: true,
    rules: [text('conversationID'), seqs('seqs')],
  }),
  rpcRoute('/msg/delete_msg_physical', 'msg', 'deleteMsgPhysical', {
    admin: true,
    rules: [list('conversationIDs')],
  }),
  rpcRoute('/msg/check_msg_is_send_success', 'msg', 'getSendMsgStatus'),
  rpcRoute('/msg/get_server_time', 'msg', 'getServerTime'),
];
