import { requireSelf } from '@im/kit';
import { checkLimits, ERR, ImError, make } from '@im/protocol';
import type { RelationDeps, RelationMethods } from '../deps.ts';

type UpdateFriendsMethods = RelationMethods<'deleteFriend' | 'setFriendRemark' | 'updateFriends'>;

/** Changes of a user's own list. */
export function updateFriendsMethods(deps: RelationDeps): UpdateFriendsMethods {
  const { friends, notifications, webhooks } = deps;

  return {
    // One direction only. Not being friends is no error, and the notification is sent all the same.
    async deleteFriend(ctx, { ownerUserID, friendUserID }) {
      requireSelf(ctx, ownerUserID);
      const stamp = await friends.remove(ctx.tenant, ownerUserID, friendUserID);
      await notifications.deleted(ctx, ownerUserID, friendUserID, stamp);
      await webhooks.after(ctx, 'afterDeleteFriend', { ownerUserID, friendUserID });
      return make('relation.DeleteFriendResp');
    },
    async setFriendRemark(ctx, { ownerUserID, friendUserID, remark: given }) {
      requireSelf(ctx, ownerUserID);
      const asked = { ownerUserID, friendUserID, remark: given };
      const reply = await webhooks.before(ctx, 'beforeSetFriendRemark', asked);
      const remark = reply?.remark || given;
      checkLimits('relation.SetFriendRemarkReq', make('relation.SetFriendRemarkReq', { remark }));
      const stamp = await friends.update(ctx.tenant, ownerUserID, [friendUserID], { remark });
      if (!stamp) throw new ImError(ERR.RecordNotFoundError, 'friend not found');
      await notifications.remarkSet(ctx, ownerUserID, friendUserID, stamp);
      await webhooks.after(ctx, 'afterSetFriendRemark', { ownerUserID, friendUserID, remark });
      return make('relation.SetFriendRemarkResp');
    },
    async updateFriends(ctx, { ownerUserID, friendUserIDs, isPinned, remark, ex }) {
      requireSelf(ctx, ownerUserID);
      const stamp = await friends.update(ctx.tenant, ownerUserID, friendUserIDs, {
        ...(isPinned !== null && { isPinned }),
        ...(remark !== null && { remark }),
        ...(ex !== null && { ex }),
      });
      if (stamp) await notifications.friendsUpdated(ctx, ownerUserID, friendUserIDs, stamp);
      return make('relation.UpdateFriendsResp');
    },
  };
}
