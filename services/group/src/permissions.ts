import { requireVoice } from '@im/domain';
import type { CallContext } from '@im/kit';
import { argsError, ERR, GROUP_STATUS, ImError, ROLE } from '@im/protocol';
import { type Group, type GroupMember, notFound } from '@im/store';
import type { GroupDeps } from './deps.ts';

/** The user who asks for a change in a group. */
export interface Operator {
  readonly userID: string;
  /** An administrator of the tenant, or the system itself: may do everything that keeps a group in order. */
  readonly admin: boolean;
  /** Their membership; undefined for who is not a member. */
  readonly member: Pick<GroupMember, 'roleLevel' | 'muteEndTime'> | undefined;
}

/** A member that a change is about. */
export type Target = Pick<GroupMember, 'userID' | 'roleLevel'>;

function noPermission(why: string): ImError {
  return new ImError(ERR.NoPermissionError, why);
}

/** True for owner and admins of the group, and for administrators. */
export function leads({ admin, member }: Operator): boolean {
  return admin || (member !== undefined && member.roleLevel >= ROLE.Admin);
}

/** Owner and admins may. @throws ImError 1002. */
export function requireLeader(operator: Operator): void {
  if (!leads(operator)) throw noPermission('only the owner and admins of the group may do this');
}

/** The owner may. @throws ImError 1002. */
export function requireOwner({ admin, member }: Operator): void {
  if (!admin && member?.roleLevel !== ROLE.Owner) throw noPermission('only the owner may do this');
}

/**
 * Muted members may not change what the group is shown either: names, announcements, invitations.
 * @throws ImError 1402, 1403.
 */
export function requireOperatorVoice({ admin, member }: Operator, group: Pick<Group, 'status'>): void {
  if (!admin && member) requireVoice(member, group);
}

/** Members may. @throws ImError 1002. */
export function requireMember({ admin, member }: Operator): void {
  if (!admin && !member) throw noPermission('only members of the group may do this');
}

/**
 * Whether these users may be removed. `members` are those of the named users that are members.
 * @throws ImError 1001 for oneself or the owner, 1101 for a user who is not a member, 1002 for too low a role.
 */
export function requireMayKick(
  operator: Operator,
  userIDs: readonly string[],
  members: readonly Target[],
): void {
  if (userIDs.includes(operator.userID)) throw argsError('opUserID is in kickedUserIDs');
  if (members.some(({ roleLevel }) => roleLevel === ROLE.Owner)) throw argsError('ownerUID can not Kick');
  const known = new Set(members.map(({ userID }) => userID));
  const missing = userIDs.filter((id) => !known.has(id));
  if (missing.length > 0) {
    throw new ImError(ERR.UserIDNotFoundError, `not in the group: ${missing.slice(0, 10).join(',')}`);
  }
  requireLeader(operator);
  if (!operator.admin && operator.member?.roleLevel === ROLE.Admin) {
    if (members.some(({ roleLevel }) => roleLevel >= ROLE.Admin)) {
      throw noPermission('an admin of the group can remove plain members only');
    }
  }
}

/** Whether the target may be muted or unmuted. @throws ImError 1002. */
export function requireMayMute({ admin, member }: Operator, target: Target): void {
  if (admin) return;
  const role = member?.roleLevel ?? 0;
  if (target.roleLevel === ROLE.Owner) throw noPermission('the owner cannot be muted');
  const least = target.roleLevel === ROLE.Admin ? ROLE.Owner : ROLE.Admin;
  if (role < least) throw noPermission('the role is too low for this member');
}

/**
 * Whether a member's info or role may be changed so. `roleLevel` is the wanted one, null to leave it.
 * @throws ImError 1002, or 1001 for a role that cannot be given.
 */
export function requireMaySetMember(operator: Operator, target: Target, roleLevel: number | null): void {
  if (roleLevel === ROLE.Owner) throw noPermission('ownership is passed on by transfer_group');
  if (roleLevel !== null && roleLevel !== ROLE.Admin && roleLevel !== ROLE.Member) {
    throw argsError('roleLevel must be 60 or 20');
  }
  // A group keeps its one owner, also when an administrator asks.
  if (roleLevel !== null && target.roleLevel === ROLE.Owner)
    throw noPermission('the owner keeps their role: pass ownership on by transfer_group');
  if (operator.admin) return;
  const role = operator.member?.roleLevel;
  if (role === undefined) throw noPermission('only members of the group may do this');
  const self = operator.userID === target.userID;
  if (self && roleLevel !== null && roleLevel > role)
    throw noPermission('members cannot raise their own role');
  if (self || role === ROLE.Owner) return;
  if (role !== ROLE.Admin || target.roleLevel !== ROLE.Member) {
    throw noPermission('the role is too low for this member');
  }
}

/** The error for what a dismissed group does not take. */
export function dismissed(): ImError {
  return new ImError(ERR.DismissedAlreadyError);
}

/** The group as it is now, dismissed ones too. @throws ImError 1004. */
export async function requireGroup(
  { groups }: Pick<GroupDeps, 'groups'>,
  ctx: CallContext,
  groupID: string,
): Promise<Group> {
  const group = await groups.find(ctx.tenant, groupID);
  if (!group) throw notFound('group');
  return group;
}

/** The group as it is now. @throws ImError 1004, or 1204 for a dismissed one. */
export async function requireLiveGroup(
  deps: Pick<GroupDeps, 'groups'>,
  ctx: CallContext,
  groupID: string,
): Promise<Group> {
  const group = await requireGroup(deps, ctx, groupID);
  if (group.status === GROUP_STATUS.Dismissed) throw dismissed();
  return group;
}

/** The caller, with their membership as it is now. */
export async function operatorOf(
  { members }: Pick<GroupDeps, 'members'>,
  ctx: CallContext,
  groupID: string,
): Promise<Operator> {
  const [member] = ctx.opUserID === '' ? [] : await members.find(ctx.tenant, groupID, [ctx.opUserID]);
  return { userID: ctx.opUserID, admin: ctx.opAdmin, member };
}
