import { requireUsers } from '@im/domain';
import { type CallContext, KEY_SEPARATOR, pageRange, requireSelf } from '@im/kit';
import { argsError, ERR, ImError, make, type sdkws } from '@im/protocol';
import { type Friend, type FriendRequest, type FriendRequestQuery, HANDLE_RESULT } from '@im/store';
import type { RelationDeps, RelationMethods } from '../deps.ts';
import { friendRequest } from '../views.ts';

type FriendApplicationMethods = RelationMethods<
  | 'applyToAddFriend'
  | 'respondFriendApply'
  | 'getPaginationFriendsApplyTo'
  | 'getPaginationFriendsApplyFrom'
  | 'getDesignatedFriendsApply'
  | 'getSelfUnhandledApplyCount'
>;

/** How a friendship came about. */
const ADD_SOURCE_APPLICATION = 2;

/** Both directions of a friendship that an application made. */
function bothDirections({ fromUserID, toUserID }: FriendRequest, createTime: number): Friend[] {
  const base = {
    remark: '',
    createTime,
    addSource: ADD_SOURCE_APPLICATION,
    operatorUserID: fromUserID,
    ex: '',
    isPinned: false,
  };
  return [
    { ...base, ownerUserID: toUserID, friendUserID: fromUserID },
    { ...base, ownerUserID: fromUserID, friendUserID: toUserID },
  ];
}

/** Applications for friendship: sent, received, answered. */
export function friendApplicationMethods(deps: RelationDeps): FriendApplicationMethods {
  const { friends, requests, users, reach, notifications, webhooks } = deps;

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
    async applyToAddFriend(ctx, { fromUserID, toUserID, reqMsg, ex }) {
      requireSelf(ctx, fromUserID);
      if (fromUserID === toUserID) throw new ImError(ERR.CanNotAddYourselfError);
      await webhooks.before(ctx, 'beforeAddFriend', { fromUserID, toUserID, reqMsg, ex });
      await requireUsers(users, ctx, [fromUserID, toUserID]);
      await reach.require(ctx, fromUserID, [toUserID], { strangers: true });
      const [there, back] = await Promise.all([
        friends.find(ctx.tenant, fromUserID, [toUserID]),
        friends.find(ctx.tenant, toUserID, [fromUserID]),
      ]);
      if (there.length > 0 && back.length > 0) throw new ImError(ERR.RelationshipAlreadyError);
      await requests.put(ctx.tenant, { fromUserID, toUserID, reqMsg, ex, createTime: Date.now() });
      const request = await requests.get(ctx.tenant, fromUserID, toUserID);
      const profiles = await users.getMany(ctx.tenant, [fromUserID, toUserID]);
      if (request) await notifications.applied(ctx, friendRequest(request, profiles));
      await webhooks.after(ctx, 'afterAddFriend', { fromUserID, toUserID, reqMsg });
      return make('relation.ApplyToAddFriendResp');
    },
    async respondFriendApply(ctx, { fromUserID, toUserID, handleResult, handleMsg }) {
      requireSelf(ctx, toUserID);
      const agrees = handleResult === HANDLE_RESULT.Agree;
      if (!agrees && handleResult !== HANDLE_RESULT.Refuse) throw argsError('handleResult must be 1 or -1');
      const pending = await requests.get(ctx.tenant, fromUserID, toUserID);
      if (!pending) throw new ImError(ERR.RecordNotFoundError, 'friend request not found');
      const handled = agrees
        ? argsError('the friend request has been processed')
        : new ImError(ERR.FriendRequestHandled);
      if (pending.handleResult !== HANDLE_RESULT.Pending) throw handled;
      await reach.require(ctx, toUserID, [fromUserID], { strangers: true });
      const event = { fromUserID, blackUserID: toUserID, HandleResult: handleResult, HandleMsg: handleMsg };
      await webhooks.before(ctx, 'beforeAddFriendAgree', event);

      const now = Date.now();
      // The friends and the event before the request: after a crash in between, the request can be answered again.
      if (agrees) await friends.add(ctx.tenant, bothDirections(pending, now));
      const id = [fromUserID, toUserID, pending.createTime, handleResult].join(KEY_SEPARATOR);
      await webhooks.after(ctx, 'afterAddFriendAgree', event, { id });
      const answer = {
        handleResult,
        handleTime: now,
        ...(agrees && { handlerUserID: ctx.opUserID === '' ? toUserID : ctx.opUserID }),
        ...(handleMsg !== '' && { handleMsg }),
      };
      const answered = await requests.answer(ctx.tenant, fromUserID, toUserID, answer);
      if (!answered) throw handled;
      if (agrees) await requests.answer(ctx.tenant, toUserID, fromUserID, answer);

      const profiles = await users.getMany(ctx.tenant, [fromUserID, toUserID]);
      const shown = friendRequest(answered, profiles);
      if (agrees) await notifications.approved(ctx, fromUserID, toUserID, handleMsg, shown);
      else await notifications.rejected(ctx, shown, handleMsg);
      return make('relation.RespondFriendApplyResp');
    },
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
