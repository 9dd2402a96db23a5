import type { CallContext } from '@im/kit';
import { CONTENT, make } from '@im/protocol';
import type { Group, GroupMember, VersionStamp } from '@im/store';
import { appendToGroup, type NotificationDeps, snapshotOf, toGroup, versionOf } from './send.ts';

/** Changes of a member's info, which differ in content type. */
export type MemberInfoChange = 'info' | 'toAdmin' | 'toOrdinary';

const MEMBER_INFO_CONTENT = {
  info: CONTENT.GroupMemberInfoSet,
  toAdmin: CONTENT.GroupMemberSetToAdmin,
  toOrdinary: CONTENT.GroupMemberSetToOrdinary,
} as const satisfies Record<MemberInfoChange, number>;

/** Notifications about members who stay. */
export function memberNotifications(deps: NotificationDeps) {
  const { views } = deps;

  return {
    /** @param changeID id of the transfer. @throws ImError when the log has not taken it in time. */
    async ownerTransferred(
      ctx: CallContext,
      group: Group,
      newOwner: GroupMember,
      oldOwner: GroupMember,
      stamp: VersionStamp,
      changeID: string,
    ) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const [newGroupOwner = null, oldGroupOwnerInfo = null] = await views.members(ctx.tenant, [
        newOwner,
        oldOwner,
      ]);
      const tips = make('sdkws.GroupOwnerTransferredTips', {
        ...snapshot,
        newGroupOwner,
        oldGroupOwnerInfo,
        ...versionOf(stamp),
      });
      const name = 'sdkws.GroupOwnerTransferredTips';
      await appendToGroup(deps, ctx, snapshot, CONTENT.GroupOwnerTransferred, name, tips, changeID);
    },
    async memberMuted(
      ctx: CallContext,
      group: Group,
      member: GroupMember,
      mutedSeconds: number,
      stamp: VersionStamp,
    ) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const mutedUser = await views.member(ctx.tenant, member);
      const tips = make('sdkws.GroupMemberMutedTips', {
        ...snapshot,
        mutedUser,
        mutedSeconds,
        ...versionOf(stamp),
      });
      await toGroup(deps, ctx, snapshot, CONTENT.GroupMemberMuted, 'sdkws.GroupMemberMutedTips', tips);
    },
    async memberUnmuted(ctx: CallContext, group: Group, member: GroupMember, stamp: VersionStamp) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const mutedUser = await views.member(ctx.tenant, member);
      const tips = make('sdkws.GroupMemberCancelMutedTips', { ...snapshot, mutedUser, ...versionOf(stamp) });
      const name = 'sdkws.GroupMemberCancelMutedTips';
      await toGroup(deps, ctx, snapshot, CONTENT.GroupMemberCancelMuted, name, tips);
    },
    async memberInfoSet(
      ctx: CallContext,
      change: MemberInfoChange,
      group: Group,
      member: GroupMember,
      stamp: VersionStamp,
      groupSortVersion: number,
    ) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.GroupMemberInfoSetTips', {
        ...snapshot,
        changedUser: await views.member(ctx.tenant, member),
        ...versionOf(stamp),
        groupSortVersion,
      });
      await toGroup(deps, ctx, snapshot, MEMBER_INFO_CONTENT[change], 'sdkws.GroupMemberInfoSetTips', tips);
    },
  };
}
