import { requireSelf } from '@im/kit';
import { make, matchesIdHash } from '@im/protocol';
import type { RelationMethods, RelationParts } from '../parts.ts';
import { friendInfo } from '../present.ts';

/** What changed in one's list since a client looked last, docs/protocol/sync.md. */
export function syncFriendMethods({
  friends,
  users,
}: RelationParts): RelationMethods<'getIncrementalFriends' | 'getFullFriendUserIDs'> {
  return {
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
