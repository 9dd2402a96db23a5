import { DEFAULT_TENANT, type TenantRefusalsReport } from '@im/contract';
import { type Metrics, OTHER_TENANTS, systemContext, TENANT_REFUSALS } from '@im/kit';
import type { Logger, OpsResponse } from '@im/process';
import { make } from '@im/protocol';
import type { DomainService } from '@im/rpc';

/** `POST /tenants/refusals`: what limits have refused since this process started. */
export function refusalsReport(instance: string, metrics: Metrics): () => Promise<OpsResponse> {
  return async () => {
    const refused: Record<string, Record<string, number>> = {};
    for (const { labels, value } of await metrics.values(TENANT_REFUSALS)) {
      const tenant = String(labels.tenant);
      refused[tenant] = { ...refused[tenant], [String(labels.limit)]: value };
    }
    const report: TenantRefusalsReport = { instance, refused };
    return { body: report };
  };
}

/** Between two reports, ms. */
export const REFUSALS_MS = 30_000;
/** Most tenants of one report. */
const TENANTS = 500;
const TIMEOUT_MS = 5_000;

/** What a process reports with. */
export interface RefusalReporterDeps {
  readonly instance: string;
  readonly metrics: Pick<Metrics, 'values'>;
  readonly users: Pick<DomainService<'user'>, 'countRefusals'>;
  readonly log: Logger;
}

/**
 * Reports to the daily statistics what limits refused since the report before. One that was not answered is sent again with the
 * same number, before a next one is made: nothing is counted twice.
 * @returns one round. It never rejects; without a refusal it sends nothing.
 */
export function refusalReporter({ instance, metrics, users, log }: RefusalReporterDeps) {
  /** What is reported, or is on its way. */
  const reported = new Map<string, number>();
  let pending: (readonly [tenant: string, count: number])[] = [];
  let number = 1;

  async function refused(): Promise<Map<string, number>> {
    const totals = new Map<string, number>();
    for (const { labels, value } of await metrics.values(TENANT_REFUSALS)) {
      const tenant = String(labels.tenant);
      if (tenant !== OTHER_TENANTS) totals.set(tenant, (totals.get(tenant) ?? 0) + value);
    }
    return totals;
  }

  async function send(signal: AbortSignal | undefined): Promise<void> {
    while (pending.length > 0) {
      const part = pending.slice(0, TENANTS);
      const ctx = systemContext(DEFAULT_TENANT, '', { timeoutMs: TIMEOUT_MS, signal });
      const refusals = part.map(([tenant, count]) => make('user.TenantRefusals', { tenant, count }));
      await users.countRefusals(ctx, make('user.CountRefusalsReq', { process: instance, number, refusals }));
      pending = pending.slice(part.length);
      number++;
    }
  }

  return async (signal?: AbortSignal): Promise<void> => {
    try {
      await send(signal);
      for (const [tenant, total] of await refused()) {
        const count = total - (reported.get(tenant) ?? 0);
        reported.set(tenant, total);
        if (count > 0) pending.push([tenant, count]);
      }
      await send(signal);
    } catch (error) {
      log.debug({ err: error }, 'refusals are not reported yet');
    }
  };
}
