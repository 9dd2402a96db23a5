import { requireSelf } from '@im/kit';
import { ERR, ImError, make, ROLE } from '@im/protocol';
import { notFound } from '@im/store';
import { operatorOf, requireGroup } from '../access.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { requireMayKick } from '../rules.ts';

/** Members removed, and told of, at a time: the notification lists them with names and faces. */
const BATCH = 50;

/** Leaving, and being sent away. */
export function leaveMethods(parts: GroupParts): GroupMethods<'quitGroup' | 'kickGroupMember'> {
  const { members, changes, notices } = parts;

  return {
    async quitGroup(ctx, { groupID, userID }) {
      const leaverID = userID === '' ? ctx.opUserID : userID;
      requireSelf(ctx, leaverID);
      const group = await requireGroup(parts, ctx, groupID);
      const [leaver] = await members.find(ctx.tenant, groupID, [leaverID]);
      if (!leaver) throw notFound('member');
      if (leaver.roleLevel === ROLE.Owner) {
        throw new ImError(ERR.NoPermissionError, "group owner can't quit");
      }
      const stamp = await changes.remove(ctx.tenant, groupID, [leaverID]);
      await notices.memberQuit(ctx, group, leaver, stamp);
      return make('group.QuitGroupResp');
    },
    async kickGroupMember(ctx, { groupID, kickedUserIDs, sendMessage }) {
      const group = await requireGroup(parts, ctx, groupID);
      const operator = await operatorOf(parts, ctx, groupID);
      const kicked = await members.find(ctx.tenant, groupID, kickedUserIDs);
      requireMayKick(operator, kickedUserIDs, kicked);
      for (let begin = 0; begin < kicked.length; begin += BATCH) {
        const batch = kicked.slice(begin, begin + BATCH);
        const stamp = await changes.remove(
          ctx.tenant,
          groupID,
          batch.map(({ userID }) => userID),
        );
        await notices.membersKicked(ctx, group, batch, stamp, sendMessage);
      }
      return make('group.KickGroupMemberResp');
    },
  };
}
