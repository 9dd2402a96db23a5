import { pageRange, requireSelf } from '@im/kit';
import { ERR, ImError, make, matchesIdHash } from '@im/protocol';
import type { RelationDeps, RelationMethods } from '../deps.ts';
import { blackInfo, friendInfo } from '../views.ts';

type GetFriendsMethods = RelationMethods<
  | 'getPaginationFriends'
  | 'getDesignatedFriends'
  | 'getFriendIDs'
  | 'isFriend'
  | 'getSpecifiedFriendsInfo'
  | 'getIncrementalFriends'
  | 'getFullFriendUserIDs'
>;

/** Who is a friend of whom, and what changed in a list since a client last asked: docs/protocol/sync.md. */
export function getFriendsMethods(deps: RelationDeps): GetFriendsMethods {
  const { friends, blacks, users } = deps;

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
    async getIncrementalFriends(ctx, { userID, versionID, version }) {
      requireSelf(ctx, userID);
      const delta = await friends.versions.since(ctx.tenant, userID, { versionID, version });
      const ids = [...delta.insert, ...delta.update];
      const [list, profiles] = await Promise.all([
        ids.length === 0 ? [] : friends.find(ctx.tenant, userID, ids),
        users.getMany(ctx.tenant, ids),
      ]);
      const infos = new Map(list.map((f) => [f.friendUserID, friendInfo(f, 'seconds', profiles)]));
      return make('relation.GetIncrementalFriendsResp', {
        ...delta.stamp,
        full: delta.full,
        delete: [...delta.delete],
        insert: delta.insert.flatMap((id) => infos.get(id) ?? []),
        update: delta.update.flatMap((id) => infos.get(id) ?? []),
        sortVersion: delta.sortVersion,
      });
    },
    async getFullFriendUserIDs(ctx, { userID, idHash: known }) {
      requireSelf(ctx, userID);
      const stamp = await friends.versions.stamp(ctx.tenant, userID);
      const userIDs = await friends.ids(ctx.tenant, userID);
      const equal = matchesIdHash(known, userIDs);
      return make('relation.GetFullFriendUserIDsResp', {
        ...stamp,
        equal,
        userIDs: equal ? [] : userIDs,
      });
    },
  };
}
