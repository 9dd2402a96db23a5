import { randomInt } from 'node:crypto';
import type { CallContext } from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';
import type { UserDeps } from './deps.ts';

/** Letters, digits and `_` of any script; so no id contains the separators of keys and routes. */
const LEGAL = /^[\p{L}\p{Nd}_]+$/u;
const MAX_LENGTH = 64;

/** @throws ImError 1001 when a new user cannot have this id. */
export function checkUserID(userID: string): void {
  if (userID === '') throw argsError('userID is empty');
  // The text that OpenIM answers, misleading as it is.
  if (!LEGAL.test(userID)) throw argsError('userID is legal');
  if (userID.length > MAX_LENGTH) throw argsError(`userID is longer than ${MAX_LENGTH}`);
}

/** An id for an account that is created without one: ten digits, the first not 0. */
export function randomUserID(): string {
  return String(randomInt(1_000_000_000, 10_000_000_000));
}

/** Checks that the tenant may have `more` users. @throws ImError 1002. */
export async function requireRoom(
  { users, tenants, refusals }: Pick<UserDeps, 'users' | 'tenants' | 'refusals'>,
  ctx: CallContext,
  more: number,
): Promise<void> {
  const most = tenants.get(ctx.tenant)?.quotas.users ?? 0;
  if (most > 0 && (await users.count(ctx.tenant)) + more > most) {
    refusals.note(ctx.tenant, 'users');
    throw new ImError(ERR.NoPermissionError, `quotas.users: the tenant may have ${most} users`);
  }
}
