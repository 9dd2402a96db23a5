import type { Metrics } from '@im/kit';
import type { OpenIMTenantQuotas } from '../../gen/openimtenant.ts';
import type { LookedUsage } from './usage-status.ts';

/** Most tenants that have series; further ones are only counted. */
const MAX_TENANTS = 1_000;

/** A tenant, what it uses and what it may use. */
export interface TenantMeasure {
  readonly namespace: string;
  readonly tenant: string;
  readonly looked: LookedUsage;
  readonly quotas: OpenIMTenantQuotas | undefined;
}

interface Labels {
  readonly namespace: string;
  readonly cluster: string;
  readonly tenant: string;
  readonly figure: string;
}

/** Usage and quotas of tenants as metrics, for at most 1,000 of them: it is the one place where a tenant is a label. */
export function usageMetrics(metrics: Metrics) {
  const names = ['namespace', 'cluster', 'tenant', 'figure'] as const;
  const usage = metrics.gauge(
    'openim_operator_tenant_usage',
    'What a tenant uses: users, connections, messagesToday, messagesYesterday, storageBytes, throttledToday, throttledYesterday. At most 1,000 tenants',
    names,
  );
  const quota = metrics.gauge(
    'openim_operator_tenant_quota',
    'Quotas of a tenant for users, connections and storageBytes; none without a limit. At most 1,000 tenants',
    names,
  );
  const left = metrics.gauge(
    'openim_operator_tenants_without_metrics',
    'Tenants without metrics, because others fill the limit of 1,000',
  );
  /** Labels that are shown, by cluster. */
  const shown = new Map<
    string,
    { readonly usage: Map<string, Labels>; readonly quota: Map<string, Labels> }
  >();
  const tenantsOf = new Map<string, number>();
  const leftOf = new Map<string, number>();

  /** Shows what the tenants of the cluster `namespace/name` use, and nothing of those that it showed before. */
  return function show(key: string, measures: readonly TenantMeasure[]): void {
    const cluster = key.slice(key.indexOf('/') + 1);
    const others = [...tenantsOf].reduce((sum, [each, count]) => sum + (each === key ? 0 : count), 0);
    const room = Math.max(0, MAX_TENANTS - others);
    const sorted = [...measures].sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
    const next = { usage: new Map<string, Labels>(), quota: new Map<string, Labels>() };
    for (const { namespace, tenant, looked, quotas = {} } of sorted.slice(0, room)) {
      const { id: _, ...figures } = looked.figures;
      for (const [figure, value] of Object.entries({ ...figures, throttledToday: looked.throttled })) {
        if (value === undefined) continue;
        const labels = { namespace, cluster, tenant, figure };
        usage.set(labels, value);
        next.usage.set(`${tenant} ${figure}`, labels);
      }
      for (const figure of ['users', 'connections', 'storageBytes'] as const) {
        const most = quotas[figure] ?? 0;
        if (most === 0) continue;
        const labels = { namespace, cluster, tenant, figure };
        quota.set(labels, most);
        next.quota.set(`${tenant} ${figure}`, labels);
      }
    }
    const before = shown.get(key);
    for (const [name, labels] of before?.usage ?? []) if (!next.usage.has(name)) usage.remove(labels);
    for (const [name, labels] of before?.quota ?? []) if (!next.quota.has(name)) quota.remove(labels);
    if (measures.length === 0) for (const map of [shown, tenantsOf, leftOf]) map.delete(key);
    else {
      shown.set(key, next);
      tenantsOf.set(key, Math.min(room, measures.length));
      leftOf.set(key, Math.max(0, measures.length - room));
    }
    left.set([...leftOf.values()].reduce((sum, count) => sum + count, 0));
  };
}
