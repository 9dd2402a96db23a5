import type { CallContext } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { UserRepo } from '@im/store';

/** All of these users must be registered. @throws ImError 1004 that names those who are not. */
export async function requireUsers(
  users: UserRepo,
  ctx: CallContext,
  userIDs: readonly string[],
): Promise<void> {
  const missing = await users.missing(ctx.tenant, [...new Set(userIDs)]);
  if (missing.length > 0) {
    throw new ImError(ERR.RecordNotFoundError, `no such user, userIDs=${missing.slice(0, 10).join(',')}`);
  }
}
