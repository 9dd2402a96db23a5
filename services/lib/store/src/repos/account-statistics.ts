import type { TenantId } from '@im/contract';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { CREATED_GROUPS, CREATED_USERS, countCreatedDays } from './created-days.ts';
import { GROUPS } from './group.ts';
import { USERS } from './user.ts';

/** Counts accounts and groups by day, for statistics. */
export interface AccountStatistics {
  /**
   * Counts those of the days that are not final yet into the daily figures.
   * @param earliest day (since 1970) that the first count of a tenant begins with.
   */
  count(tenant: TenantId, now: number, earliest: number): Promise<void>;
}

/** The accounts and groups of a store by day. */
export function accountStatistics(store: Store): AccountStatistics {
  return guarded<AccountStatistics>({
    async count(tenant, now, earliest) {
      const options = { now, earliest: Math.min(earliest, store.calendarOf(tenant).dayOf(now)) };
      await countCreatedDays(store, tenant, USERS, CREATED_USERS, options);
      await countCreatedDays(store, tenant, GROUPS, CREATED_GROUPS, options);
    },
  });
}
