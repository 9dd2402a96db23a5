import { requireUsers } from '@im/domain';
import { argsError, CONTENT, ERR, ImError, make } from '@im/protocol';
import { type GroupRequest, HANDLE_RESULT } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { requireRoom } from '../limits.ts';
import { newMember } from '../membership/new-member.ts';
import { requireLiveGroup } from '../permissions.ts';
import { publicUser } from '../views.ts';
import { askAboutEntrants, groupTypeText, reportsOf } from '../webhooks.ts';

/** Applicants become members at once. */
const OPEN = 2;

/** Users apply for membership, or enter open groups. */
export function joinGroupMethods(deps: GroupDeps): GroupMethods<'joinGroup'> {
  const { members, changes, memberships, requests, users, reach, notifications, webhooks } = deps;

  return {
    // The field inviterUserID names the user who joins: clients put themselves there.
    async joinGroup(ctx, { groupID, reqMessage, joinSource, inviterUserID: userID, ex }) {
      if (joinSource < 1 || joinSource > 4) throw argsError('joinSource must be 1 to 4');
      if (!ctx.opAdmin && userID !== '' && userID !== ctx.opUserID) {
        throw new ImError(ERR.NoPermissionError, 'only the user themself or an administrator may join');
      }
      await requireUsers(users, ctx, [userID]);
      const group = await requireLiveGroup(deps, ctx, groupID);
      const [present] = await members.find(ctx.tenant, groupID, [userID]);
      if (present) throw argsError('');
      const { groupType } = group;
      await webhooks.before(ctx, 'beforeApplyJoinGroup', {
        groupID,
        groupType: groupTypeText(groupType),
        applyID: userID,
        reqMessage,
        ex,
      });

      const now = Date.now();
      if (group.needVerification === OPEN) {
        await requireRoom(deps, ctx, await members.count(ctx.tenant, groupID), [userID]);
        const invited = { inviterUserID: userID, operatorUserID: ctx.opUserID };
        const asked = newMember({ groupID, userID, joinTime: now, ...invited });
        const entrants = await askAboutEntrants(webhooks, ctx, group, [asked]);
        const [member = asked] = entrants.members;
        const event = { groupID, reqMessage, joinSource, inviterUserID: userID };
        const wanted = {
          groupID,
          contentType: CONTENT.MemberEnter,
          addedUserIDs: [userID],
          sendMessage: null,
          newConversation: entrants.newConversation,
          reports: [...entrants.reports, ...reportsOf(webhooks, ctx, 'afterJoinGroup', () => event)],
        };
        const entry = await memberships.commit(ctx, wanted, (id) =>
          changes.add(ctx.tenant, groupID, [member], id),
        );
        if (entry.outcome.added.length === 0) throw argsError('');
        await entry.notify((record) => notifications.memberEntered(ctx, group, member, record));
        return make('group.JoinGroupResp');
      }

      const request: GroupRequest = {
        groupID,
        userID,
        handleResult: HANDLE_RESULT.Pending,
        reqMsg: reqMessage,
        handledMsg: '',
        reqTime: now,
        handleUserID: '',
        handledTime: 0,
        joinSource,
        inviterUserID: '',
        ex,
      };
      await requests.put(ctx.tenant, [request]);
      const leaders = (await members.leaders(ctx.tenant, groupID)).map((leader) => leader.userID);
      const applicant = publicUser(userID, await users.get(ctx.tenant, userID));
      await notifications.applied(
        ctx,
        group,
        request,
        applicant,
        await reach.filter(ctx, userID, leaders, { strangers: true }),
      );
      return make('group.JoinGroupResp');
    },
  };
}
