import type { CallContext } from '@im/kit';
import { CONTENT, make } from '@im/protocol';
import type { Group, GroupMember } from '@im/store';
import {
  type MembershipRecord,
  type NoticeParts,
  type Scene,
  sceneOf,
  toMembers,
  versionOf,
} from './scene.ts';

/** Members listed in the notification of a new group; clients read the others. */
const MAX_LISTED = 200;

/**
 * Notifications that change who is a member, at their place in the message log: 1501, 1504, 1508-1511. They reject when
 * they cannot be rendered or the log does not take them in time.
 */
export function membershipNotices(parts: NoticeParts) {
  const { views } = parts;

  return {
    /** 1501. The list of members ends with whoever made the group, as clients know it. */
    async groupCreated(
      ctx: CallContext,
      group: Group,
      members: readonly GroupMember[],
      record: MembershipRecord,
    ): Promise<void> {
      const scene = await sceneOf(parts, ctx, group);
      const at = members.findIndex(({ userID }) => userID === ctx.opUserID);
      const listed = members.slice(0, Math.min(at < 0 ? members.length : at + 1, MAX_LISTED));
      const memberList = await views.members(ctx.tenant, listed);
      const tips = make('sdkws.GroupCreatedTips', {
        ...scene,
        memberList,
        operationTime: group.createTime,
        groupOwnerUser: memberList[0] ?? null,
        ...versionOf(record.stamp),
      });
      await toMembers(parts, ctx, scene, CONTENT.GroupCreated, 'sdkws.GroupCreatedTips', tips, record);
    },
    /** 1509. */
    async membersInvited(
      ctx: CallContext,
      group: Group,
      invited: readonly GroupMember[],
      record: MembershipRecord,
    ): Promise<void> {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.MemberInvitedTips', {
        ...scene,
        invitedUserList: await views.members(ctx.tenant, invited),
        inviterUser: scene.opUser,
        ...versionOf(record.stamp),
      });
      await toMembers(parts, ctx, scene, CONTENT.MemberInvited, 'sdkws.MemberInvitedTips', tips, record);
    },
    /** 1510. */
    async memberEntered(
      ctx: CallContext,
      group: Group,
      member: GroupMember,
      record: MembershipRecord,
    ): Promise<void> {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.MemberEnterTips', {
        group: scene.group,
        entrantUser: await views.member(ctx.tenant, member),
        operationTime: Date.now(),
        ...versionOf(record.stamp),
      });
      await toMembers(parts, ctx, scene, CONTENT.MemberEnter, 'sdkws.MemberEnterTips', tips, record);
    },
    /** 1504. */
    async memberQuit(
      ctx: CallContext,
      group: Group,
      leaver: GroupMember,
      record: MembershipRecord,
    ): Promise<void> {
      const scene = await sceneOf(parts, ctx, group, leaver);
      const tips = make('sdkws.MemberQuitTips', {
        group: scene.group,
        quitUser: await views.member(ctx.tenant, leaver),
        ...versionOf(record.stamp),
      });
      await toMembers(parts, ctx, scene, CONTENT.MemberQuit, 'sdkws.MemberQuitTips', tips, record);
    },
    /** 1508. */
    async membersKicked(
      ctx: CallContext,
      group: Group,
      kicked: readonly GroupMember[],
      record: MembershipRecord,
    ): Promise<void> {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.MemberKickedTips', {
        ...scene,
        kickedUserList: await views.members(ctx.tenant, kicked),
        ...versionOf(record.stamp),
      });
      await toMembers(parts, ctx, scene, CONTENT.MemberKicked, 'sdkws.MemberKickedTips', tips, record);
    },
    /** 1511; the members named leave with it. */
    async groupDismissed(ctx: CallContext, scene: Scene, record: MembershipRecord): Promise<void> {
      const tips = make('sdkws.GroupDismissedTips', { ...scene });
      await toMembers(parts, ctx, scene, CONTENT.GroupDismissed, 'sdkws.GroupDismissedTips', tips, record);
    },
  };
}
