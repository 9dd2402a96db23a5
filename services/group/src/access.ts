import type { CallContext } from '@im/kit';
import { ERR, GROUP_STATUS, ImError } from '@im/protocol';
import { type Group, notFound } from '@im/store';
import type { GroupParts } from './parts.ts';
import type { Operator } from './rules.ts';

/** The error for what needs a living group. */
export function dismissed(): ImError {
  return new ImError(ERR.DismissedAlreadyError);
}

/** The group as it is now, dismissed ones too. @throws ImError 1004. */
export async function requireGroup(
  { groups }: Pick<GroupParts, 'groups'>,
  ctx: CallContext,
  groupID: string,
): Promise<Group> {
  const group = await groups.find(ctx.tenant, groupID);
  if (!group) throw notFound('group');
  return group;
}

/** The group as it is now. @throws ImError 1004, or 1204 for a dismissed one. */
export async function requireLiveGroup(
  parts: Pick<GroupParts, 'groups'>,
  ctx: CallContext,
  groupID: string,
): Promise<Group> {
  const group = await requireGroup(parts, ctx, groupID);
  if (group.status === GROUP_STATUS.Dismissed) throw dismissed();
  return group;
}

/** Who asks, with his membership as it is now. */
export async function operatorOf(
  { members }: Pick<GroupParts, 'members'>,
  ctx: CallContext,
  groupID: string,
): Promise<Operator> {
  const [member] = ctx.opUserID === '' ? [] : await members.find(ctx.tenant, groupID, [ctx.opUserID]);
  return { userID: ctx.opUserID, admin: ctx.opAdmin, member };
}

/** All of these users must be registered. @throws ImError with this code that names those who are not. */
export async function requireUsers(
  { users }: Pick<GroupParts, 'users'>,
  ctx: CallContext,
  userIDs: readonly string[],
  code: typeof ERR.RecordNotFoundError | typeof ERR.UserIDNotFoundError = ERR.RecordNotFoundError,
): Promise<void> {
  const missing = await users.missing(ctx.tenant, [...new Set(userIDs)]);
  if (missing.length > 0) {
    throw new ImError(code, `no such user, userIDs=${missing.slice(0, 10).join(',')}`);
  }
}
