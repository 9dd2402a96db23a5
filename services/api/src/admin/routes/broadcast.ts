import { type Broadcast, cancelBroadcast, getBroadcast, listBroadcasts, startBroadcast } from '@im/admin-api';
import { ERR, ImError, make, type msg } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function broadcastOf(broadcast: msg.Broadcast): Broadcast {
  // By name: a message without its defaults has no such properties of its own.
  const { broadcastID, senderID, text, toAll, adminUserID, state, total, sent, skipped, failed } = broadcast;
  const { failedUserIDs, requestTime, finishTime, attempts, error } = broadcast;
  return {
    ...{
      broadcastID,
      senderID,
      text,
      toAll,
      total,
      sent,
      skipped,
      failed,
      requestTime,
      finishTime,
      attempts,
      error,
    },
    adminID: adminUserID,
    state: state === 'done' || state === 'cancelled' ? state : 'running',
    failedUserIDs: [...failedUserIDs],
  };
}

/** @throws ImError 1004 */
function found(broadcast: msg.Broadcast | null | undefined, broadcastID: string): Broadcast {
  if (!broadcast) throw new ImError(ERR.RecordNotFoundError, `there is no broadcast ${broadcastID}`);
  return broadcastOf(broadcast);
}

/** Messages to many users. */
export const broadcastRoutes: readonly AdminRoute[] = [
  adminRoute(startBroadcast, 'msg.startBroadcast', async ({ ctx, rpc }, { body }) => {
    const { broadcastID, senderID, text, userIDs = [], dryRun } = body;
    const request = make('msg.StartBroadcastReq', {
      broadcastID,
      senderID,
      text,
      userIDs: [...userIDs],
      dryRun,
    });
    const { broadcast, receivers, unknownUserIDs } = await rpc.client('msg').startBroadcast(ctx, request);
    return {
      ...(broadcast && { broadcast: broadcastOf(broadcast) }),
      receivers,
      unknownUserIDs: [...unknownUserIDs],
    };
  }),
  adminRoute(getBroadcast, 'msg.getBroadcast', async ({ ctx, rpc }, { params }) => {
    const { broadcast } = await rpc.client('msg').getBroadcast(ctx, make('msg.GetBroadcastReq', params));
    return { broadcast: found(broadcast, params.broadcastID) };
  }),
  adminRoute(listBroadcasts, 'msg.searchBroadcasts', async ({ ctx, rpc }, { query }) => {
    const { limit, cursor } = query;
    const request = make('msg.SearchBroadcastsReq', { limit, cursor: fromOpaque(cursor) });
    const { broadcasts, cursor: next } = await rpc.client('msg').searchBroadcasts(ctx, request);
    return { broadcasts: broadcasts.map(broadcastOf), ...opaque(next) };
  }),
  adminRoute(cancelBroadcast, 'msg.cancelBroadcast', async ({ ctx, rpc }, { params }) => {
    const { broadcast } = await rpc
      .client('msg')
      .cancelBroadcast(ctx, make('msg.CancelBroadcastReq', params));
    return { broadcast: found(broadcast, params.broadcastID) };
  }),
];
