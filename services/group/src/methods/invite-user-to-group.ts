import { NOTIFICATIONS_AT_ONCE, requireUsers } from '@im/domain';
import { type CallContext, eachLimited } from '@im/kit';
import { CONTENT, ERR, ImError, make } from '@im/protocol';
import { type Group, type GroupRequest, HANDLE_RESULT } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { requireRoom } from '../limits.ts';
import { newMember } from '../membership/new-member.ts';
import { leads, operatorOf, requireLiveGroup, requireMember, requireOperatorVoice } from '../permissions.ts';
import { publicUser } from '../views.ts';
import { askAboutEntrants } from '../webhooks.ts';

type InviteUserToGroupMethods = GroupMethods<'inviteUserToGroup'>;

/** Everyone needs approval, except those invited by the owner or an admin of the group. */
const ALL_NEED_APPROVAL = 1;
const JOIN_SOURCE_INVITATION = 2;
/** Members added with one notification, which lists them with names and faces. */
const BATCH = 50;
/** Members bring in other users. */
export function inviteUserToGroupMethods(deps: GroupDeps): InviteUserToGroupMethods {
  const { members, changes, memberships, requests, users, reach, notifications, webhooks } = deps;

  /** Applies for these users to the owner and admins, who see the inviter as the applicant. */
  async function propose(ctx: CallContext, group: Group, userIDs: readonly string[]): Promise<void> {
    const { groupID } = group;
    const reqTime = Date.now();
    const list = userIDs.map(
      (userID): GroupRequest => ({
        groupID,
        userID,
        handleResult: HANDLE_RESULT.Pending,
        reqMsg: '',
        handledMsg: '',
        reqTime,
        handleUserID: '',
        handledTime: 0,
        joinSource: JOIN_SOURCE_INVITATION,
        inviterUserID: ctx.opUserID,
        ex: '',
      }),
    );
    await requests.put(ctx.tenant, list);
    const leaders = (await members.leaders(ctx.tenant, groupID)).map(({ userID }) => userID);
    const leaderIDs = await reach.filter(ctx, ctx.opUserID, leaders, { strangers: true });
    const inviter = publicUser(ctx.opUserID, await users.get(ctx.tenant, ctx.opUserID));
    await eachLimited(list, NOTIFICATIONS_AT_ONCE, (request) =>
      notifications.applied(ctx, group, request, inviter, leaderIDs),
    );
  }

  async function add(
    ctx: CallContext,
    group: Group,
    userIDs: readonly string[],
    sendMessage: boolean | null,
  ): Promise<void> {
    const { groupID } = group;
    const asked = userIDs.map((userID) =>
      newMember({
        ...{ groupID, userID, joinSource: JOIN_SOURCE_INVITATION },
        ...{ inviterUserID: ctx.opUserID, operatorUserID: ctx.opUserID },
      }),
    );
    const entrants = await askAboutEntrants(webhooks, ctx, group, asked);
    const { newConversation } = entrants;
    for (let begin = 0; begin < userIDs.length; begin += BATCH) {
      const joinTime = Date.now();
      const batch = entrants.members.slice(begin, begin + BATCH).map((member) => ({ ...member, joinTime }));
      const addedUserIDs = batch.map(({ userID }) => userID);
      const added = { groupID, contentType: CONTENT.MemberInvited, addedUserIDs, sendMessage };
      // One report for the whole batch, as there was one question.
      const wanted = { ...added, newConversation, reports: begin === 0 ? entrants.reports : [] };
      const invitation = await memberships.commit(ctx, wanted, (id) =>
        changes.add(ctx.tenant, groupID, batch, id),
      );
      const invited = batch.filter(({ userID }) => invitation.outcome.added.includes(userID));
      await invitation.notify((record) => notifications.membersInvited(ctx, group, invited, record));
    }
  }

  return {
    async inviteUserToGroup(ctx, { groupID, reason, invitedUserIDs, sendMessage }) {
      const group = await requireLiveGroup(deps, ctx, groupID);
      const operator = await operatorOf(deps, ctx, groupID);
      requireMember(operator);
      requireOperatorVoice(operator, group);
      await webhooks.before(ctx, 'beforeInviteUserToGroup', { groupID, reason, invitedUserIDs });
      await requireUsers(users, ctx, invitedUserIDs);
      await reach.require(ctx, ctx.opUserID, invitedUserIDs, { strangers: true });
      if (group.needVerification === ALL_NEED_APPROVAL && !leads(operator)) {
        await propose(ctx, group, invitedUserIDs);
        return make('group.InviteUserToGroupResp');
      }
      const present = await members.find(ctx.tenant, groupID, invitedUserIDs);
      if (present.length > 0) {
        // OpenIM answers 500, as if it had failed itself.
        const ids = present.slice(0, 10).map(({ userID }) => userID);
        throw new ImError(
          ERR.DuplicateKeyError,
          `invitedUserIDs are in the group already: ${ids.join(',')}; invite the others`,
        );
      }
      await requireRoom(deps, ctx, await members.count(ctx.tenant, groupID), invitedUserIDs);
      await add(ctx, group, invitedUserIDs, sendMessage);
      return make('group.InviteUserToGroupResp');
    },
  };
}
