import type { CallContext } from '@im/kit';
import { make } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { Broadcast } from '@im/store';

type Rpc = Pick<RpcRegistry, 'client'>;

/** Receivers of one page. */
export interface Receivers {
  readonly userIDs: readonly string[];
  /** Users of the page who get nothing: banned or deleted ones, and the sender. */
  readonly skipped: number;
  /** Where the next page begins; empty: this one is the last. */
  readonly next: string;
}

/** Those among these who are users, each once. */
export async function knownUsers(ctx: CallContext, rpc: Rpc, given: readonly string[]): Promise<Set<string>> {
  if (given.length === 0) return new Set();
  const request = make('user.GetDesignateUsersReq', { userIDs: [...new Set(given)] });
  const { usersInfo } = await rpc.client('user').getDesignateUsers(ctx, request);
  return new Set(usersInfo.map(({ userID }) => userID));
}

/** The page of a broadcast that begins at its cursor. */
export async function nextReceivers(
  ctx: CallContext,
  rpc: Rpc,
  { userIDs, cursor, senderID }: Pick<Broadcast, 'userIDs' | 'cursor' | 'senderID'>,
  limit: number,
): Promise<Receivers> {
  const { page, known, next } =
    userIDs.length > 0
      ? await named(ctx, rpc, userIDs, Number(cursor), limit)
      : await all(ctx, rpc, cursor, limit);
  if (page.length === 0) return { userIDs: [], skipped: 0, next };
  const { bans } = await rpc.client('auth').getBans(ctx, make('auth.GetBansReq', { userIDs: [...page] }));
  const excluded = new Set([senderID, ...bans.map(({ userID }) => userID)]);
  const to = page.filter((id) => known.has(id) && !excluded.has(id));
  return { userIDs: to, skipped: page.length - to.length, next };
}

/** @param begin place in the list */
async function named(ctx: CallContext, rpc: Rpc, userIDs: readonly string[], begin: number, limit: number) {
  const end = begin + limit;
  const page = userIDs.slice(begin, end);
  return { page, known: await knownUsers(ctx, rpc, page), next: end < userIDs.length ? String(end) : '' };
}

async function all(ctx: CallContext, rpc: Rpc, cursor: string, limit: number) {
  const request = make('user.SearchUsersReq', { limit, cursor });
  const found = await rpc.client('user').searchUsers(ctx, request);
  const page = found.users.map(({ userID }) => userID);
  return { page, known: new Set(page), next: found.cursor };
}
