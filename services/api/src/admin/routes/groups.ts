import {
  dismissGroup,
  type Group,
  type GroupMember,
  getGroup,
  listGroupMembers,
  listGroups,
  listUserGroups,
  revokeMessage,
} from '@im/admin-api';
import { ERR, ImError, make, type sdkws } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { countedPage } from '../page-cursor.ts';

function groupOf(group: sdkws.GroupInfo): Group {
  const { groupID, groupName, faceURL, introduction, notification, ex, ownerUserID, creatorUserID } = group;
  const { memberCount, status, createTime } = group;
  return {
    ...{ groupID, groupName, faceURL, introduction, notification, ex, ownerUserID, creatorUserID },
    ...{ memberCount, status, createTime },
  };
}

function memberOf({
  userID,
  nickname,
  roleLevel,
  joinTime,
  muteEndTime,
}: sdkws.GroupMemberFullInfo): GroupMember {
  return { userID, nickname, roleLevel, joinTime, muteEndTime };
}

/** Groups of a tenant, and what is moderated in conversations. */
export const groupRoutes: readonly AdminRoute[] = [
  adminRoute(listGroups, 'group.getGroups', async ({ ctx, rpc }, { query }) => {
    const { limit, cursor, groupName = '' } = query;
    const { pagination, next } = countedPage(limit, cursor);
    const request = make('group.GetGroupsReq', { pagination, groupName });
    const { groups, total } = await rpc.client('group').getGroups(ctx, request);
    const found = groups.flatMap(({ groupInfo, groupOwnerUserID }) =>
      groupInfo ? [{ ...groupOf(groupInfo), ownerUserID: groupOwnerUserID }] : [],
    );
    return { groups: found, ...next(total) };
  }),
  adminRoute(listUserGroups, 'group.getJoinedGroupList', async ({ ctx, rpc }, { params, query }) => {
    const { pagination, next } = countedPage(query.limit, query.cursor);
    const request = make('group.GetJoinedGroupListReq', { fromUserID: params.userID, pagination });
    const { groups, total } = await rpc.client('group').getJoinedGroupList(ctx, request);
    return { groups: groups.map(groupOf), ...next(total) };
  }),
  adminRoute(getGroup, 'group.getGroupsInfo', async ({ ctx, rpc }, { params: { groupID } }) => {
    const request = make('group.GetGroupsInfoReq', { groupIDs: [groupID] });
    const [group] = (await rpc.client('group').getGroupsInfo(ctx, request)).groupInfos;
    if (!group) throw new ImError(ERR.GroupIDNotFoundError, `there is no group ${groupID}`);
    return { group: groupOf(group) };
  }),
  adminRoute(listGroupMembers, 'group.getGroupMemberList', async ({ ctx, rpc }, { params, query }) => {
    const { pagination, next } = countedPage(query.limit, query.cursor);
    const request = make('group.GetGroupMemberListReq', { ...params, pagination });
    const { members, total } = await rpc.client('group').getGroupMemberList(ctx, request);
    return { members: members.map(memberOf), ...next(total) };
  }),
  adminRoute(dismissGroup, 'group.dismissGroup', async ({ ctx, rpc }, { params }) => {
    await rpc.client('group').dismissGroup(ctx, make('group.DismissGroupReq', params));
    return {};
  }),
  adminRoute(revokeMessage, 'msg.revokeMsg', async ({ ctx, rpc }, { params }) => {
    const { conversationID, seq } = params;
    const request = { conversationID, seq: Number(seq), userID: ctx.opUserID };
    await rpc.client('msg').revokeMsg(ctx, make('msg.RevokeMsgReq', request));
    return {};
  }),
];
