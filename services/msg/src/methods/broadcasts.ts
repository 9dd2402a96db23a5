import { type CallContext, requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make, type msg } from '@im/protocol';
import type { Broadcast, BroadcastRepo, ListedBroadcast } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';

/** Broadcasts of a tenant that run or wait. */
const MOST_RUNNING = 10;
const MOST_NAMED = 500;
const MAX_TEXT = 5_000;
const MAX_PAGE = 500;

function toListed({ admin, requested, finished, ...rest }: ListedBroadcast): msg.Broadcast {
  const renamed = { adminUserID: admin, requestTime: requested, finishTime: finished };
  return make('msg.Broadcast', { ...rest, ...renamed });
}

function toMessage({ userIDs, failedUserIDs, page, cursor, ...rest }: Broadcast): msg.Broadcast {
  const listed = toListed({ ...rest, toAll: userIDs.length === 0 });
  return make('msg.Broadcast', { ...listed, failedUserIDs: [...failedUserIDs] });
}

/** What a request wants sent. */
interface AskedBroadcast extends Pick<Broadcast, 'broadcastID' | 'senderID' | 'text'> {
  /** Those that it names, each once; empty: all users. */
  readonly named: readonly string[];
  /** Those of them who are users. */
  readonly known: readonly string[];
}

/** Whether a request is that of a stored broadcast; users whom it names may have been deleted since. */
function sameRequest(stored: Broadcast, asked: AskedBroadcast): boolean {
  if (stored.text !== asked.text || stored.senderID !== asked.senderID) return false;
  if ((stored.userIDs.length === 0) !== (asked.named.length === 0)) return false;
  const [named, receivers] = [new Set(asked.named), new Set(stored.userIDs)];
  return stored.userIDs.every((id) => named.has(id)) && asked.known.every((id) => receivers.has(id));
}

/** @throws ImError 1003 for another broadcast of the same id */
function requireSame(stored: Broadcast, asked: AskedBroadcast): void {
  if (sameRequest(stored, asked)) return;
  throw new ImError(
    ERR.DuplicateKeyError,
    `there is another broadcast ${asked.broadcastID}: choose another broadcastID`,
  );
}

/** Broadcasts: asked for here, sent in the background. */
export function broadcastMethods(
  { rpc, users }: Pick<MsgDeps, 'rpc' | 'users'>,
  repo: BroadcastRepo,
  wake: () => void,
): MsgMethods<'startBroadcast' | 'getBroadcast' | 'cancelBroadcast' | 'searchBroadcasts'> {
  return {
    async startBroadcast(ctx, { broadcastID, senderID, text, userIDs, dryRun }) {
      requireAdmin(ctx);
      if (!/^[\w-]{1,64}$/.test(broadcastID))
        throw argsError('broadcastID must be 1 to 64 letters, digits, _ or -');
      if (text === '' || text.length > MAX_TEXT) throw argsError(`text must be 1 to ${MAX_TEXT} characters`);
      if (userIDs.length > MOST_NAMED) throw argsError(`userIDs names more than ${MOST_NAMED} users`);
      const named = [...new Set(userIDs)];
      const unknown = new Set(await users.missing(ctx.tenant, [...new Set([senderID, ...named])]));
      const to = named.filter((id) => !unknown.has(id));
      const unknownUserIDs = named.filter((id) => unknown.has(id));
      const asked = { broadcastID, senderID, text, named, known: to };
      const before = dryRun ? undefined : await repo.get(ctx.tenant, broadcastID);
      if (before) {
        requireSame(before, asked);
        return make('msg.StartBroadcastResp', { broadcast: toMessage(before), receivers: before.total });
      }
      if (unknown.has(senderID))
        throw new ImError(ERR.UserIDNotFoundError, `senderID: there is no user ${senderID}`);
      if (named.length > 0 && to.length === 0) throw argsError('userIDs names no user');
      const total = named.length > 0 ? to.length : await countUsers(ctx);
      if (dryRun) return make('msg.StartBroadcastResp', { receivers: total, unknownUserIDs });
      if ((await repo.running(ctx.tenant, MOST_RUNNING)) >= MOST_RUNNING)
        throw new ImError(
          ERR.TooManyRequests,
          `${MOST_RUNNING} broadcasts of the tenant run or wait: cancel one, or wait for its end`,
        );
      const broadcast = await repo.begin(ctx.tenant, {
        ...{ broadcastID, senderID, text, userIDs: to, admin: ctx.opUserID, requested: Date.now() },
        ...{ state: 'running', total, sent: 0, skipped: 0, failed: 0, failedUserIDs: [] },
        ...{ cursor: '', finished: 0, attempts: 0, error: '' },
      });
      // Another request of the id may have come first.
      requireSame(broadcast, asked);
      wake();
      return make('msg.StartBroadcastResp', {
        broadcast: toMessage(broadcast),
        receivers: broadcast.total,
        unknownUserIDs,
      });
    },
    async getBroadcast(ctx, { broadcastID }) {
      requireAdmin(ctx);
      const found = await repo.get(ctx.tenant, broadcastID);
      return make('msg.GetBroadcastResp', found ? { broadcast: toMessage(found) } : {});
    },
    async cancelBroadcast(ctx, { broadcastID }) {
      requireAdmin(ctx);
      const found = await repo.cancel(ctx.tenant, broadcastID, Date.now());
      return make('msg.CancelBroadcastResp', found ? { broadcast: toMessage(found) } : {});
    },
    async searchBroadcasts(ctx, { limit, cursor }) {
      requireAdmin(ctx);
      if (limit < 1 || limit > MAX_PAGE) throw argsError(`limit must be 1 to ${MAX_PAGE}`);
      const { broadcasts, next = '' } = await repo.list(ctx.tenant, limit, cursor || undefined);
      return make('msg.SearchBroadcastsResp', { broadcasts: broadcasts.map(toListed), cursor: next });
    },
  };

  /** Accounts of the tenant. */
  async function countUsers(ctx: CallContext): Promise<number> {
    const now = Date.now();
    const request = make('user.UserRegisterCountReq', { start: now, end: now });
    return (await rpc.client('user').userRegisterCount(ctx, request)).total;
  }
}
