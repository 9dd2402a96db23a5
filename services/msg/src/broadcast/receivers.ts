import type { CallContext } from '@im/kit';
import { make } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { Broadcast, UserRepo } from '@im/store';

/** What receivers are found with. */
interface ReceiverDeps {
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly users: Pick<UserRepo, 'missing'>;
}

/** Receivers of one page. */
export interface Receivers {
  readonly userIDs: readonly string[];
  /** Users of the page who get nothing: banned or deleted ones, and the sender. */
  readonly skipped: number;
  /** Where the next page begins; empty: this one is the last. */
  readonly next: string;
}

/** The page of a broadcast that begins at its cursor. */
export async function nextReceivers(
  ctx: CallContext,
  deps: ReceiverDeps,
  { userIDs, cursor, senderID }: Pick<Broadcast, 'userIDs' | 'cursor' | 'senderID'>,
  limit: number,
): Promise<Receivers> {
  const { page, unknown, next } =
    userIDs.length > 0
      ? await named(ctx, deps, userIDs, Number(cursor), limit)
      : await all(ctx, deps, cursor, limit);
  if (page.length === 0) return { userIDs: [], skipped: 0, next };
  const request = make('auth.GetBansReq', { userIDs: [...page] });
  const { bans } = await deps.rpc.client('auth').getBans(ctx, request);
  const excluded = new Set([senderID, ...bans.map(({ userID }) => userID)]);
  const to = page.filter((id) => !unknown.has(id) && !excluded.has(id));
  return { userIDs: to, skipped: page.length - to.length, next };
}

/** @param begin place in the list */
async function named(
  { tenant }: CallContext,
  { users }: ReceiverDeps,
  userIDs: readonly string[],
  begin: number,
  limit: number,
) {
  const end = begin + limit;
  const page = userIDs.slice(begin, end);
  const unknown = new Set(await users.missing(tenant, page));
  return { page, unknown, next: end < userIDs.length ? String(end) : '' };
}

async function all(ctx: CallContext, { rpc }: ReceiverDeps, cursor: string, limit: number) {
  const request = make('user.SearchUsersReq', { limit, cursor });
  const found = await rpc.client('user').searchUsers(ctx, request);
  const page = found.users.map(({ userID }) => userID);
  return { page, unknown: new Set<string>(), next: found.cursor };
}
