import { requireSelf } from '@im/kit';
import { CONTENT, ERR, ImError, make, ROLE } from '@im/protocol';
import { notFound } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { operatorOf, requireGroup, requireMayKick } from '../permissions.ts';
import { reportsOf } from '../webhooks.ts';

type QuitAndKickMethods = GroupMethods<'quitGroup' | 'kickGroupMember'>;

/** Members removed with one notification, which lists them with names and faces. */
const BATCH = 50;

function ownerStays(): ImError {
  return new ImError(ERR.NoPermissionError, "group owner can't quit");
}

/** Members leave, or are removed. */
export function quitAndKickMethods(deps: GroupDeps): QuitAndKickMethods {
  const { members, changes, memberships, notifications, webhooks } = deps;

  return {
    async quitGroup(ctx, { groupID, userID }) {
      const leaverID = userID === '' ? ctx.opUserID : userID;
      requireSelf(ctx, leaverID);
      const group = await requireGroup(deps, ctx, groupID);
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
        reports: reportsOf(webhooks, ctx, 'afterQuitGroup', () => ({ groupID, userID: leaverID })),
      };
      const quit = await memberships.commit(ctx, wanted, () =>
        changes.remove(ctx.tenant, groupID, [leaverID]),
      );
      if (quit.outcome.removed.length === 0) {
        const [now] = await members.find(ctx.tenant, groupID, [leaverID]);
        if (now?.roleLevel === ROLE.Owner) throw ownerStays();
      }
      await quit.notify((record) => notifications.memberQuit(ctx, group, leaver, record));
      return make('group.QuitGroupResp');
    },
    async kickGroupMember(ctx, { groupID, kickedUserIDs, reason, sendMessage }) {
      const group = await requireGroup(deps, ctx, groupID);
      const operator = await operatorOf(deps, ctx, groupID);
      const kicked = await members.find(ctx.tenant, groupID, kickedUserIDs);
      requireMayKick(operator, kickedUserIDs, kicked);
      for (let begin = 0; begin < kicked.length; begin += BATCH) {
        const batch = kicked.slice(begin, begin + BATCH);
        const removedUserIDs = batch.map(({ userID }) => userID);
        const event = { groupID, kickedUserIDs: removedUserIDs, reason };
        const wanted = {
          groupID,
          contentType: CONTENT.MemberKicked,
          removedUserIDs,
          sendMessage,
          reports: reportsOf(webhooks, ctx, 'afterKickGroupMember', () => event),
        };
        const kick = await memberships.commit(ctx, wanted, () =>
          changes.remove(ctx.tenant, groupID, removedUserIDs),
        );
        const gone = batch.filter(({ userID }) => kick.outcome.removed.includes(userID));
        await kick.notify((record) => notifications.membersKicked(ctx, group, gone, record));
      }
      return make('group.KickGroupMemberResp');
    },
  };
}
