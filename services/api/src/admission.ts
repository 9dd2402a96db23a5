import type { TenantId, TenantSettings } from '@im/contract';
import { type TenantDirectory, TokenBucket } from '@im/kit';

/** Refuses requests of tenants that send more than their quota. */
export interface Admission {
  /** @returns undefined when the request is let in, else the seconds after which another one may be. */
  refuse(tenant: TenantSettings): number | undefined;
}

/** One bucket per tenant, kept while it is one; each process counts its own requests. */
export function createAdmission(tenants: TenantDirectory): Admission {
  const buckets = new Map<TenantId, { rate: number; bucket: TokenBucket }>();
  // The directory lives as long as the process, as this does.
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
      return Math.max(1, Math.ceil(known.bucket.waitMs() / 1_000));
    },
  };
}
