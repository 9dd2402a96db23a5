import type { CallContext } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { UserParts } from './parts.ts';

/** Checks that the tenant may have `more` users. @throws ImError 1002. */
export async function requireRoom(
  { users, tenants }: Pick<UserParts, 'users' | 'tenants'>,
  ctx: CallContext,
  more: number,
): Promise<void> {
  const most = tenants.get(ctx.tenant)?.quotas.users ?? 0;
  if (most > 0 && (await users.count(ctx.tenant)) + more > most) {
    throw new ImError(ERR.NoPermissionError, `quotas.users: the tenant may have ${most} users`);
  }
}
