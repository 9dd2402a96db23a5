import type { CallContext } from '@im/kit';
import { CONTENT, make } from '@im/protocol';
import type { Group, GroupMember, VersionStamp } from '@im/store';
import { type NoticeParts, sceneOf, toGroup, toGroupSurely, versionOf } from './scene.ts';

/** The kinds of change that 1516-1518 tell about. */
export type MemberInfoNotice = 'info' | 'toAdmin' | 'toOrdinary';

const MEMBER_INFO_CONTENT = {
  info: CONTENT.GroupMemberInfoSet,
  toAdmin: CONTENT.GroupMemberSetToAdmin,
  toOrdinary: CONTENT.GroupMemberSetToOrdinary,
} as const satisfies Record<MemberInfoNotice, number>;

/** Notifications about members who stay: 1507, 1512, 1513, 1516-1518. */
export function memberNotices(parts: NoticeParts) {
  const { views } = parts;

  return {
    /** 1507. @param changeID names the transfer. @throws ImError when the log has not taken it in time. */
    async ownerTransferred(
      ctx: CallContext,
      group: Group,
      newOwner: GroupMember,
      oldOwner: GroupMember,
      stamp: VersionStamp,
      changeID: string,
    ) {
      const scene = await sceneOf(parts, ctx, group);
      const [newGroupOwner = null, oldGroupOwnerInfo = null] = await views.members(ctx.tenant, [
        newOwner,
        oldOwner,
      ]);
      const tips = make('sdkws.GroupOwnerTransferredTips', {
        ...scene,
        newGroupOwner,
        oldGroupOwnerInfo,
        ...versionOf(stamp),
      });
      const name = 'sdkws.GroupOwnerTransferredTips';
      await toGroupSurely(parts, ctx, scene, CONTENT.GroupOwnerTransferred, name, tips, changeID);
    },
    /** 1512. */
    async memberMuted(
      ctx: CallContext,
      group: Group,
      member: GroupMember,
      mutedSeconds: number,
      stamp: VersionStamp,
    ) {
      const scene = await sceneOf(parts, ctx, group);
      const mutedUser = await views.member(ctx.tenant, member);
      const tips = make('sdkws.GroupMemberMutedTips', {
        ...scene,
        mutedUser,
        mutedSeconds,
        ...versionOf(stamp),
      });
      await toGroup(parts, ctx, scene, CONTENT.GroupMemberMuted, 'sdkws.GroupMemberMutedTips', tips);
    },
    /** 1513. */
    async memberUnmuted(ctx: CallContext, group: Group, member: GroupMember, stamp: VersionStamp) {
      const scene = await sceneOf(parts, ctx, group);
      const mutedUser = await views.member(ctx.tenant, member);
      const tips = make('sdkws.GroupMemberCancelMutedTips', { ...scene, mutedUser, ...versionOf(stamp) });
      const name = 'sdkws.GroupMemberCancelMutedTips';
      await toGroup(parts, ctx, scene, CONTENT.GroupMemberCancelMuted, name, tips);
    },
    /** 1516, 1517 or 1518. */
    async memberInfoSet(
      ctx: CallContext,
      notice: MemberInfoNotice,
      group: Group,
      member: GroupMember,
      stamp: VersionStamp,
      groupSortVersion: number,
    ) {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.GroupMemberInfoSetTips', {
        ...scene,
        changedUser: await views.member(ctx.tenant, member),
        ...versionOf(stamp),
        groupSortVersion,
      });
      await toGroup(parts, ctx, scene, MEMBER_INFO_CONTENT[notice], 'sdkws.GroupMemberInfoSetTips', tips);
    },
  };
}
