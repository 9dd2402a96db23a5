import { eachLimited } from '@im/kit';
import { make } from '@im/protocol';
import type { GroupDeps, GroupMethods } from '../deps.ts';

type UserProfileChangedMethods = GroupMethods<'userProfileChanged'>;

const GROUPS_AT_ONCE = 10;

/** What follows from a changed nickname or face. */
export function userProfileChangedMethods(deps: GroupDeps): UserProfileChangedMethods {
  const { groups, members, changes, notifications } = deps;

  return {
    async userProfileChanged(ctx, { userID }) {
      const groupIDs = await members.profileGroupIDs(ctx.tenant, userID);
      const found = await groups.getMany(ctx.tenant, groupIDs);
      await eachLimited(groupIDs, GROUPS_AT_ONCE, async (groupID) => {
        const stamp = await changes.touch(ctx.tenant, groupID, userID);
        const group = found.get(groupID);
        const [member] = await members.find(ctx.tenant, groupID, [userID]);
        if (group && member) await notifications.memberInfoSet(ctx, 'info', group, member, stamp, 0);
      });
      return make('group.UserProfileChangedResp');
    },
  };
}
