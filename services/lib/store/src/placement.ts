import { createHash } from 'node:crypto';
import type { TenantId, TenantSettings } from '@im/contract';
import { type TenantDirectory, unknownTenant } from '@im/kit';

/** Longest database name that MongoDB takes. */
const MAX_DATABASE_NAME = 63;
const TENANT_PART = 24;
/** Tenants outside the directory whose placement is remembered. */
const MAX_REMEMBERED = 10_000;

/** Where a tenant's documents are. */
export type Placement = TenantSettings['placement'];

/** Name of a tenant's own database; long tenant names are cut and made unique by a hash. */
export function dedicatedDatabase(database: string, tenant: TenantId): string {
  const name = `${database}_${tenant}`;
  if (name.length <= MAX_DATABASE_NAME) return name;
  const digest = createHash('sha256').update(tenant).digest('hex').slice(0, 16);
  return `${database}_${tenant.slice(0, TENANT_PART - digest.length - 1)}-${digest}`;
}

/** Where the documents of tenants are: by the directory, or as remembered for a tenant that it does not name. */
export interface Placements {
  /** Undefined for a tenant of which nothing is known. */
  get(tenant: TenantId): Placement | undefined;
  /**
   * Remembers where a tenant was placed, for the time that the directory does not name it: it was removed, or
   * is so new that the directory does not have it yet.
   */
  remember(tenant: TenantId, placement: Placement): void;
  /**
   * Name of the database that holds a tenant's documents.
   * @throws ImError 90004 for a tenant of which nothing is known: writing to a guessed place would lose data.
   */
  databaseOf(tenant: TenantId): string;
}

/** Placements of the tenants of a directory. @param database of shared tenants. */
export function placements(tenants: TenantDirectory, database: string): Placements {
  const remembered = new Map<TenantId, Placement>();
  const get = (tenant: TenantId) => tenants.get(tenant)?.placement ?? remembered.get(tenant);
  return {
    get,
    remember(tenant, placement) {
      if (remembered.get(tenant) === placement) return;
      remembered.delete(tenant);
      remembered.set(tenant, placement);
      if (remembered.size <= MAX_REMEMBERED) return;
      for (const oldest of remembered.keys()) {
        remembered.delete(oldest);
        return;
      }
    },
    databaseOf(tenant) {
      const placement = get(tenant);
      if (placement === undefined) {
        throw unknownTenant(tenant);
      }
      return placement === 'Dedicated' ? dedicatedDatabase(database, tenant) : database;
    },
  };
}
