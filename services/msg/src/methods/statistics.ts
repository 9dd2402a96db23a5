import { requireAdmin } from '@im/kit';
import { argsError, make, type msg, type sdkws } from '@im/protocol';
import type { Period, StatDay } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { groupInfos } from '../group-infos.ts';

/** Most entries in one page. */
const MAX_PAGE = 1_000;
/** Days of one answer. */
const MAX_DAYS = 1_000;

/** Numbers for administrators (docs/protocol/http.md). Pages are pages, not single entries as in OpenIM. */
export function statisticsMethods(
  deps: Pick<MsgDeps, 'stats' | 'statDays' | 'users' | 'groups' | 'members'>,
): MsgMethods<'getActiveUser' | 'getActiveGroup' | 'getStatisticsDays'> {
  return {
    async getActiveUser(ctx, { start, end, ase, group, pagination }) {
      requireAdmin(ctx);
      const { by, days, total } = await deps.stats.bySender(ctx.tenant, periodOf(start, end), group);
      const page = pageOf(by, ase, pagination);
      const users = await deps.users.getMany(
        ctx.tenant,
        page.map(([userID]) => userID),
      );
      return make('msg.GetActiveUserResp', {
        msgCount: total,
        userCount: by.size,
        dateCount: days,
        users: page.map(([userID, count]) =>
          make('msg.ActiveUser', { user: users.get(userID) ?? make('sdkws.UserInfo', { userID }), count }),
        ),
      });
    },

    async getActiveGroup(ctx, { start, end, ase, pagination }) {
      requireAdmin(ctx);
      const { by, days, total } = await deps.stats.byGroup(ctx.tenant, periodOf(start, end));
      const page = pageOf(by, ase, pagination);
      const groups = await groupInfos(
        deps,
        ctx.tenant,
        page.map(([groupID]) => groupID),
      );
      return make('msg.GetActiveGroupResp', {
        msgCount: total,
        groupCount: by.size,
        dateCount: days,
        groups: page.map(([groupID, count]) =>
          make('msg.ActiveGroup', {
            group: groups.get(groupID) ?? make('sdkws.GroupInfo', { groupID }),
            count,
          }),
        ),
      });
    },

    async getStatisticsDays(ctx, { firstDay: first, lastDay: last, limit }) {
      requireAdmin(ctx);
      if (last < first) throw argsError('lastDay is earlier than firstDay');
      const most = Math.min(MAX_DAYS, limit > 0 ? limit : MAX_DAYS);
      const [days, countedTo] = await Promise.all([
        deps.statDays.days(ctx.tenant, { first, last }, most),
        deps.stats.countedTo(ctx.tenant),
      ]);
      return make('msg.GetStatisticsDaysResp', { days: days.map(dayOf), countedTo });
    },
  };
}

/** What was not counted is 0. */
function dayOf({ types = {}, ...figures }: StatDay): msg.StatisticsDay {
  return make('msg.StatisticsDay', { ...figures, types: { ...types } });
}

/** @throws ImError 1001 for a missing start, or an end before the start. */
function periodOf(start: number, end: number): Period {
  if (start <= 0) throw argsError('start is missing');
  if (end < start) throw argsError('end is earlier than start');
  return { start, end };
}

/** One page of the counts, ordered by count, then by id. */
function pageOf(
  by: ReadonlyMap<string, number>,
  ascending: boolean,
  pagination: sdkws.RequestPagination | null,
): [string, number][] {
  const pageNumber = Math.max(1, pagination?.pageNumber ?? 1);
  const size = Math.min(MAX_PAGE, Math.max(0, pagination?.showNumber ?? 0));
  const sign = ascending ? 1 : -1;
  const sorted = [...by].sort(([a, n], [b, m]) => sign * (n - m) || (a < b ? -1 : 1));
  return sorted.slice((pageNumber - 1) * size, pageNumber * size);
}
