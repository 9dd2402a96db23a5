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
      const joined = await members.joined(ctx.tenant, userID);
      return make('group.GetJoinedGroupIDsResp', { groupIDs: joined.map(({ groupID }) => groupID) });
    },
    async getMembership(ctx, { groupID, userIDs }) {
      // The version first: members read after it are at least as new.
      const { version } = await members.versions.stamp(ctx.tenant, groupID);
      const found = await members.find(ctx.tenant, groupID, userIDs);
      return make('group.GetMembershipResp', {
        memberUserIDs: found.map(({ userID }) => userID),
        memberVersion: version,
      });
    },
  };
}
