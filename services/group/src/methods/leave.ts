import { requireSelf } from '@im/kit';
import { CONTENT, ERR, ImError, make, ROLE } from '@im/protocol';
import { notFound } from '@im/store';
import { operatorOf, requireGroup } from '../access.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { requireMayKick } from '../rules.ts';

/** Members removed, and told of, at a time: the notification lists them with names and faces. */
const BATCH = 50;

function ownerStays(): ImError {
  return new ImError(ERR.NoPermissionError, "group owner can't quit");
}

/** Leaving, and being sent away. */
export function leaveMethods(parts: GroupParts): GroupMethods<'quitGroup' | 'kickGroupMember'> {
  const { members, changes, memberships, notices } = parts;

  return {
    async quitGroup(ctx, { groupID, userID }) {
      const leaverID = userID === '' ? ctx.opUserID : userID;
      requireSelf(ctx, leaverID);
      const group = await requireGroup(parts, ctx, groupID);
      const [leaver] = await members.find(ctx.tenant, groupID, [leaverID]);
      if (!leaver) throw notFound('member');
      if (leaver.roleLevel === ROLE.Owner) {
        throw ownerStays();
      }
      const wanted = {
        groupID,
        contentType: CONTENT.MemberQuit,
        removedUserIDs: [leaverID],
        sendMessage: null,
      };
      const quit = await memberships.commit(ctx, wanted, () =>
        changes.remove(ctx.tenant, groupID, [leaverID]),
      );
      if (quit.outcome.removed.length === 0) {
        const [now] = await members.find(ctx.tenant, groupID, [leaverID]);
        if (now?.roleLevel === ROLE.Owner) throw ownerStays();
      }
      await quit.tell((record) => notices.memberQuit(ctx, group, leaver, record));
      return make('group.QuitGroupResp');
    },
    async kickGroupMember(ctx, { groupID, kickedUserIDs, sendMessage }) {
      const group = await requireGroup(parts, ctx, groupID);
      const operator = await operatorOf(parts, ctx, groupID);
      const kicked = await members.find(ctx.tenant, groupID, kickedUserIDs);
      requireMayKick(operator, kickedUserIDs, kicked);
      for (let begin = 0; begin < kicked.length; begin += BATCH) {
        const batch = kicked.slice(begin, begin + BATCH);
        const removedUserIDs = batch.map(({ userID }) => userID);
        const wanted = { groupID, contentType: CONTENT.MemberKicked, removedUserIDs, sendMessage };
        const kick = await memberships.commit(ctx, wanted, () =>
          changes.remove(ctx.tenant, groupID, removedUserIDs),
        );
        const gone = batch.filter(({ userID }) => kick.outcome.removed.includes(userID));
        await kick.tell((record) => notices.membersKicked(ctx, group, gone, record));
      }
      return make('group.KickGroupMemberResp');
    },
  };
}
