import { type CallContext, pageRange, requireSelf } from '@im/kit';
import { ERR, ImError, make, type sdkws } from '@im/protocol';
import type { FriendRequest, FriendRequestQuery } from '@im/store';
import type { RelationMethods, RelationParts } from '../parts.ts';
import { friendRequest } from '../present.ts';

type ApplyListMethods = RelationMethods<
  | 'getPaginationFriendsApplyTo'
  | 'getPaginationFriendsApplyFrom'
  | 'getDesignatedFriendsApply'
  | 'getSelfUnhandledApplyCount'
>;

/** Requests for friendship, received and sent. */
export function applyListMethods({ requests, users }: RelationParts): ApplyListMethods {
  async function shown(ctx: CallContext, list: readonly FriendRequest[]): Promise<sdkws.FriendRequest[]> {
    const ids = list.flatMap(({ fromUserID, toUserID }) => [fromUserID, toUserID]);
    const profiles = await users.getMany(ctx.tenant, ids);
    return list.map((request) => friendRequest(request, profiles));
  }
  async function page(
    ctx: CallContext,
    query: FriendRequestQuery,
    pagination: sdkws.RequestPagination | null,
  ) {
    requireSelf(ctx, query.userID);
    const { total, requests: found } = await requests.list(ctx.tenant, query, pageRange(pagination));
    return { total, list: await shown(ctx, found) };
  }

  return {
    async getPaginationFriendsApplyTo(ctx, { userID, pagination, handleResults }) {
      const { total, list } = await page(ctx, { side: 'received', userID, handleResults }, pagination);
      return make('relation.GetPaginationFriendsApplyToResp', { FriendRequests: list, total });
    },
    async getPaginationFriendsApplyFrom(ctx, { userID, pagination, handleResults }) {
      const { total, list } = await page(ctx, { side: 'sent', userID, handleResults }, pagination);
      return make('relation.GetPaginationFriendsApplyFromResp', { friendRequests: list, total });
    },
    async getDesignatedFriendsApply(ctx, { fromUserID, toUserID }) {
      if (!ctx.opAdmin && ctx.opUserID !== fromUserID && ctx.opUserID !== toUserID) {
        throw new ImError(ERR.NoPermissionError, 'only one of the two users may see their requests');
      }
      const both = await Promise.all([
        requests.get(ctx.tenant, fromUserID, toUserID),
        requests.get(ctx.tenant, toUserID, fromUserID),
      ]);
      const found = both.filter((request) => request !== undefined);
      return make('relation.GetDesignatedFriendsApplyResp', { friendRequests: await shown(ctx, found) });
    },
    async getSelfUnhandledApplyCount(ctx, { userID, time }) {
      requireSelf(ctx, userID);
      const count = await requests.countPending(ctx.tenant, userID, time);
      return make('relation.GetSelfUnhandledApplyCountResp', { count });
    },
  };
}
