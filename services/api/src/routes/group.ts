import { atLeast, between, list, object, objects, oneOf, page, text } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

const DISTINCT = { distinct: true };
const group = [text('groupID')];
const member = [text('groupID'), text('userID')];

/** Groups, docs/protocol/http.md; what changed among them, docs/protocol/sync.md. */
export const groupRoutes = [
  rpcRoute('/group/create_group', 'group', 'createGroup', {
    rules: [object('groupInfo'), text('ownerUserID')],
  }),
  rpcRoute('/group/set_group_info', 'group', 'setGroupInfo', { rules: [object('groupInfoForSet', group)] }),
  rpcRoute('/group/set_group_info_ex', 'group', 'setGroupInfoEx', { rules: group }),
  rpcRoute('/group/join_group', 'group', 'joinGroup', {
    rules: [text('groupID'), between('joinSource', 1, 4)],
  }),
  rpcRoute('/group/quit_group', 'group', 'quitGroup', { rules: group }),
  rpcRoute('/group/group_application_response', 'group', 'groupApplicationResponse', {
    rules: [text('groupID'), text('fromUserID'), oneOf('handleResult', [1, -1])],
  }),
  rpcRoute('/group/transfer_group', 'group', 'transferGroupOwner', {
    rules: [text('groupID'), text('oldOwnerUserID'), text('newOwnerUserID')],
  }),
  rpcRoute('/group/get_recv_group_applicationList', 'group', 'getGroupApplicationList', {
    split: {},
    rules: [page(), text('fromUserID')],
  }),
  rpcRoute('/group/get_user_req_group_applicationList', 'group', 'getUserReqApplicationList', {
    split: {},
    rules: [page(), text('userID')],
  }),
  rpcRoute('/group/get_group_users_req_application_list', 'group', 'getGroupUsersReqApplicationList', {
    split: { ids: 'userIDs' },
    rules: [text('groupID'), list('userIDs')],
  }),
  rpcRoute('/group/get_specified_user_group_request_info', 'group', 'getSpecifiedUserGroupRequestInfo', {
    rules: member,
  }),
  rpcRoute('/group/get_groups_info', 'group', 'getGroupsInfo', {
    split: { ids: 'groupIDs' },
    rules: [list('groupIDs')],
  }),
  rpcRoute('/group/kick_group', 'group', 'kickGroupMember', {
    rules: [text('groupID'), list('kickedUserIDs', DISTINCT)],
  }),
  rpcRoute('/group/get_group_members_info', 'group', 'getGroupMembersInfo', {
    split: { ids: 'userIDs' },
    rules: [text('groupID'), list('userIDs')],
  }),
  rpcRoute('/group/get_group_member_list', 'group', 'getGroupMemberList', {
    split: {},
    rules: [page(), text('groupID'), between('filter', 0, 5)],
  }),
  rpcRoute('/group/invite_user_to_group', 'group', 'inviteUserToGroup', {
    rules: [text('groupID'), list('invitedUserIDs', DISTINCT)],
  }),
  rpcRoute('/group/get_joined_group_list', 'group', 'getJoinedGroupList', {
    split: {},
    rules: [page(), text('fromUserID')],
  }),
  rpcRoute('/group/dismiss_group', 'group', 'dismissGroup', { rules: group }),
  rpcRoute('/group/mute_group_member', 'group', 'muteGroupMember', {
    rules: [...member, atLeast('mutedSeconds')],
  }),
  rpcRoute('/group/cancel_mute_group_member', 'group', 'cancelMuteGroupMember', { rules: member }),
  rpcRoute('/group/mute_group', 'group', 'muteGroup', { rules: group }),
  rpcRoute('/group/cancel_mute_group', 'group', 'cancelMuteGroup', { rules: group }),
  rpcRoute('/group/set_group_member_info', 'group', 'setGroupMemberInfo', {
    rules: [objects('members', member)],
  }),
  rpcRoute('/group/get_group_abstract_info', 'group', 'getGroupAbstractInfo', {
    rules: [list('groupIDs', DISTINCT)],
  }),
  rpcRoute('/group/get_groups', 'group', 'getGroups', { split: {}, rules: [page()] }),
  rpcRoute('/group/get_group_member_user_id', 'group', 'getGroupMemberUserIDs', { rules: group }),
  rpcRoute('/group/get_incremental_join_groups', 'group', 'getIncrementalJoinGroup', {
    rules: [text('userID')],
  }),
  rpcRoute('/group/get_incremental_group_members', 'group', 'getIncrementalGroupMember', { rules: group }),
  rpcRoute('/group/get_incremental_group_members_batch', 'group', 'batchGetIncrementalGroupMember'),
  rpcRoute('/group/get_full_group_member_user_ids', 'group', 'getFullGroupMemberUserIDs', { rules: group }),
  rpcRoute('/group/get_full_join_group_ids', 'group', 'getFullJoinGroupIDs', { rules: [text('userID')] }),
  rpcRoute('/group/get_group_application_unhandled_count', 'group', 'getGroupApplicationUnhandledCount', {
    rules: [text('userID')],
  }),
];
