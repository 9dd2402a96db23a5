import { pageRange, requireSelf } from '@im/kit';
import { ERR, ImError, make } from '@im/protocol';
import type { RelationMethods, RelationParts } from '../parts.ts';
import { blackInfo, friendInfo } from '../present.ts';

type ReadFriendMethods = RelationMethods<
  'getPaginationFriends' | 'getDesignatedFriends' | 'getFriendIDs' | 'isFriend' | 'getSpecifiedFriendsInfo'
>;

/** Who is a friend of whom. */
export function readFriendMethods({ friends, blacks, users }: RelationParts): ReadFriendMethods {
  return {
    async getPaginationFriends(ctx, { userID, pagination }) {
      requireSelf(ctx, userID);
      const { total, friends: list } = await friends.list(ctx.tenant, userID, pageRange(pagination));
      const profiles = await users.getMany(
        ctx.tenant,
        list.map(({ friendUserID }) => friendUserID),
      );
      const friendsInfo = list.map((friend) => friendInfo(friend, 'seconds', profiles));
      return make('relation.GetPaginationFriendsResp', { friendsInfo, total });
    },
    async getDesignatedFriends(ctx, { ownerUserID, friendUserIDs }) {
      requireSelf(ctx, ownerUserID);
      const [list, profiles] = await Promise.all([
        friends.find(ctx.tenant, ownerUserID, friendUserIDs),
        users.getMany(ctx.tenant, friendUserIDs),
      ]);
      const friendsInfo = list.map((friend) => friendInfo(friend, 'seconds', profiles));
      return make('relation.GetDesignatedFriendsResp', { friendsInfo });
    },
    async getFriendIDs(ctx, { userID }) {
      requireSelf(ctx, userID);
      return make('relation.GetFriendIDsResp', { friendIDs: await friends.ids(ctx.tenant, userID) });
    },
    async isFriend(ctx, { userID1, userID2 }) {
      if (!ctx.opAdmin && ctx.opUserID !== userID1 && ctx.opUserID !== userID2) {
        throw new ImError(ERR.NoPermissionError, 'only one of the two users may ask');
      }
      const [inUser1, inUser2] = await Promise.all([
        friends.find(ctx.tenant, userID1, [userID2]),
        friends.find(ctx.tenant, userID2, [userID1]),
      ]);
      return make('relation.IsFriendResp', {
        inUser1Friends: inUser1.length > 0,
        inUser2Friends: inUser2.length > 0,
      });
    },
    async getSpecifiedFriendsInfo(ctx, { ownerUserID, userIDList }) {
      requireSelf(ctx, ownerUserID);
      const [profiles, friendList, blackList] = await Promise.all([
        users.getMany(ctx.tenant, userIDList),
        friends.find(ctx.tenant, ownerUserID, userIDList),
        blacks.find(ctx.tenant, ownerUserID, userIDList),
      ]);
      const friendOf = new Map(friendList.map((friend) => [friend.friendUserID, friend]));
      const blackOf = new Map(blackList.map((black) => [black.blackUserID, black]));
      const infos = userIDList.flatMap((id) => {
        const userInfo = profiles.get(id);
        if (!userInfo) return [];
        const friend = friendOf.get(id);
        const black = blackOf.get(id);
        return make('relation.GetSpecifiedFriendsInfoInfo', {
          userInfo,
          friendInfo: friend ? friendInfo(friend, 'ms') : null,
          blackInfo: black ? blackInfo(black, 'ms') : null,
        });
      });
      return make('relation.GetSpecifiedFriendsInfoResp', { infos });
    },
  };
}
