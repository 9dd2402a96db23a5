import type { CallContext } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { UserRepo } from '@im/store';

/** Most ids that an error names. */
const MAX_NAMED = 10;

/**
 * All of these users must be registered.
 * @param code of the error, `RecordNotFoundError` or `UserIDNotFoundError` by method.
 * @throws ImError with this code that names those who are not.
 */
export async function requireUsers(
  users: Pick<UserRepo, 'missing'>,
  ctx: CallContext,
  userIDs: readonly string[],
  code: typeof ERR.RecordNotFoundError | typeof ERR.UserIDNotFoundError = ERR.RecordNotFoundError,
): Promise<void> {
  const missing = await users.missing(ctx.tenant, [...new Set(userIDs)]);
  if (missing.length > 0) {
    throw new ImError(code, `no such user, userIDs=${missing.slice(0, MAX_NAMED).join(',')}`);
  }
}
