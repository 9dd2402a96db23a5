import { type CallContext, pageRange, requireSelf } from '@im/kit';
import { argsError, CONTENT, ERR, ImError, make, ROLE, type sdkws } from '@im/protocol';
import { type Group, type GroupRequest, type GroupRequestQuery, HANDLE_RESULT, notFound } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { requireRoom } from '../limits.ts';
import { newMember } from '../membership/new-member.ts';
import { leads, operatorOf, requireLeader, requireLiveGroup } from '../permissions.ts';
import { askAboutEntrants } from '../webhooks.ts';

type GroupApplicationMethods = GroupMethods<
  | 'groupApplicationResponse'
  | 'getGroupApplicationList'
  | 'getUserReqApplicationList'
  | 'getGroupUsersReqApplicationList'
  | 'getSpecifiedUserGroupRequestInfo'
  | 'getGroupApplicationUnhandledCount'
>;

/** Applications for membership: received, sent, answered. */
export function groupApplicationMethods(deps: GroupDeps): GroupApplicationMethods {
  const { members, changes, memberships, requests, notifications, groups, views, webhooks } = deps;

  /** Adds the applicant. @returns what notifies the group; undefined when they were a member already. */
  async function admit(
    ctx: CallContext,
    group: Group,
    request: GroupRequest,
  ): Promise<(() => Promise<void>) | undefined> {
    const { groupID, userID } = request;
    const [present] = await members.find(ctx.tenant, groupID, [userID]);
    if (present) return undefined;
    await requireRoom(deps, ctx, await members.count(ctx.tenant, groupID), [userID]);
    const { joinSource, inviterUserID, ex } = request;
    const entrance = { joinTime: Date.now(), joinSource, inviterUserID, operatorUserID: ctx.opUserID, ex };
    const asked = newMember({ groupID, userID, ...entrance });
    const entrants = await askAboutEntrants(webhooks, ctx, group, [asked]);
    const { newConversation, reports } = entrants;
    const [member = asked] = entrants.members;
    const invited = request.inviterUserID !== '';
    const contentType = invited ? CONTENT.MemberInvited : CONTENT.MemberEnter;
    const added = { groupID, contentType, addedUserIDs: [userID], sendMessage: null };
    const wanted = { ...added, newConversation, reports };
    const entry = await memberships.commit(ctx, wanted, (id) =>
      changes.add(ctx.tenant, groupID, [member], id),
    );
    if (entry.outcome.added.length === 0) return undefined;
    return () =>
      entry.notify((record) =>
        invited
          ? notifications.membersInvited(ctx, group, [member], record)
          : notifications.memberEntered(ctx, group, member, record),
      );
  }

  async function shown(ctx: CallContext, list: readonly GroupRequest[]): Promise<sdkws.GroupRequest[]> {
    const found = await groups.getMany(
      ctx.tenant,
      list.map(({ groupID }) => groupID),
    );
    return views.requests(ctx.tenant, list, found);
  }
  async function page(
    ctx: CallContext,
    query: GroupRequestQuery,
    pagination: sdkws.RequestPagination | null,
  ) {
    const { total, requests: found } = await requests.list(ctx.tenant, query, pageRange(pagination));
    return { total, groupRequests: await shown(ctx, found) };
  }
  /** Groups that the user owns or administers. */
  async function ledGroups(ctx: CallContext, userID: string): Promise<string[]> {
    const joined = await members.joined(ctx.tenant, userID);
    return joined.filter(({ roleLevel }) => roleLevel >= ROLE.Admin).map(({ groupID }) => groupID);
  }

  return {
    async groupApplicationResponse(ctx, { groupID, fromUserID, handledMsg, handleResult }) {
      const agreed = handleResult === HANDLE_RESULT.Agree;
      if (!agreed && handleResult !== HANDLE_RESULT.Refuse) throw argsError('handleResult must be 1 or -1');
      requireLeader(await operatorOf(deps, ctx, groupID));
      const group = await requireLiveGroup(deps, ctx, groupID);
      const [request] = await requests.find(ctx.tenant, groupID, [fromUserID]);
      if (!request) throw notFound('group request');
      const handled = new ImError(ERR.GroupRequestHandled);
      if (request.handleResult !== HANDLE_RESULT.Pending) throw handled;

      // The member before the request: after a crash in between, the request can be answered again.
      const notifyGroup = agreed ? await admit(ctx, group, request) : undefined;
      const answered = await requests.answer(ctx.tenant, groupID, fromUserID, {
        handleResult,
        handledMsg,
        handleUserID: ctx.opUserID,
        handledTime: Date.now(),
      });
      if (answered) {
        const leaders = await members.leaders(ctx.tenant, groupID);
        const leaderIDs = leaders.map(({ userID }) => userID);
        await notifications.answered(ctx, agreed, group, answered, { applicantID: fromUserID, leaderIDs });
      }
      if (notifyGroup) await notifyGroup();
      if (!answered) throw handled;
      return make('group.GroupApplicationResponseResp');
    },
    async getGroupApplicationList(ctx, { fromUserID, groupIDs, handleResults, pagination }) {
      requireSelf(ctx, fromUserID);
      const led = groupIDs.length > 0 && ctx.opAdmin ? groupIDs : await ledGroups(ctx, fromUserID);
      if (groupIDs.some((id) => !led.includes(id))) {
        throw new ImError(ERR.NoPermissionError, 'only the owner and admins of the group may do this');
      }
      const query = { groupIDs: groupIDs.length > 0 ? groupIDs : led, handleResults };
      return make('group.GetGroupApplicationListResp', await page(ctx, query, pagination));
    },
    async getUserReqApplicationList(ctx, { userID, groupIDs, handleResults, pagination }) {
      requireSelf(ctx, userID);
      const query = { userID, groupIDs, handleResults };
      return make('group.GetUserReqApplicationListResp', await page(ctx, query, pagination));
    },
    async getGroupUsersReqApplicationList(ctx, { groupID, userIDs }) {
      requireLeader(await operatorOf(deps, ctx, groupID));
      const found = await requests.find(ctx.tenant, groupID, userIDs);
      return make('group.GetGroupUsersReqApplicationListResp', {
        total: found.length,
        groupRequests: await shown(ctx, found),
      });
    },
    async getSpecifiedUserGroupRequestInfo(ctx, { groupID, userID }) {
      if (ctx.opUserID !== userID && !leads(await operatorOf(deps, ctx, groupID))) {
        throw new ImError(
          ERR.NoPermissionError,
          'only the applicant, the owner and admins of the group may see this',
        );
      }
      const found = await requests.find(ctx.tenant, groupID, [userID]);
      return make('group.GetSpecifiedUserGroupRequestInfoResp', {
        total: found.length,
        groupRequests: await shown(ctx, found),
      });
    },
    async getGroupApplicationUnhandledCount(ctx, { userID, time }) {
      requireSelf(ctx, userID);
      const count = await requests.countPending(ctx.tenant, await ledGroups(ctx, userID), time);
      return make('group.GetGroupApplicationUnhandledCountResp', { count });
    },
  };
}
