import type { TenantId } from '@im/contract';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { statBatches } from './stat-batch.ts';
import { statDayRepo } from './stat-day.ts';
import { removePartsBefore, STAT_PARTS } from './stat-part.ts';

/** What statistics keep no longer. */
export interface StatRetention {
  /**
   * Removes counts by user and group of days before `parts`, and figures of days before `days`, unless days are still
   * being added up. @returns how many documents.
   */
  remove(tenant: TenantId, before: { readonly parts: number; readonly days: number }): Promise<number>;
}

/** The retention of the statistics of a store. */
export function statRetention(store: Store): StatRetention {
  return guarded<StatRetention>({
    async remove(tenant, { parts, days }) {
      const { countedTo, passFrom, dirty } = await statBatches(store, tenant).state();
      if (countedTo === 0 || passFrom > 0 || dirty.length > 0) return 0;
      const removed = await removePartsBefore(store.collection(tenant, STAT_PARTS), parts);
      return removed + (await statDayRepo(store).removeBefore(tenant, days));
    },
  });
}
