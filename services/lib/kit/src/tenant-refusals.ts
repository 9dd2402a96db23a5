import type { TenantId } from '@im/contract';
import type { Metrics } from './metrics.ts';

/** Name of the counter, which the ops port of every process reads. */
export const TENANT_REFUSALS = 'openim_tenant_refused_total';
/** Value of the label `tenant` for all tenants beyond {@link MAX_TENANTS}; no tenant can have this ID. */
export const OTHER_TENANTS = '_other';
/** Most tenants that have a series, by place that counts. */
const MAX_TENANTS = 1_000;

/** Limits of a tenant, or of one of its users, that refuse requests. */
export type RefusingLimit =
  | 'connections'
  | 'handshakesPerSecond'
  | 'messagesPerSecond'
  | 'requestsPerSecond'
  | 'users'
  | 'storageBytes'
  | 'userLimits';

/** Counts what limits refuse, by tenant. */
export interface TenantRefusals {
  note(tenant: TenantId, limit: RefusingLimit): void;
}

/** The refusals of a process. A tenant has a series only once something of it was refused. */
export function tenantRefusals(metrics: Metrics): TenantRefusals {
  const refused = metrics.counter(
    'openim_tenant_refused_total',
    'Requests refused by a limit of a tenant or of its users. Only tenants that were refused something have a series, at most 1,000 by limit; the others are counted as _other',
    ['tenant', 'limit'],
  );
  const known = new Set<TenantId>();
  return {
    note(tenant, limit) {
      if (!known.has(tenant) && known.size < MAX_TENANTS) known.add(tenant);
      refused.inc({ tenant: known.has(tenant) ? tenant : OTHER_TENANTS, limit });
    },
  };
}
