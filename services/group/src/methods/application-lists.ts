import { type CallContext, pageRange, requireSelf } from '@im/kit';
import { ERR, ImError, make, ROLE, type sdkws } from '@im/protocol';
import type { GroupRequest, GroupRequestQuery } from '@im/store';
import { operatorOf } from '../access.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { leads, requireLeader } from '../rules.ts';

type ApplicationListMethods = GroupMethods<
  | 'getGroupApplicationList'
  | 'getUserReqApplicationList'
  | 'getGroupUsersReqApplicationList'
  | 'getSpecifiedUserGroupRequestInfo'
  | 'getGroupApplicationUnhandledCount'
>;

/** Requests for membership, received and sent. */
export function applicationListMethods(parts: GroupParts): ApplicationListMethods {
  const { groups, members, requests, views } = parts;

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
      requireLeader(await operatorOf(parts, ctx, groupID));
      const found = await requests.find(ctx.tenant, groupID, userIDs);
      return make('group.GetGroupUsersReqApplicationListResp', {
        total: found.length,
        groupRequests: await shown(ctx, found),
      });
    },
    async getSpecifiedUserGroupRequestInfo(ctx, { groupID, userID }) {
      if (ctx.opUserID !== userID && !leads(await operatorOf(parts, ctx, groupID))) {
        throw new ImError(ERR.NoPermissionError, 'only the applicant and who leads the group may see this');
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
