import { listActiveGroups, listActiveUsers, listStatisticsDays, type StatisticsDay } from '@im/admin-api';
import type { TenantSettings } from '@im/contract';
import { type Calendar, type CallContext, calendarOf, dayName, UTC } from '@im/kit';
import { argsError, make, type msg } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';
import { countedPage } from '../page-cursor.ts';

/** Days shown when the first is not named. */
const USUAL_DAYS = 30;

interface Days {
  readonly from?: string;
  readonly to?: string;
}

/** A date without a time is a day's number in every zone. */
function dayNamed(date: string): number {
  return UTC.dayOf(Date.parse(date));
}

/** Days since 1970. @throws ImError 1001 when the first is after the last, which is today by default. */
function spanOf({ from, to }: Days, calendar: Calendar): { readonly first: number; readonly last: number } {
  const last = to === undefined ? calendar.dayOf(Date.now()) : dayNamed(to);
  const first = from === undefined ? last - USUAL_DAYS + 1 : dayNamed(from);
  if (first > last) throw argsError('from is after today: name to as well');
  return { first: Math.max(0, first), last };
}

/** The same as times, `end` not included. */
function periodOf(days: Days, calendar: Calendar): { readonly start: number; readonly end: number } {
  const { first, last } = spanOf(days, calendar);
  return { start: Math.max(1, calendar.startOf(first)), end: calendar.startOf(last + 1) };
}

function dayOf(figures: msg.StatisticsDay): StatisticsDay {
  const { day, single, group, notification, types, activeUsers, activeGroups } = figures;
  const { registrations, users, groupsCreated, groups, peakUsers, peakConnections } = figures;
  const { storageBytes, storageObjects, throttled } = figures;
  return {
    date: dayName(day),
    ...{ single, group, notification, types: { ...types }, activeUsers, activeGroups },
    ...{ registrations, users, groupsCreated, groups, peakUsers, peakConnections },
    ...{ storageBytes, storageObjects, throttled },
  };
}

/** The days of the tenant's statistics. */
function calendarFor({ statistics }: TenantSettings): Calendar {
  return calendarOf(statistics.timeZone);
}

/** The day that a cursor names. @throws ImError 1001. */
function dayOfCursor(cursor: string | undefined): number {
  const text = fromOpaque(cursor);
  if (text !== '' && !/^\d{1,6}$/.test(text))
    throw argsError('cursor must be the nextCursor of the page before');
  return Number(text);
}

/** Up to when messages are counted; OpenIM's answers with rankings have no field for it. */
async function countedToOf(ctx: CallContext, rpc: Pick<RpcRegistry, 'client'>): Promise<number> {
  const request = make('msg.GetStatisticsDaysReq', { firstDay: 0, lastDay: 0, limit: 1 });
  return (await rpc.client('msg').getStatisticsDays(ctx, request)).countedTo;
}

/** Numbers of a tenant. */
export const statisticsRoutes: readonly AdminRoute[] = [
  adminRoute(listStatisticsDays, 'msg.getStatisticsDays', async ({ ctx, rpc, tenant }, { query }) => {
    const { limit, cursor, ...days } = query;
    const { first, last } = spanOf(days, calendarFor(tenant));
    const firstDay = Math.max(first, dayOfCursor(cursor));
    if (firstDay > last) throw argsError('cursor is that of other days: keep from and to from page to page');
    // One more, which says whether there is a next page.
    const request = make('msg.GetStatisticsDaysReq', { firstDay, lastDay: last, limit: limit + 1 });
    const { days: found, countedTo } = await rpc.client('msg').getStatisticsDays(ctx, request);
    const next = found[limit];
    return { days: found.slice(0, limit).map(dayOf), countedTo, ...opaque(next ? String(next.day) : '') };
  }),
  adminRoute(listActiveUsers, 'msg.getActiveUser', async ({ ctx, rpc, tenant }, { query }) => {
    const { limit, cursor, order, ...days } = query;
    const { pagination, next } = countedPage(limit, cursor);
    const request = make('msg.GetActiveUserReq', {
      ...periodOf(days, calendarFor(tenant)),
      ...{ ase: order === 'least', group: true, pagination: make('sdkws.RequestPagination', pagination) },
    });
    const [{ users, userCount, msgCount }, countedTo] = await Promise.all([
      rpc.client('msg').getActiveUser(ctx, request),
      countedToOf(ctx, rpc),
    ]);
    return {
      countedTo,
      users: users.map(({ user, count }) => ({
        ...{ userID: user?.userID ?? '', nickname: user?.nickname ?? '', messages: count },
      })),
      ...{ total: msgCount, active: userCount, ...next(userCount) },
    };
  }),
  adminRoute(listActiveGroups, 'msg.getActiveGroup', async ({ ctx, rpc, tenant }, { query }) => {
    const { limit, cursor, order, ...days } = query;
    const { pagination, next } = countedPage(limit, cursor);
    const request = make('msg.GetActiveGroupReq', {
      ...periodOf(days, calendarFor(tenant)),
      ...{ ase: order === 'least', pagination: make('sdkws.RequestPagination', pagination) },
    });
    const [{ groups, groupCount, msgCount }, countedTo] = await Promise.all([
      rpc.client('msg').getActiveGroup(ctx, request),
      countedToOf(ctx, rpc),
    ]);
    return {
      countedTo,
      groups: groups.map(({ group, count }) => ({
        ...{ groupID: group?.groupID ?? '', groupName: group?.groupName ?? '', messages: count },
      })),
      ...{ total: msgCount, active: groupCount, ...next(groupCount) },
    };
  }),
];
