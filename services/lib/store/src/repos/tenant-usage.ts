import type { TenantId } from '@im/contract';
import { dayName, eachLimited } from '@im/kit';
import type { CollectionSpec, TenantCollection, TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { OBJECT_USAGE } from './object-upload.ts';
import { STAT_DAYS } from './stat-day.ts';

/** What is stored of the usage of one tenant; what was not counted yet is absent. */
export interface StoredUsage {
  users?: number;
  messagesToday?: number;
  messagesYesterday?: number;
  /** Requests that limits refused; 0 on a day without. */
  throttledToday: number;
  throttledYesterday: number;
  /** 0 for a tenant without objects. */
  storageBytes: number;
}

/** Databases that are read at once. */
const DATABASES_AT_ONCE = 8;

/** Usage of many tenants at once. */
export interface TenantUsageRepo {
  /**
   * What these tenants use, in two reads for all that share a database and two for each other one.
   * Days are those of each tenant's time zone.
   * @param now ms.
   */
  of(tenants: readonly TenantId[], now: number): Promise<Map<TenantId, StoredUsage>>;
}

/** The usage of the tenants of a store. */
export function tenantUsageRepo(store: Store): TenantUsageRepo {
  async function read<T extends TenantDocument>(
    tenants: readonly TenantId[],
    spec: CollectionSpec<T>,
    keysOf: (collection: TenantCollection<T>) => string[],
  ): Promise<T[]> {
    const collections = tenants.map((tenant) => store.collection(tenant, spec));
    const [first] = collections;
    if (!first) return [];
    const ids = collections.flatMap(keysOf);
    return (await first.col.find({ _id: { $in: ids } } as object).toArray()) as T[];
  }

  return guarded<TenantUsageRepo>({
    async of(tenants, now) {
      const todayOf = (tenant: TenantId) => store.calendarOf(tenant).dayOf(now);
      const found = new Map<TenantId, StoredUsage>();
      const groups = byDatabase(tenants, (tenant) => store.placements.get(tenant));
      await eachLimited(groups, DATABASES_AT_ONCE, async (group) => {
        const [days, objects] = await Promise.all([
          read(group, STAT_DAYS, ({ key, tenant }) => {
            const today = todayOf(tenant);
            return [key(dayName(today - 1)), key(dayName(today))];
          }),
          read(group, OBJECT_USAGE, ({ key }) => [key('bytes')]),
        ]);
        for (const tenant of group) {
          found.set(tenant, { storageBytes: 0, throttledToday: 0, throttledYesterday: 0 });
        }
        const usageOf = (t: string) => found.get(t as TenantId);
        for (const { t, bytes } of objects) {
          const usage = usageOf(t);
          if (usage) usage.storageBytes = bytes;
        }
        for (const { t, day, users, throttled = 0, ...counted } of days.sort((a, b) => a.day - b.day)) {
          const usage = usageOf(t);
          if (!usage) continue;
          if (users !== undefined) usage.users = users;
          const { single = 0, group: inGroups = 0 } = counted;
          const isToday = day === todayOf(t as TenantId);
          usage[isToday ? 'throttledToday' : 'throttledYesterday'] = throttled;
          usage[isToday ? 'messagesToday' : 'messagesYesterday'] = single + inGroups;
        }
      });
      return found;
    },
  });
}

/** Tenants that share a database together, each other one alone; those of unknown placement are left out. */
function byDatabase(
  tenants: readonly TenantId[],
  placementOf: (tenant: TenantId) => 'Shared' | 'Dedicated' | undefined,
): TenantId[][] {
  const shared = tenants.filter((tenant) => placementOf(tenant) === 'Shared');
  const dedicated = tenants.filter((tenant) => placementOf(tenant) === 'Dedicated');
  return [...(shared.length > 0 ? [shared] : []), ...dedicated.map((tenant) => [tenant])];
}
