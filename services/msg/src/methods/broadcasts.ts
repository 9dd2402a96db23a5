import { requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make } from '@im/protocol';
import type { Broadcast, BroadcastRepo } from '@im/store';
import { knownUsers } from '../broadcast/receivers.ts';
import type { MsgDeps, MsgMethods } from '../deps.ts';

/** Broadcasts of a tenant that run or wait. */
const MOST_RUNNING = 10;
const MOST_NAMED = 500;
const MAX_TEXT = 5_000;
const MAX_PAGE = 500;

function toMessage({ admin, userIDs, requested, finished, page, cursor, failedUserIDs, ...rest }: Broadcast) {
  return make('msg.Broadcast', {
    ...rest,
    ...{ toAll: userIDs.length === 0, adminUserID: admin, failedUserIDs: [...failedUserIDs] },
    ...{ requestTime: requested, finishTime: finished },
  });
}

/** Broadcasts: asked for here, sent in the background. */
export function broadcastMethods(
  { rpc }: Pick<MsgDeps, 'rpc'>,
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
      const before = dryRun ? undefined : await repo.get(ctx.tenant, broadcastID);
      if (before && (before.text !== text || before.senderID !== senderID))
        throw new ImError(
          ERR.DuplicateKeyError,
          `there is another broadcast ${broadcastID}: choose another broadcastID`,
        );
      if (before)
        return make('msg.StartBroadcastResp', { broadcast: toMessage(before), receivers: before.total });
      const known = await knownUsers(ctx, rpc, [senderID, ...userIDs]);
      if (!known.has(senderID))
        throw new ImError(ERR.UserIDNotFoundError, `senderID: there is no user ${senderID}`);
      const named = [...new Set(userIDs)];
      const to = named.filter((id) => known.has(id));
      const unknownUserIDs = named.filter((id) => !known.has(id));
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
      wake();
      return make('msg.StartBroadcastResp', {
        broadcast: toMessage(broadcast),
        receivers: total,
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
      return make('msg.SearchBroadcastsResp', { broadcasts: broadcasts.map(toMessage), cursor: next });
    },
  };

  /** Accounts of the tenant. */
  async function countUsers(ctx: Parameters<typeof knownUsers>[0]): Promise<number> {
    const now = Date.now();
    const request = make('user.UserRegisterCountReq', { start: now, end: now });
    return (await rpc.client('user').userRegisterCount(ctx, request)).total;
  }
}
