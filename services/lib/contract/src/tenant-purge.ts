import { z } from 'zod';
import { TENANT_ID_PATTERN } from './tenant.ts';

/**
 * Body of `POST /tenants/purge` on the ops port of a process with the domain `third`: it removes everything that is stored
 * of a tenant that no process serves any more. Repeated, it goes on; left alone, it stops within a minute.
 */
export const TenantPurge = z.strictObject({
  tenant: z.string().regex(TENANT_ID_PATTERN),
  /** Where its documents are. */
  placement: z.enum(['Shared', 'Dedicated']),
});
export type TenantPurge = z.infer<typeof TenantPurge>;

/** Answer of `POST /tenants/purge`. */
export interface TenantPurgeReport {
  /** `done` when a scan of all stores after the removal found nothing. */
  readonly state: 'running' | 'done';
  /** What is being removed. */
  readonly step: 'log' | 'documents' | 'keys' | 'objects' | 'scan';
  /** Removed by this process so far. */
  readonly removed: {
    readonly records: number;
    readonly documents: number;
    readonly keys: number;
    readonly objects: number;
  };
  /** Why the last attempt failed; it is repeated. */
  readonly failure?: string;
}
