import { requireSelf } from '@im/kit';
import { ERR, ImError, make } from '@im/protocol';
import type { RelationDeps, RelationMethods } from '../deps.ts';

type UpdateFriendsMethods = RelationMethods<'deleteFriend' | 'setFriendRemark' | 'updateFriends'>;

/** Changes of a user's own list. */
export function updateFriendsMethods(deps: RelationDeps): UpdateFriendsMethods {
  const { friends, notifications } = deps;

  return {
    // One direction only. Not being friends is no error, and the notification is sent all the same.
    async deleteFriend(ctx, { ownerUserID, friendUserID }) {
      requireSelf(ctx, ownerUserID);
      const stamp = await friends.remove(ctx.tenant, ownerUserID, friendUserID);
      await notifications.deleted(ctx, ownerUserID, friendUserID, stamp);
      return make('relation.DeleteFriendResp');
    },
    async setFriendRemark(ctx, { ownerUserID, friendUserID, remark }) {
      requireSelf(ctx, ownerUserID);
      const stamp = await friends.update(ctx.tenant, ownerUserID, [friendUserID], { remark });
      if (!stamp) throw new ImError(ERR.RecordNotFoundError, 'friend not found');
      await notifications.remarkSet(ctx, ownerUserID, friendUserID, stamp);
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
