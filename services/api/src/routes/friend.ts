import { list, oneOf, page, text } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

const DISTINCT = { distinct: true };

/** Friends, docs/protocol/http.md; what changed among them, docs/protocol/sync.md. */
export const friendRoutes = [
  rpcRoute('/friend/delete_friend', 'relation', 'deleteFriend', {
    rules: [text('ownerUserID'), text('friendUserID')],
  }),
  rpcRoute('/friend/get_friend_apply_list', 'relation', 'getPaginationFriendsApplyTo', {
    split: {},
    rules: [text('userID'), page()],
  }),
  rpcRoute('/friend/get_designated_friend_apply', 'relation', 'getDesignatedFriendsApply', {
    rules: [text('fromUserID'), text('toUserID')],
  }),
  rpcRoute('/friend/get_self_friend_apply_list', 'relation', 'getPaginationFriendsApplyFrom', {
    split: {},
    rules: [text('userID'), page()],
  }),
  rpcRoute('/friend/get_friend_list', 'relation', 'getPaginationFriends', {
    split: {},
    rules: [page(), text('userID')],
  }),
  rpcRoute('/friend/get_designated_friends', 'relation', 'getDesignatedFriends', {
    split: { ids: 'friendUserIDs' },
    rules: [text('ownerUserID'), list('friendUserIDs', DISTINCT)],
  }),
  rpcRoute('/friend/add_friend', 'relation', 'applyToAddFriend', {
    rules: [text('fromUserID'), text('toUserID')],
  }),
  rpcRoute('/friend/add_friend_response', 'relation', 'respondFriendApply', {
    rules: [text('fromUserID'), text('toUserID'), oneOf('handleResult', [1, -1])],
  }),
  rpcRoute('/friend/set_friend_remark', 'relation', 'setFriendRemark', {
    rules: [text('ownerUserID'), text('friendUserID')],
  }),
  rpcRoute('/friend/add_black', 'relation', 'addBlack', {
    rules: [text('ownerUserID'), text('blackUserID')],
  }),
  rpcRoute('/friend/get_black_list', 'relation', 'getPaginationBlacks', {
    split: {},
    rules: [text('userID'), page()],
  }),
  rpcRoute('/friend/get_specified_blacks', 'relation', 'getSpecifiedBlacks', {
    split: { ids: 'userIDList' },
    rules: [text('ownerUserID'), list('userIDList', DISTINCT)],
  }),
  rpcRoute('/friend/remove_black', 'relation', 'removeBlack', {
    rules: [text('ownerUserID'), text('blackUserID')],
  }),
  rpcRoute('/friend/get_incremental_blacks', 'relation', 'getIncrementalBlacks'),
  rpcRoute('/friend/import_friend', 'relation', 'importFriend', {
    admin: true,
    rules: [text('ownerUserID'), list('friendUserIDs')],
  }),
  rpcRoute('/friend/is_friend', 'relation', 'isFriend', { rules: [text('userID1'), text('userID2')] }),
  rpcRoute('/friend/get_friend_id', 'relation', 'getFriendIDs', { rules: [text('userID')] }),
  rpcRoute('/friend/get_specified_friends_info', 'relation', 'getSpecifiedFriendsInfo', {
    split: { ids: 'userIDList' },
    rules: [text('ownerUserID'), list('userIDList', DISTINCT)],
  }),
  rpcRoute('/friend/update_friends', 'relation', 'updateFriends', {
    rules: [text('ownerUserID'), list('friendUserIDs', DISTINCT)],
  }),
  rpcRoute('/friend/get_incremental_friends', 'relation', 'getIncrementalFriends', {
    rules: [text('userID')],
  }),
  rpcRoute('/friend/get_full_friend_user_ids', 'relation', 'getFullFriendUserIDs', {
    rules: [text('userID')],
  }),
  rpcRoute('/friend/get_self_unhandled_apply_count', 'relation', 'getSelfUnhandledApplyCount', {
    rules: [text('userID')],
  }),
];
