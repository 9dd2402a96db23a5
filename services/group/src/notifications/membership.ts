import type { CallContext } from '@im/kit';
import { argsError, CONTENT, make } from '@im/protocol';
import type { Group, GroupMember } from '@im/store';
import {
  appendMembership,
  type GroupSnapshot,
  type MembershipRecord,
  type NotificationDeps,
  snapshotOf,
  versionOf,
} from './send.ts';

/** Members listed in the notification of a new group; clients read the others. */
const MAX_LISTED = 200;

/**
 * Notifications that change who is a member, at their place in the message log. They reject when they cannot be
 * rendered or the log does not take them in time.
 */
export function membershipNotifications(deps: NotificationDeps) {
  const { views } = deps;

  return {
    /** The list of members ends with the user who created the group, as clients know it. */
    async groupCreated(
      ctx: CallContext,
      group: Group,
      members: readonly GroupMember[],
      record: MembershipRecord,
    ): Promise<void> {
      const snapshot = await snapshotOf(deps, ctx, group);
      const at = members.findIndex(({ userID }) => userID === ctx.opUserID);
      const listed = members.slice(0, Math.min(at < 0 ? members.length : at + 1, MAX_LISTED));
      const memberList = await views.members(ctx.tenant, listed);
      const tips = make('sdkws.GroupCreatedTips', {
        ...snapshot,
        memberList,
        operationTime: group.createTime,
        groupOwnerUser: memberList[0] ?? null,
        ...versionOf(record.stamp),
      });
      await appendMembership(
        deps,
        ctx,
        snapshot,
        CONTENT.GroupCreated,
        'sdkws.GroupCreatedTips',
        tips,
        record,
      );
    },
    async membersInvited(
      ctx: CallContext,
      group: Group,
      invited: readonly GroupMember[],
      record: MembershipRecord,
    ): Promise<void> {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.MemberInvitedTips', {
        ...snapshot,
        invitedUserList: await views.members(ctx.tenant, invited),
        inviterUser: snapshot.opUser,
        ...versionOf(record.stamp),
      });
      await appendMembership(
        deps,
        ctx,
        snapshot,
        CONTENT.MemberInvited,
        'sdkws.MemberInvitedTips',
        tips,
        record,
      );
    },
    async memberEntered(
      ctx: CallContext,
      group: Group,
      member: GroupMember,
      record: MembershipRecord,
    ): Promise<void> {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.MemberEnterTips', {
        group: snapshot.group,
        entrantUser: await views.member(ctx.tenant, member),
        operationTime: Date.now(),
        ...versionOf(record.stamp),
      });
      await appendMembership(deps, ctx, snapshot, CONTENT.MemberEnter, 'sdkws.MemberEnterTips', tips, record);
    },
    async memberQuit(
      ctx: CallContext,
      group: Group,
      leaver: GroupMember,
      record: MembershipRecord,
    ): Promise<void> {
      const snapshot = await snapshotOf(deps, ctx, group, leaver);
      const tips = make('sdkws.MemberQuitTips', {
        group: snapshot.group,
        quitUser: await views.member(ctx.tenant, leaver),
        ...versionOf(record.stamp),
      });
      await appendMembership(deps, ctx, snapshot, CONTENT.MemberQuit, 'sdkws.MemberQuitTips', tips, record);
    },
    async membersKicked(
      ctx: CallContext,
      group: Group,
      kicked: readonly GroupMember[],
      record: MembershipRecord,
    ): Promise<void> {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.MemberKickedTips', {
        ...snapshot,
        kickedUserList: await views.members(ctx.tenant, kicked),
        ...versionOf(record.stamp),
      });
      await appendMembership(
        deps,
        ctx,
        snapshot,
        CONTENT.MemberKicked,
        'sdkws.MemberKickedTips',
        tips,
        record,
      );
    },
    /** The members named in the record leave with it. */
    async groupDismissed(ctx: CallContext, snapshot: GroupSnapshot, record: MembershipRecord): Promise<void> {
      const tips = make('sdkws.GroupDismissedTips', { ...snapshot });
      await appendMembership(
        deps,
        ctx,
        snapshot,
        CONTENT.GroupDismissed,
        'sdkws.GroupDismissedTips',
        tips,
        record,
      );
    },
  };
}

/** Users listed in a notification with ids alone. */
const MAX_BARE = 50;

/**
 * A change of membership with ids alone, for when its notification cannot be rendered: what the log, the gateways and
 * the pulls need is in the record; version 0 makes clients read names and versions from the server.
 * @throws ImError when the log has not taken it in time; 1001 for a content type that is no change of membership.
 */
export function bareMembershipNotification(
  deps: NotificationDeps,
  ctx: CallContext,
  groupID: string,
  contentType: number,
  record: MembershipRecord,
): Promise<void> {
  const group = make('sdkws.GroupInfo', { groupID });
  const memberOf = (userID: string) => make('sdkws.GroupMemberFullInfo', { groupID, userID });
  const opUser = memberOf(ctx.opUserID);
  const added = record.added.slice(0, MAX_BARE).map(memberOf);
  const removed = record.removed.slice(0, MAX_BARE).map(memberOf);
  const head = { group, opUser };
  const snapshot = { group };
  switch (contentType) {
    case CONTENT.GroupCreated: {
      const tips = make('sdkws.GroupCreatedTips', { ...head, memberList: added });
      return appendMembership(deps, ctx, snapshot, contentType, 'sdkws.GroupCreatedTips', tips, record);
    }
    case CONTENT.MemberQuit: {
      const tips = make('sdkws.MemberQuitTips', { group, quitUser: removed[0] ?? null });
      return appendMembership(deps, ctx, snapshot, contentType, 'sdkws.MemberQuitTips', tips, record);
    }
    case CONTENT.MemberKicked: {
      const tips = make('sdkws.MemberKickedTips', { ...head, kickedUserList: removed });
      return appendMembership(deps, ctx, snapshot, contentType, 'sdkws.MemberKickedTips', tips, record);
    }
    case CONTENT.MemberInvited: {
      const tips = make('sdkws.MemberInvitedTips', { ...head, inviterUser: opUser, invitedUserList: added });
      return appendMembership(deps, ctx, snapshot, contentType, 'sdkws.MemberInvitedTips', tips, record);
    }
    case CONTENT.MemberEnter: {
      const tips = make('sdkws.MemberEnterTips', { group, entrantUser: added[0] ?? null });
      return appendMembership(deps, ctx, snapshot, contentType, 'sdkws.MemberEnterTips', tips, record);
    }
    case CONTENT.GroupDismissed: {
      const tips = make('sdkws.GroupDismissedTips', head);
      return appendMembership(deps, ctx, snapshot, contentType, 'sdkws.GroupDismissedTips', tips, record);
    }
    default:
      throw argsError(`content type ${contentType} is no change of membership`);
  }
}
