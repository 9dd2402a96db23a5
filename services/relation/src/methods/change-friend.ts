import { requireSelf } from '@im/kit';
import { ERR, ImError, make } from '@im/protocol';
import { relationNotices } from '../notices.ts';
import type { RelationMethods, RelationParts } from '../parts.ts';

/** Changes of one's own list. */
export function changeFriendMethods({
  friends,
  reach,
  notifier,
}: RelationParts): RelationMethods<'deleteFriend' | 'setFriendRemark' | 'updateFriends'> {
  const notices = relationNotices(notifier, reach);

  return {
    // One direction only; that they are not friends is no error, and is told all the same.
    async deleteFriend(ctx, { ownerUserID, friendUserID }) {
      requireSelf(ctx, ownerUserID);
      const stamp = await friends.remove(ctx.tenant, ownerUserID, friendUserID);
      await notices.deleted(ctx, ownerUserID, friendUserID, stamp);
      return make('relation.DeleteFriendResp');
    },
    async setFriendRemark(ctx, { ownerUserID, friendUserID, remark }) {
      requireSelf(ctx, ownerUserID);
      const stamp = await friends.update(ctx.tenant, ownerUserID, [friendUserID], { remark });
      if (!stamp) throw new ImError(ERR.RecordNotFoundError, 'friend not found');
      await notices.remarkSet(ctx, ownerUserID, friendUserID, stamp);
      return make('relation.SetFriendRemarkResp');
    },
    async updateFriends(ctx, { ownerUserID, friendUserIDs, isPinned, remark, ex }) {
      requireSelf(ctx, ownerUserID);
      const stamp = await friends.update(ctx.tenant, ownerUserID, friendUserIDs, {
        ...(isPinned !== null && { isPinned }),
        ...(remark !== null && { remark }),
        ...(ex !== null && { ex }),
      });
      if (stamp) await notices.friendsUpdated(ctx, ownerUserID, friendUserIDs, stamp);
      return make('relation.UpdateFriendsResp');
    },
  };
}
