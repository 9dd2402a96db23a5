import { requireUsers } from '@im/domain';
import { type CallContext, requireSelf } from '@im/kit';
import { argsError, CONTENT, ERR, GROUP_STATUS, ImError, make, ROLE, type sdkws } from '@im/protocol';
import type { Group, GroupMember } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { checkGivenID, newGroupID } from '../group-id.ts';
import { checkGroupTexts, requireRoom } from '../limits.ts';

/** The one kind of group that can be made. */
const WORKING_GROUP = 2;
const JOIN_SOURCE_INVITATION = 2;
const ID_ATTEMPTS = 10;

function toGroup(info: sdkws.GroupInfo, groupID: string, createTime: number): Group {
  return {
    groupID,
    groupName: info.groupName,
    notification: info.notification,
    introduction: info.introduction,
    faceURL: info.faceURL,
    ex: info.ex,
    status: info.status,
    creatorUserID: info.creatorUserID,
    groupType: info.groupType,
    needVerification: info.needVerification,
    lookMemberInfo: info.lookMemberInfo,
    applyMemberFriend: info.applyMemberFriend,
    createTime,
    notificationUpdateTime: info.notificationUpdateTime,
    notificationUserID: info.notificationUserID,
  };
}

/** New groups. */
export function createGroupMethods(deps: GroupDeps): GroupMethods<'createGroup'> {
  const { groups, users, changes, memberships, views, notifications } = deps;

  /** Stores the group under the id asked for, or under a new one. */
  async function insert(ctx: CallContext, info: sdkws.GroupInfo): Promise<Group> {
    const createTime = Date.now();
    if (info.groupID !== '') {
      await checkGivenID(deps, ctx, info.groupID);
      const group = toGroup(info, info.groupID, createTime);
      if (!(await groups.insert(ctx.tenant, group))) throw new ImError(ERR.GroupIDExisted);
      return group;
    }
    for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
      const group = toGroup(info, newGroupID(), createTime);
      if (await groups.insert(ctx.tenant, group)) return group;
    }
    throw new ImError(ERR.DataError, 'no free group id found');
  }

  function toMembers(
    ctx: CallContext,
    groupID: string,
    joinTime: number,
    roles: readonly (readonly [readonly string[], number])[],
  ): GroupMember[] {
    return roles.flatMap(([userIDs, roleLevel]) =>
      userIDs.map((userID) => ({
        groupID,
        userID,
        nickname: '',
        faceURL: '',
        roleLevel,
        joinTime,
        joinSource: JOIN_SOURCE_INVITATION,
        inviterUserID: ctx.opUserID,
        operatorUserID: ctx.opUserID,
        muteEndTime: 0,
        ex: '',
      })),
    );
  }

  return {
    async createGroup(ctx, { ownerUserID, adminUserIDs, memberUserIDs, groupInfo, sendMessage }) {
      if (!groupInfo) throw argsError('groupInfo is empty');
      if (groupInfo.groupType !== WORKING_GROUP) throw argsError('group type only supports 2');
      if (groupInfo.status === GROUP_STATUS.Dismissed) throw argsError('status must not be 2');
      const { groupName, notification, introduction, faceURL, ex } = groupInfo;
      checkGroupTexts({ groupName, notification, introduction, faceURL, ex });
      requireSelf(ctx, ownerUserID);
      const userIDs = [ownerUserID, ...adminUserIDs, ...memberUserIDs];
      if (new Set(userIDs).size !== userIDs.length) throw argsError('group member repeated');
      await requireUsers(users, ctx, userIDs, ERR.UserIDNotFoundError);
      await deps.reach.require(ctx, ownerUserID, userIDs, { strangers: true });
      await requireRoom(deps, ctx, 0, userIDs);

      const group = await insert(ctx, groupInfo);
      const members = toMembers(ctx, group.groupID, group.createTime, [
        [[ownerUserID], ROLE.Owner],
        [adminUserIDs, ROLE.Admin],
        [memberUserIDs, ROLE.Member],
      ]);
      const { groupID } = group;
      const wanted = { groupID, contentType: CONTENT.GroupCreated, addedUserIDs: userIDs, sendMessage };
      const creation = await memberships.commit(ctx, wanted, (id) =>
        changes.add(ctx.tenant, groupID, members, id),
      );
      await creation.notify((record) => notifications.groupCreated(ctx, group, members, record));
      if (group.notification !== '')
        await notifications.announcementSet(ctx, group, creation.outcome.stamp, true);
      return make('group.CreateGroupResp', { groupInfo: await views.group(ctx.tenant, group) });
    },
  };
}
