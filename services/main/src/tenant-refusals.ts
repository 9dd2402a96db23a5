import type { TenantRefusalsReport } from '@im/contract';
import { type Metrics, TENANT_REFUSALS } from '@im/kit';
import type { OpsResponse } from '@im/process';

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
