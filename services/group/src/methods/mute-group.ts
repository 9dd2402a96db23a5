import type { CallContext } from '@im/kit';
import { argsError, GROUP_STATUS, make } from '@im/protocol';
import { type Group, type GroupMember, INFO_ENTRY, notFound, type VersionStamp } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import {
  dismissed,
  operatorOf,
  requireGroup,
  requireLeader,
  requireLiveGroup,
  requireMayMute,
} from '../permissions.ts';

type MuteGroupMethods = GroupMethods<
  'muteGroupMember' | 'cancelMuteGroupMember' | 'muteGroup' | 'cancelMuteGroup'
>;

/** Mutes one member, or all plain members. */
export function muteGroupMethods(deps: GroupDeps): MuteGroupMethods {
  const { groups, members, changes, notifications } = deps;

  async function setMuteEnd(
    ctx: CallContext,
    groupID: string,
    userID: string,
    muteEndTime: number,
  ): Promise<{ group: Group; member: GroupMember; stamp: VersionStamp }> {
    const group = await requireGroup(deps, ctx, groupID);
    const [target] = await members.find(ctx.tenant, groupID, [userID]);
    if (!target) throw notFound('member');
    requireMayMute(await operatorOf(deps, ctx, groupID), target);
    const stamp = await changes.update(ctx.tenant, groupID, userID, { muteEndTime });
    if (!stamp) throw notFound('member');
    return { group, member: { ...target, muteEndTime }, stamp };
  }
  async function setStatus(
    ctx: CallContext,
    groupID: string,
    status: number,
  ): Promise<{ group: Group; stamp: VersionStamp }> {
    requireLeader(await operatorOf(deps, ctx, groupID));
    await requireLiveGroup(deps, ctx, groupID);
    const group = await groups.update(ctx.tenant, groupID, { status });
    if (!group) throw dismissed();
    return { group, stamp: await changes.touch(ctx.tenant, groupID, INFO_ENTRY) };
  }

  return {
    async muteGroupMember(ctx, { groupID, userID, mutedSeconds }) {
      if (mutedSeconds === 0) throw argsError('mutedSeconds is empty');
      const end = Date.now() + mutedSeconds * 1_000;
      const { group, member, stamp } = await setMuteEnd(ctx, groupID, userID, end);
      await notifications.memberMuted(ctx, group, member, mutedSeconds, stamp);
      return make('group.MuteGroupMemberResp');
    },
    async cancelMuteGroupMember(ctx, { groupID, userID }) {
      const { group, member, stamp } = await setMuteEnd(ctx, groupID, userID, 0);
      await notifications.memberUnmuted(ctx, group, member, stamp);
      return make('group.CancelMuteGroupMemberResp');
    },
    async muteGroup(ctx, { groupID }) {
      const { group, stamp } = await setStatus(ctx, groupID, GROUP_STATUS.Muted);
      await notifications.groupMuted(ctx, group, stamp);
      return make('group.MuteGroupResp');
    },
    async cancelMuteGroup(ctx, { groupID }) {
      const { group, stamp } = await setStatus(ctx, groupID, GROUP_STATUS.Ok);
      await notifications.groupUnmuted(ctx, group, stamp);
      return make('group.CancelMuteGroupResp');
    },
  };
}
