import { type ClientLog, deleteClientLog, listClientLogs } from '@im/admin-api';
import { argsError, make, type third } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

/** Pages that are read at most: what is further back is found by time. */
const MOST_PAGES = 1_000;

function logOf(log: third.LogInfo): ClientLog {
  const { logID, userID, nickname, platform, url, filename, systemType, version, createTime } = log;
  return { logID, userID, nickname, platform, url, filename, framework: systemType, version, createTime };
}

/** The page that a cursor names: its number, and until when logs are listed, so that new ones move none. */
function placeOf(cursor: string): { readonly pageNumber: number; readonly until: number } {
  if (cursor === '') return { pageNumber: 1, until: Date.now() };
  const [, page = '', until = ''] = /^(\d{1,4})-(\d{1,16})$/.exec(cursor) ?? [];
  const pageNumber = Number(page);
  if (pageNumber < 2 || pageNumber > MOST_PAGES)
    throw argsError(`cursor must be the nextCursor of the page before, of ${MOST_PAGES} at most: name to`);
  return { pageNumber, until: Number(until) };
}

/** Log files of clients. */
export const clientLogRoutes: readonly AdminRoute[] = [
  adminRoute(listClientLogs, 'third.searchLogs', async ({ ctx, rpc }, { query }) => {
    const { keyword = '', from = 0, to, limit, cursor } = query;
    const { pageNumber, until } = placeOf(fromOpaque(cursor));
    const request = make('third.SearchLogsReq', {
      keyword,
      startTime: from,
      endTime: to ?? until,
      pagination: make('sdkws.RequestPagination', { pageNumber, showNumber: limit }),
    });
    const { logsInfos, total } = await rpc.client('third').searchLogs(ctx, request);
    const isLast = pageNumber * limit >= total || pageNumber === MOST_PAGES;
    return { logs: logsInfos.map(logOf), ...opaque(isLast ? '' : `${pageNumber + 1}-${until}`) };
  }),
  adminRoute(deleteClientLog, 'third.deleteLogs', async ({ ctx, rpc }, { params: { logID } }) => {
    await rpc.client('third').deleteLogs(ctx, make('third.DeleteLogsReq', { logIDs: [logID] }));
    return {};
  }),
];
