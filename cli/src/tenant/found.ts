import type { KubeClient } from '@im/kube';
import { OPENIM_TENANT } from '@im/operator';
import type { KubeOptions } from '../cluster/options.ts';
import { usageError } from '../exit-codes.ts';
import type { FoundTenant } from './rows.ts';
import type { TenantKey } from './wait.ts';

const DEADLINE_MS = 15_000;

/** Where the resource of a tenant is. */
export function tenantKeyOf(client: KubeClient, name: string, { namespace }: KubeOptions): TenantKey {
  return { name, namespace: namespace ?? client.namespace };
}

/** The resource. @throws CommandError `usage` when there is none. */
export async function foundTenant(client: KubeClient, key: TenantKey): Promise<FoundTenant> {
  const tenant = await client.get(OPENIM_TENANT, key, { deadlineMs: DEADLINE_MS });
  if (tenant) return tenant;
  throw usageError(
    `there is no OpenIMTenant ${key.name} in namespace ${key.namespace}; openimctl tenant list -A lists all`,
  );
}
