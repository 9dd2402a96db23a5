import { argsError, CONTENT, ERR, ImError, make, ROLE } from '@im/protocol';
import { type GroupMember, type GroupRequest, HANDLE_RESULT } from '@im/store';
import { requireLiveGroup, requireUsers } from '../access.ts';
import { requireRoom } from '../limits.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { publicUser } from '../views.ts';

/** Whoever asks is let in at once. */
const OPEN = 2;

/** Asking to be let in, and walking into open groups. */
export function joinGroupMethods(parts: GroupParts): GroupMethods<'joinGroup'> {
  const { members, changes, memberships, requests, users, reach, notices } = parts;

  return {
    // The field inviterUserID names the user who joins: clients put themselves there.
    async joinGroup(ctx, { groupID, reqMessage, joinSource, inviterUserID: userID, ex }) {
      if (joinSource < 1 || joinSource > 4) throw argsError('joinSource must be 1 to 4');
      if (!ctx.opAdmin && userID !== '' && userID !== ctx.opUserID) {
        throw new ImError(ERR.NoPermissionError, 'nobody joins on behalf of somebody else');
      }
      await requireUsers(parts, ctx, [userID]);
      const group = await requireLiveGroup(parts, ctx, groupID);
      const [present] = await members.find(ctx.tenant, groupID, [userID]);
      if (present) throw argsError('');

      const now = Date.now();
      if (group.needVerification === OPEN) {
        await requireRoom(parts, ctx, await members.count(ctx.tenant, groupID), [userID]);
        const member: GroupMember = {
          groupID,
          userID,
          nickname: '',
          faceURL: '',
          roleLevel: ROLE.Member,
          joinTime: now,
          joinSource: 0,
          inviterUserID: userID,
          operatorUserID: ctx.opUserID,
          muteEndTime: 0,
          ex: '',
        };
        const wanted = {
          groupID,
          contentType: CONTENT.MemberEnter,
          addedUserIDs: [userID],
          sendMessage: null,
        };
        const entry = await memberships.commit(ctx, wanted, (id) =>
          changes.add(ctx.tenant, groupID, [member], id),
        );
        if (entry.outcome.added.length === 0) throw argsError('');
        await entry.tell((record) => notices.memberEntered(ctx, group, member, record));
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
      await notices.applied(
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
