import { requireSelf } from '@im/kit';
import { make, matchesIdHash } from '@im/protocol';
import type { GroupMethods, GroupParts } from '../parts.ts';

/** What changed in a user's list of groups since a client looked last, docs/protocol/sync.md. */
export function syncJoinedMethods({
  groups,
  members,
  views,
}: GroupParts): GroupMethods<'getIncrementalJoinGroup' | 'getFullJoinGroupIDs'> {
  return {
    async getIncrementalJoinGroup(ctx, { userID, versionID, version }) {
      requireSelf(ctx, userID);
      const delta = await members.joinVersions.since(ctx.tenant, userID, { versionID, version });
      const found = await groups.getMany(ctx.tenant, [...delta.insert, ...delta.update]);
      const infos = await views.groups(ctx.tenant, [...found.values()]);
      const byID = new Map(infos.map((info) => [info.groupID, info]));
      return make('group.GetIncrementalJoinGroupResp', {
        ...delta.stamp,
        full: delta.full,
        delete: [...delta.delete],
        insert: delta.insert.flatMap((id) => byID.get(id) ?? []),
        update: delta.update.flatMap((id) => byID.get(id) ?? []),
      });
    },
    async getFullJoinGroupIDs(ctx, { userID, idHash }) {
      requireSelf(ctx, userID);
      const stamp = await members.joinVersions.stamp(ctx.tenant, userID);
      const joined = await members.joined(ctx.tenant, userID);
      const groupIDs = joined.map(({ groupID }) => groupID);
      const equal = matchesIdHash(idHash, groupIDs);
      return make('group.GetFullJoinGroupIDsResp', {
        ...stamp,
        equal,
        groupIDs: equal ? [] : groupIDs,
      });
    },
  };
}
