import { requireSelf } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import { type Friend, type FriendRequest, HANDLE_RESULT } from '@im/store';
import { requireUsers } from '../known-users.ts';
import { relationNotices } from '../notices.ts';
import type { RelationMethods, RelationParts } from '../parts.ts';
import { friendRequest } from '../present.ts';

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

/** Asking for friendship, and the answer. */
export function applyMethods(
  parts: RelationParts,
): RelationMethods<'applyToAddFriend' | 'respondFriendApply'> {
  const { friends, requests, users, reach } = parts;
  const notices = relationNotices(parts.notifier, reach);

  return {
    async applyToAddFriend(ctx, { fromUserID, toUserID, reqMsg, ex }) {
      requireSelf(ctx, fromUserID);
      if (fromUserID === toUserID) throw new ImError(ERR.CanNotAddYourselfError);
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
      if (request) await notices.applied(ctx, friendRequest(request, profiles));
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

      const now = Date.now();
      // The friends before the request: after a crash in between, the request can be answered again.
      if (agrees) await friends.add(ctx.tenant, bothDirections(pending, now));
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
      if (agrees) await notices.approved(ctx, fromUserID, toUserID, handleMsg, shown);
      else await notices.rejected(ctx, shown, handleMsg);
      return make('relation.RespondFriendApplyResp');
    },
  };
}
