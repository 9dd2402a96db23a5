import { createHash } from 'node:crypto';
import type { TenantDirectory, TenantId } from '@im/kit';
import { ERR, ImError } from '@im/protocol';

/** Longest database name that MongoDB takes. */
const MAX_DATABASE_NAME = 63;
const TENANT_PART = 24;

/** Name of a tenant's own database; long tenant names are cut and made unique by a hash. */
export function dedicatedDatabase(database: string, tenant: TenantId): string {
  const name = `${database}_${tenant}`;
  if (name.length <= MAX_DATABASE_NAME) return name;
  const digest = createHash('sha256').update(tenant).digest('hex').slice(0, 16);
  return `${database}_${tenant.slice(0, TENANT_PART - digest.length - 1)}-${digest}`;
}

/**
 * Name of the database that holds a tenant's documents.
 * @throws ImError 90004 when this process does not know the tenant yet: writing to a guessed place would lose data.
 */
export function databaseOf(tenants: TenantDirectory, database: string, tenant: TenantId): string {
  const settings = tenants.get(tenant);
  if (!settings) throw new ImError(ERR.NetworkError, `tenant ${tenant} is not known here yet`);
  return settings.placement === 'Dedicated' ? dedicatedDatabase(database, tenant) : database;
}
