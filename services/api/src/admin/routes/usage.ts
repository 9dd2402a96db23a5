import { getUsage, USAGE_DAYS, type Usage } from '@im/admin-api';
import type { TenantSettings } from '@im/contract';
import { type Calendar, calendarOf, dayName, UTC } from '@im/kit';
import { argsError, make, type msg, type user } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';

const dayOf = (date: string) => UTC.dayOf(Date.parse(date));

/** Days since 1970. @throws ImError 1001 for a period that is too long or begins in the future. */
function periodOf(
  from: string | undefined,
  to: string | undefined,
  calendar: Calendar,
): { first: number; last: number } {
  const last = to === undefined ? calendar.dayOf(Date.now()) : dayOf(to);
  const first = dayOf(from ?? `${dayName(last).slice(0, 8)}01`);
  if (first > last) throw argsError('from is after today: name to as well');
  if (last - first >= USAGE_DAYS) throw argsError(`to must be within ${USAGE_DAYS} days of from`);
  return { first, last };
}

function connectionsIn(gateways: readonly user.GatewayConnections[]): number {
  return gateways.flatMap(({ platforms }) => Object.values(platforms)).reduce((sum, n) => sum + n, 0);
}

/** Adds up the days of a period, oldest first. */
export function usageOf(
  { first, last, calendar }: { readonly first: number; readonly last: number; readonly calendar: Calendar },
  { days, countedTo }: Pick<msg.GetStatisticsDaysResp, 'days' | 'countedTo'>,
  connections: number,
  quotas: Pick<TenantSettings['quotas'], 'users' | 'connections' | 'storageBytes'>,
): Usage {
  const sum = (of: (day: msg.StatisticsDay) => number) => days.reduce((total, day) => total + of(day), 0);
  const most = (of: (day: msg.StatisticsDay) => number) => Math.max(0, ...days.map(of));
  const newest = days.at(-1);
  // A day may begin with a peak or a refusal, before it is counted; one that is counted may have no users any more.
  const countedDay = calendar.dayOf(countedTo);
  const counted = days.findLast(({ day, users }) => users > 0 || day <= countedDay);
  const [users, storageBytes] = [counted?.users ?? 0, counted?.storageBytes ?? 0];
  const used = { users, connections, storageBytes };
  const messagesOf = ({ single, group }: msg.StatisticsDay) => single + group;
  return {
    ...{ from: dayName(first), to: dayName(last), ...used, countedTo },
    messages: sum(messagesOf),
    messagesToday: newest?.day === last ? messagesOf(newest) : 0,
    throttled: sum(({ throttled }) => throttled),
    throttledToday: newest?.day === last ? newest.throttled : 0,
    registrations: sum(({ registrations }) => registrations),
    peakUsers: most(({ peakUsers }) => peakUsers),
    peakConnections: most(({ peakConnections }) => peakConnections),
    storageByteDays: sum((day) => day.storageBytes),
    quotas: { users: quotas.users, connections: quotas.connections, storageBytes: quotas.storageBytes },
    exceeded: (['users', 'connections', 'storageBytes'] as const).filter(
      (name) => quotas[name] > 0 && used[name] >= quotas[name],
    ),
  };
}

/** What a tenant uses. */
export const usageRoutes: readonly AdminRoute[] = [
  adminRoute(getUsage, 'msg.getStatisticsDays', async ({ ctx, rpc, tenant }, { query: { from, to } }) => {
    const calendar = calendarOf(tenant.statistics.timeZone);
    const period = periodOf(from, to, calendar);
    const request = { firstDay: period.first, lastDay: period.last, limit: USAGE_DAYS };
    const [figures, { gateways }] = await Promise.all([
      rpc.client('msg').getStatisticsDays(ctx, make('msg.GetStatisticsDaysReq', request)),
      rpc.client('user').getConnectionCounts(ctx, make('user.GetConnectionCountsReq')),
    ]);
    return { usage: usageOf({ ...period, calendar }, figures, connectionsIn(gateways), tenant.quotas) };
  }),
];
