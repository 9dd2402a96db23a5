import { listActiveGroups, listActiveUsers, listStatisticsDays, type StatisticsDay } from '@im/admin-api';
import { argsError, make, type msg } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';
import { countedPage } from '../page-cursor.ts';

const DAY_MS = 86_400_000;
/** Days shown when the first is not named. */
const USUAL_DAYS = 30;

interface Days {
  readonly from?: string;
  readonly to?: string;
}

/** Days since 1970. @throws ImError 1001 when the first is after the last, which is today by default. */
function spanOf({ from, to }: Days): { readonly first: number; readonly last: number } {
  const last = to === undefined ? Math.floor(Date.now() / DAY_MS) : Date.parse(to) / DAY_MS;
  const first = from === undefined ? last - USUAL_DAYS + 1 : Date.parse(from) / DAY_MS;
  if (first > last) throw argsError('from is after today: name to as well');
  return { first: Math.max(0, first), last };
}

/** The same as times, `end` not included. */
function periodOf(days: Days): { readonly start: number; readonly end: number } {
  const { first, last } = spanOf(days);
  return { start: Math.max(1, first * DAY_MS), end: (last + 1) * DAY_MS };
}

function dayOf(figures: msg.StatisticsDay): StatisticsDay {
  const { day, single, group, notification, types, activeUsers, activeGroups } = figures;
  const { registrations, users, groupsCreated, groups, peakUsers, peakConnections } = figures;
  const { storageBytes, storageObjects } = figures;
  return {
    date: new Date(day * DAY_MS).toISOString().slice(0, 10),
    ...{ single, group, notification, types: { ...types }, activeUsers, activeGroups },
    ...{ registrations, users, groupsCreated, groups, peakUsers, peakConnections },
    ...{ storageBytes, storageObjects },
  };
}

/** The day that a cursor names. @throws ImError 1001. */
function dayOfCursor(cursor: string | undefined): number {
  const text = fromOpaque(cursor);
  if (text !== '' && !/^\d{1,6}$/.test(text))
    throw argsError('cursor must be the nextCursor of the page before');
  return Number(text);
}

/** Numbers of a tenant. */
export const statisticsRoutes: readonly AdminRoute[] = [
  adminRoute(listStatisticsDays, 'msg.getStatisticsDays', async ({ ctx, rpc }, { query }) => {
    const { limit, cursor, ...days } = query;
    const { first, last } = spanOf(days);
    const firstDay = Math.max(first, dayOfCursor(cursor));
    if (firstDay > last) throw argsError('cursor is that of other days: keep from and to from page to page');
    // One more, which says whether there is a next page.
    const request = make('msg.GetStatisticsDaysReq', { firstDay, lastDay: last, limit: limit + 1 });
    const { days: found, countedTo } = await rpc.client('msg').getStatisticsDays(ctx, request);
    const next = found[limit];
    return { days: found.slice(0, limit).map(dayOf), countedTo, ...opaque(next ? String(next.day) : '') };
  }),
  adminRoute(listActiveUsers, 'msg.getActiveUser', async ({ ctx, rpc }, { query }) => {
    const { limit, cursor, order, ...days } = query;
    const { pagination, next } = countedPage(limit, cursor);
    const request = make('msg.GetActiveUserReq', {
      ...periodOf(days),
      ...{ ase: order === 'least', group: true, pagination: make('sdkws.RequestPagination', pagination) },
    });
    const { users, userCount, msgCount } = await rpc.client('msg').getActiveUser(ctx, request);
    return {
      users: users.map(({ user, count }) => ({
        ...{ userID: user?.userID ?? '', nickname: user?.nickname ?? '', messages: count },
      })),
      ...{ total: msgCount, active: userCount, ...next(userCount) },
    };
  }),
  adminRoute(listActiveGroups, 'msg.getActiveGroup', async ({ ctx, rpc }, { query }) => {
    const { limit, cursor, order, ...days } = query;
    const { pagination, next } = countedPage(limit, cursor);
    const request = make('msg.GetActiveGroupReq', {
      ...periodOf(days),
      ...{ ase: order === 'least', pagination: make('sdkws.RequestPagination', pagination) },
    });
    const { groups, groupCount, msgCount } = await rpc.client('msg').getActiveGroup(ctx, request);
    return {
      groups: groups.map(({ group, count }) => ({
        ...{ groupID: group?.groupID ?? '', groupName: group?.groupName ?? '', messages: count },
      })),
      ...{ total: msgCount, active: groupCount, ...next(groupCount) },
    };
  }),
];
