import { isTenantId } from '@im/contract';
import { calendarOf, eachLimited } from '@im/kit';
import { argsError, make } from '@im/protocol';
import type { UserDeps, UserMethods } from '../deps.ts';

/** Longest name of a process, and most tenants of one report. */
const MAX_PROCESS = 200;
const MAX_TENANTS = 500;
const WRITES_AT_ONCE = 8;

/** What limits refused, which processes report to the daily statistics. */
export function refusalMethods({
  statDays,
  tenants,
  log,
}: Pick<UserDeps, 'statDays' | 'tenants' | 'log'>): UserMethods<'countRefusals'> {
  return {
    async countRefusals(_ctx, { process, number, refusals }) {
      if (process === '' || process.length > MAX_PROCESS)
        throw argsError(`process must have 1 to ${MAX_PROCESS} characters`);
      if (number < 1) throw argsError('number must be 1 or more');
      if (refusals.length > MAX_TENANTS) throw argsError(`refusals has more than ${MAX_TENANTS} tenants`);
      const now = Date.now();
      const failures: unknown[] = [];
      let attempted = 0;
      await eachLimited(refusals, WRITES_AT_ONCE, async ({ tenant, count }) => {
        // Nothing is kept of a tenant that was removed.
        const settings = isTenantId(tenant) ? tenants.get(tenant) : undefined;
        if (!settings || count <= 0) return;
        const day = calendarOf(settings.statistics.timeZone).dayOf(now);
        attempted++;
        try {
          await statDays.addThrottled(settings.id, `${process} ${number}`, { day, count });
        } catch (error) {
          failures.push(error);
          log.debug({ tenant, err: error }, 'refusals of a tenant are not counted');
        }
      });
      // The report comes again for all of them, but not for one whose day cannot be written.
      if (failures.length > 0 && failures.length === attempted) throw failures[0];
      return make('user.CountRefusalsResp');
    },
  };
}
