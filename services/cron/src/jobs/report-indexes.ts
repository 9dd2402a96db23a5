import type { TenantSettings } from '@im/contract';
import type { Metrics } from '@im/kit';
import type { Logger } from '@im/process';
import type { IndexDrift, IndexReports } from '@im/store';
import type { Job } from './job.ts';

export interface IndexReportDeps {
  readonly indexes: IndexReports;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now?: () => number;
}

/** Tenants in the shared database have the same indexes: they are read once for all of them. */
const SHARED_MS = 10 * 60_000;
/** Differences that a report names. */
const MAX_NAMED = 200;

/** Compares the indexes of a tenant's database with those declared. Differences are reported, never changed. */
export function reportIndexes(
  schedule: string,
  { indexes, log, metrics, now = Date.now }: IndexReportDeps,
): Job {
  const differences = metrics.gauge('openim_cron_index_differences', 'Indexes that are not as declared', [
    'kind',
  ]);
  /** Of each database: that of a tenant, or the shared one. */
  const found = new Map<string, readonly IndexDrift[]>();
  let shared: { readonly at: number; readonly drift: readonly IndexDrift[] } | undefined;

  async function driftOf(
    { id, placement }: TenantSettings,
    signal: AbortSignal,
  ): Promise<readonly IndexDrift[]> {
    if (placement === 'Shared' && shared && Math.abs(now() - shared.at) < SHARED_MS) return shared.drift;
    const drift = await indexes.drift(id, signal);
    for (const { collection, index, kind, detail } of drift)
      log.warn({ tenant: id, placement, collection, index, kind, detail }, 'index is not as declared');
    if (placement === 'Shared') shared = { at: now(), drift };
    return drift;
  }

  return {
    name: 'report-indexes',
    description: 'reports indexes of the database that are missing, not declared, or different',
    schedule,
    async run(tenant, signal, notes) {
      const drift = await driftOf(tenant, signal);
      found.set(tenant.placement === 'Shared' ? '' : tenant.id, drift);
      const all = [...found.values()].flat();
      for (const kind of ['missing', 'extra', 'different'] as const)
        differences.set({ kind }, all.filter((one) => one.kind === kind).length);
      notes?.report({ differences: drift.length, indexes: drift.slice(0, MAX_NAMED) });
      return 0;
    },
  };
}
