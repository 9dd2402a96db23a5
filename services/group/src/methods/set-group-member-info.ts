import type { CallContext } from '@im/kit';
import { argsError, type group, make, ROLE } from '@im/protocol';
import type { Group, GroupMember } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { checkMemberTexts } from '../limits.ts';
import {
  type Operator,
  operatorOf,
  requireGroup,
  requireMaySetMember,
  requireOperatorVoice,
} from '../permissions.ts';

type SetGroupMemberInfoMethods = GroupMethods<'setGroupMemberInfo'>;

/** A wanted change, checked. */
interface Checked {
  readonly group: Group;
  readonly operator: Operator;
  readonly member: GroupMember;
  readonly wanted: group.SetGroupMemberInfo;
}

function eventOf({ groupID, userID, nickname, faceURL, roleLevel, ex }: group.SetGroupMemberInfo) {
  return { groupID, userID, nickName: nickname, faceURL, roleLevel, ex };
}

/** Names, faces, extra data and roles of members. */
export function setGroupMemberInfoMethods(deps: GroupDeps): SetGroupMemberInfoMethods {
  const { members, changes, notifications, webhooks } = deps;

  /** Checks all changes of one group before any is made. */
  async function check(
    ctx: CallContext,
    groupID: string,
    list: readonly group.SetGroupMemberInfo[],
  ): Promise<Checked[]> {
    const userIDs = list.map(({ userID }) => userID);
    if (new Set(userIDs).size !== userIDs.length) throw argsError('members has a user twice');
    const stored = await requireGroup(deps, ctx, groupID);
    const operator = await operatorOf(deps, ctx, groupID);
    const found = await members.find(ctx.tenant, groupID, userIDs);
    const byID = new Map(found.map((member) => [member.userID, member]));
    return list.map((wanted) => {
      const { userID, nickname, faceURL, ex, roleLevel } = wanted;
      checkMemberTexts({ nickname, faceURL, ex });
      const member = byID.get(userID);
      requireMaySetMember(operator, member ?? { userID, roleLevel: ROLE.Member }, roleLevel);
      if (!member) throw argsError(`not in the group: ${userID}`);
      if (nickname !== null || faceURL !== null || ex !== null) requireOperatorVoice(operator, stored);
      return { group: stored, operator, member, wanted };
    });
  }

  /** The change as the answer of a webhook has it, within what the caller may do. */
  async function replacedByHook(ctx: CallContext, checked: Checked): Promise<Checked> {
    const { operator, member, wanted } = checked;
    const reply = await webhooks.before(ctx, 'beforeSetGroupMemberInfo', eventOf(wanted));
    if (!reply) return checked;
    const {
      nickName = wanted.nickname,
      faceURL = wanted.faceURL,
      ex = wanted.ex,
      roleLevel = wanted.roleLevel,
    } = reply;
    checkMemberTexts({ nickname: nickName, faceURL, ex });
    requireMaySetMember(operator, member, roleLevel);
    const replaced = { ...wanted, nickname: nickName, faceURL, ex, roleLevel };
    return { ...checked, wanted: make('group.SetGroupMemberInfo', replaced) };
  }

  async function apply(ctx: CallContext, { group: stored, member, wanted }: Checked): Promise<void> {
    const { groupID, userID, nickname, faceURL, ex, roleLevel } = wanted;
    const set = {
      ...(nickname !== null && { nickname }),
      ...(faceURL !== null && { faceURL }),
      ...(ex !== null && { ex }),
      ...(roleLevel !== null && { roleLevel }),
    };
    const stamp = await changes.update(ctx.tenant, groupID, userID, set);
    if (!stamp) return;
    const after = { ...member, ...set };
    const sortVersion = roleLevel === null ? 0 : stamp.version;
    if (roleLevel === ROLE.Admin)
      await notifications.memberInfoSet(ctx, 'toAdmin', stored, after, stamp, sortVersion);
    if (roleLevel === ROLE.Member)
      await notifications.memberInfoSet(ctx, 'toOrdinary', stored, after, stamp, sortVersion);
    if (nickname !== null || faceURL !== null || ex !== null)
      await notifications.memberInfoSet(ctx, 'info', stored, after, stamp, sortVersion);
  }

  return {
    async setGroupMemberInfo(ctx, { members: list }) {
      const byGroup = Map.groupBy(list, ({ groupID }) => groupID);
      const checked: Checked[] = [];
      for (const [groupID, wanted] of byGroup) checked.push(...(await check(ctx, groupID, wanted)));
      const replaced: Checked[] = [];
      for (const change of checked) replaced.push(await replacedByHook(ctx, change));
      // One after the other: clients must get the versions in their order.
      for (const change of replaced) await apply(ctx, change);
      for (const { wanted } of replaced) {
        await webhooks.after(ctx, 'afterSetGroupMemberInfo', eventOf(wanted));
      }
      return make('group.SetGroupMemberInfoResp');
    },
  };
}
