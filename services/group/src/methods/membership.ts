import { requireSelf } from '@im/kit';
import { make } from '@im/protocol';
import type { GroupMethods, GroupParts } from '../parts.ts';

/** What gateways ask to know whom a group's messages go to; always the truth, never a copy. */
export function membershipMethods({
  members,
}: GroupParts): GroupMethods<'getJoinedGroupIDs' | 'getMembership'> {
  return {
    async getJoinedGroupIDs(ctx, { userID }) {
      requireSelf(ctx, userID);
      // As below, the versions first; those of groups that the user is in since are not known then.
      const before = await members.joinedGroupIDs(ctx.tenant, userID);
      const versions = await members.memberVersions.current(ctx.tenant, before);
      const groupIDs = (await members.joined(ctx.tenant, userID)).map(({ groupID }) => groupID);
      const memberVersions = groupIDs.map((groupID) => versions.get(groupID) ?? 0);
      return make('group.GetJoinedGroupIDsResp', { groupIDs, memberVersions });
    },
    async getMembership(ctx, { groupID, userIDs, sinceVersion }) {
      // The version first: members read after it are at least as new.
      const since = await members.memberVersions.since(ctx.tenant, groupID, sinceVersion);
      const { version, full } = since;
      const changed = sinceVersion > 0 && !full ? since.changedUserIDs : [];
      const found = await members.find(ctx.tenant, groupID, [...new Set([...userIDs, ...changed])]);
      return make('group.GetMembershipResp', {
        memberUserIDs: found.map(({ userID }) => userID),
        memberVersion: version,
        changedUserIDs: [...changed],
        full: sinceVersion > 0 && full,
      });
    },
  };
}
