import type { TenantId, TenantSettings } from '@im/contract';
import { type Metrics, type TenantDirectory, TokenBucket, tenantRefusals } from '@im/kit';

/** Limits the requests of each tenant to its quota. */
export interface Admission {
  /** @returns undefined when the request is admitted, else the seconds after which to retry. */
  refuse(tenant: TenantSettings): number | undefined;
}

/** Keeps one token bucket per tenant; each process counts its own requests. */
export function createAdmission(tenants: TenantDirectory, metrics: Metrics): Admission {
  const refusals = tenantRefusals(metrics);
  const buckets = new Map<TenantId, { rate: number; bucket: TokenBucket }>();
  // Never unsubscribed: the directory and this live as long as the process.
  tenants.onChange((id, settings) => {
    if (!settings) buckets.delete(id);
  });
  return {
    refuse({ id, quotas }) {
      const rate = quotas.requestsPerSecond;
      if (rate === 0) return undefined;
      let known = buckets.get(id);
      if (known?.rate !== rate) {
        known = { rate, bucket: new TokenBucket({ ratePerSecond: rate }) };
        buckets.set(id, known);
      }
      if (known.bucket.take()) return undefined;
      refusals.note(id, 'requestsPerSecond');
      return Math.max(1, Math.ceil(known.bucket.waitMs() / 1_000));
    },
  };
}
