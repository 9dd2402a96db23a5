import type { CallContext } from '@im/kit';
import { argsError, CONTENT, ERR, ImError, make, ROLE } from '@im/protocol';
import { type Group, type GroupMember, type GroupRequest, HANDLE_RESULT, notFound } from '@im/store';
import { operatorOf, requireLiveGroup } from '../access.ts';
import { requireRoom } from '../limits.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { requireLeader } from '../rules.ts';

/** The answer to who wants in. */
export function answerApplicationMethods(parts: GroupParts): GroupMethods<'groupApplicationResponse'> {
  const { members, changes, memberships, requests, notices } = parts;

  /** Lets the applicant in. @returns how to tell the group; undefined when he was in already. */
  async function admit(
    ctx: CallContext,
    group: Group,
    request: GroupRequest,
  ): Promise<(() => Promise<void>) | undefined> {
    const { groupID, userID } = request;
    const [present] = await members.find(ctx.tenant, groupID, [userID]);
    if (present) return undefined;
    await requireRoom(parts, ctx, await members.count(ctx.tenant, groupID), [userID]);
    const member: GroupMember = {
      groupID,
      userID,
      nickname: '',
      faceURL: '',
      roleLevel: ROLE.Member,
      joinTime: Date.now(),
      joinSource: request.joinSource,
      inviterUserID: request.inviterUserID,
      operatorUserID: ctx.opUserID,
      muteEndTime: 0,
      ex: request.ex,
    };
    const invited = request.inviterUserID !== '';
    const contentType = invited ? CONTENT.MemberInvited : CONTENT.MemberEnter;
    const wanted = { groupID, contentType, addedUserIDs: [userID], sendMessage: null };
    const entry = await memberships.commit(ctx, wanted, (id) =>
      changes.add(ctx.tenant, groupID, [member], id),
    );
    if (entry.outcome.added.length === 0) return undefined;
    return () =>
      entry.tell((record) =>
        invited
          ? notices.membersInvited(ctx, group, [member], record)
          : notices.memberEntered(ctx, group, member, record),
      );
  }

  return {
    async groupApplicationResponse(ctx, { groupID, fromUserID, handledMsg, handleResult }) {
      const agreed = handleResult === HANDLE_RESULT.Agree;
      if (!agreed && handleResult !== HANDLE_RESULT.Refuse) throw argsError('handleResult must be 1 or -1');
      requireLeader(await operatorOf(parts, ctx, groupID));
      const group = await requireLiveGroup(parts, ctx, groupID);
      const [request] = await requests.find(ctx.tenant, groupID, [fromUserID]);
      if (!request) throw notFound('group request');
      const handled = new ImError(ERR.GroupRequestHandled);
      if (request.handleResult !== HANDLE_RESULT.Pending) throw handled;

      // The member before the request: after a crash in between, the request can be answered again.
      const tellGroup = agreed ? await admit(ctx, group, request) : undefined;
      const answered = await requests.answer(ctx.tenant, groupID, fromUserID, {
        handleResult,
        handledMsg,
        handleUserID: ctx.opUserID,
        handledTime: Date.now(),
      });
      if (answered) {
        const leaders = await members.leaders(ctx.tenant, groupID);
        const leaderIDs = leaders.map(({ userID }) => userID);
        await notices.answered(ctx, agreed, group, answered, { applicantID: fromUserID, leaderIDs });
      }
      if (tellGroup) await tellGroup();
      if (!answered) throw handled;
      return make('group.GroupApplicationResponseResp');
    },
  };
}
