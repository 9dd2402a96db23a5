import { DEFAULT_ADMIN_USER, PROBE_TENANT } from '@im/contract';
import type { TenantEntry } from '../../resources/config.ts';
import { preferredShard } from '../../resources/tenant-shards.ts';
import type { TenantPlan } from './create.ts';

/** The tenant of the prober. Its messages expire, so that what it stores is bounded. */
const ENTRY: TenantEntry = {
  id: PROBE_TENANT,
  adminUserIDs: [DEFAULT_ADMIN_USER],
  quotas: { retentionDays: 1 },
};

/** The tenants of a cluster with that of the prober, which has no resource. */
export function withProbeTenant(plan: TenantPlan): TenantPlan {
  const shard = preferredShard(PROBE_TENANT, plan.shards.length);
  return {
    ...plan,
    entries: [...plan.entries, ENTRY],
    shards: plan.shards.map((each, i) =>
      i === shard ? { ...each, entries: [...each.entries, ENTRY] } : each,
    ),
  };
}
