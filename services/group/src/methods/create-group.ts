import { requireUsers } from '@im/domain';
import { type CallContext, requireSelf } from '@im/kit';
import { argsError, CONTENT, ERR, GROUP_STATUS, ImError, make, ROLE, type sdkws } from '@im/protocol';
import type { Group, GroupMember } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { checkGivenID, newGroupID } from '../group-id.ts';
import { checkGroupTexts, requireRoom } from '../limits.ts';
import { newMember } from '../membership/new-member.ts';
import {
  askAboutEntrants,
  createdGroupBody,
  type Entrants,
  type NewGroup,
  newGroupBody,
  type Roles,
  replacedGroup,
  reportsOf,
  usersOf,
} from '../webhooks.ts';

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

/** A group that is stored, and those who are about to become its members. */
interface Stored {
  readonly group: Group;
  readonly entrants: Entrants;
}

/** New groups. */
export function createGroupMethods(deps: GroupDeps): GroupMethods<'createGroup'> {
  const { groups, users, changes, memberships, views, notifications, webhooks } = deps;

  /** Stores the group under the id asked for, or under a new one, once webhooks agree to its members. */
  async function insert(ctx: CallContext, info: sdkws.GroupInfo, roles: Roles): Promise<Stored> {
    const createTime = Date.now();
    const attempt = async (groupID: string): Promise<Stored | undefined> => {
      const group = toGroup(info, groupID, createTime);
      const asked = toMembers(ctx, groupID, createTime, roles);
      const entrants = await askAboutEntrants(webhooks, ctx, group, asked);
      return (await groups.insert(ctx.tenant, group)) ? { group, entrants } : undefined;
    };
    if (info.groupID !== '') {
      await checkGivenID(deps, ctx, info.groupID);
      const stored = await attempt(info.groupID);
      if (!stored) throw new ImError(ERR.GroupIDExisted);
      return stored;
    }
    for (let i = 0; i < ID_ATTEMPTS; i++) {
      const stored = await attempt(newGroupID());
      if (stored) return stored;
    }
    throw new ImError(ERR.DataError, 'no free group id found');
  }

  function toMembers(
    ctx: CallContext,
    groupID: string,
    joinTime: number,
    { ownerUserID, adminUserIDs, memberUserIDs }: Roles,
  ): GroupMember[] {
    const byRole: readonly (readonly [readonly string[], number])[] = [
      [[ownerUserID], ROLE.Owner],
      [adminUserIDs, ROLE.Admin],
      [memberUserIDs, ROLE.Member],
    ];
    return byRole.flatMap(([userIDs, roleLevel]) =>
      userIDs.map((userID) =>
        newMember({
          ...{ groupID, userID, roleLevel, joinTime, joinSource: JOIN_SOURCE_INVITATION },
          ...{ inviterUserID: ctx.opUserID, operatorUserID: ctx.opUserID },
        }),
      ),
    );
  }

  /** What can be a group, and whom its owner may bring together. @throws ImError that names the field. */
  async function check(ctx: CallContext, { info, roles }: NewGroup): Promise<void> {
    if (info.groupType !== WORKING_GROUP) throw argsError('group type only supports 2');
    if (info.status === GROUP_STATUS.Dismissed) throw argsError('status must not be 2');
    const { groupName, notification, introduction, faceURL, ex } = info;
    checkGroupTexts({ groupName, notification, introduction, faceURL, ex });
    const userIDs = usersOf(roles);
    if (new Set(userIDs).size !== userIDs.length) throw argsError('group member repeated');
    await requireUsers(users, ctx, userIDs, ERR.UserIDNotFoundError);
    await deps.reach.require(ctx, roles.ownerUserID, userIDs, { strangers: true });
    await requireRoom(deps, ctx, 0, userIDs);
  }

  /** The group as the answer of a webhook has it. @throws the refusal; as {@link check}. */
  async function replacedByHook(ctx: CallContext, asked: NewGroup): Promise<NewGroup> {
    if (!webhooks.enabled(ctx, 'beforeCreateGroup')) return asked;
    const body = newGroupBody(asked.info, asked.roles);
    const reply = await webhooks.before(ctx, 'beforeCreateGroup', body);
    if (!reply || Object.values(reply).every((value) => value === undefined)) return asked;
    const replaced = replacedGroup(asked, reply);
    await check(ctx, replaced);
    return replaced;
  }

  return {
    async createGroup(ctx, { ownerUserID, adminUserIDs, memberUserIDs, groupInfo, sendMessage }) {
      if (!groupInfo) throw argsError('groupInfo is empty');
      requireSelf(ctx, ownerUserID);
      const asked = { info: groupInfo, roles: { ownerUserID, adminUserIDs, memberUserIDs } };
      await check(ctx, asked);
      const { info, roles } = await replacedByHook(ctx, asked);

      const { group, entrants } = await insert(ctx, info, roles);
      const { members, newConversation } = entrants;
      const { groupID } = group;
      const wanted = {
        groupID,
        contentType: CONTENT.GroupCreated,
        addedUserIDs: usersOf(roles),
        sendMessage,
        newConversation,
        reports: [
          ...entrants.reports,
          ...reportsOf(webhooks, ctx, 'afterCreateGroup', () => createdGroupBody(group, roles)),
        ],
      };
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
