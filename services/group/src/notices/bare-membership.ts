import type { CallContext } from '@im/kit';
import { argsError, CONTENT, make } from '@im/protocol';
import { type MembershipRecord, type NoticeParts, toMembers } from './scene.ts';

/** Users that a bare notification lists. */
const MAX_LISTED = 50;

/**
 * A change of membership with ids alone, for when its notification cannot be rendered: what the log, the gateways and
 * the pulls need is in the record; a client reads names and versions from the server, as the version 0 tells it to.
 * @throws ImError when the log has not taken it in time; 1001 for a content type that tells no change.
 */
export function bareMembershipNotice(
  parts: NoticeParts,
  ctx: CallContext,
  groupID: string,
  contentType: number,
  record: MembershipRecord,
): Promise<void> {
  const group = make('sdkws.GroupInfo', { groupID });
  const memberOf = (userID: string) => make('sdkws.GroupMemberFullInfo', { groupID, userID });
  const opUser = memberOf(ctx.opUserID);
  const added = record.added.slice(0, MAX_LISTED).map(memberOf);
  const removed = record.removed.slice(0, MAX_LISTED).map(memberOf);
  const head = { group, opUser };
  const scene = { group };
  switch (contentType) {
    case CONTENT.GroupCreated: {
      const tips = make('sdkws.GroupCreatedTips', { ...head, memberList: added });
      return toMembers(parts, ctx, scene, contentType, 'sdkws.GroupCreatedTips', tips, record);
    }
    case CONTENT.MemberQuit: {
      const tips = make('sdkws.MemberQuitTips', { group, quitUser: removed[0] ?? null });
      return toMembers(parts, ctx, scene, contentType, 'sdkws.MemberQuitTips', tips, record);
    }
    case CONTENT.MemberKicked: {
      const tips = make('sdkws.MemberKickedTips', { ...head, kickedUserList: removed });
      return toMembers(parts, ctx, scene, contentType, 'sdkws.MemberKickedTips', tips, record);
    }
    case CONTENT.MemberInvited: {
      const tips = make('sdkws.MemberInvitedTips', { ...head, inviterUser: opUser, invitedUserList: added });
      return toMembers(parts, ctx, scene, contentType, 'sdkws.MemberInvitedTips', tips, record);
    }
    case CONTENT.MemberEnter: {
      const tips = make('sdkws.MemberEnterTips', { group, entrantUser: added[0] ?? null });
      return toMembers(parts, ctx, scene, contentType, 'sdkws.MemberEnterTips', tips, record);
    }
    case CONTENT.GroupDismissed: {
      const tips = make('sdkws.GroupDismissedTips', head);
      return toMembers(parts, ctx, scene, contentType, 'sdkws.GroupDismissedTips', tips, record);
    }
    default:
      throw argsError(`content type ${contentType} tells no change of membership`);
  }
}
