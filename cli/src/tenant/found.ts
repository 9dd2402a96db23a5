import { ApiError, type KubeClient } from '@im/kube';
import { OPENIM_TENANT } from '@im/operator';
import { clusterKey, displayName, matchingClusters, onlyCluster } from '../cluster/find.ts';
import type { KubeOptions } from '../cluster/options.ts';
import { usageError } from '../exit-codes.ts';
import type { FoundTenant } from './rows.ts';
import type { TenantKey } from './wait.ts';

/** Which tenants are meant: those of a namespace, or of a cluster. */
export interface TenantChoice extends KubeOptions {
  /** Name or `namespace/name` of the OpenIMCluster. @default that of OPENIM_CLUSTER, if neither it nor a namespace is given */
  readonly cluster?: string | undefined;
}

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

/** The resource by its name, or of the tenant of a cluster by its name or ID, wherever it is. @throws as {@link foundTenant}. */
export async function findTenant(
  client: KubeClient,
  name: string,
  options: TenantChoice,
): Promise<{ readonly key: TenantKey; readonly found: FoundTenant }> {
  const variable = options.namespace === undefined ? process.env.OPENIM_CLUSTER || undefined : undefined;
  const cluster = options.cluster ?? variable;
  if (cluster === undefined) {
    const key = tenantKeyOf(client, name, options);
    return { key, found: await foundTenant(client, key) };
  }
  const tenants = await tenantsOf(client, { ...options, cluster });
  const chosen = tenants.filter(({ metadata, ...rest }) =>
    [metadata.name, idOf({ metadata, ...rest })].includes(name),
  );
  const [found, ...more] = chosen;
  if (!found)
    throw usageError(`cluster ${cluster} has no tenant ${name}; openimctl tenant list -A lists all tenants`);
  if (more.length > 0)
    throw usageError(
      `cluster ${cluster} has several tenants ${name}: ${chosen.map(displayName).join(', ')}; say which by --namespace, without --cluster`,
    );
  const { name: resource, namespace = client.namespace } = found.metadata;
  return { key: { name: resource, namespace }, found };
}

/** ID of a tenant in URLs and tokens. */
export function idOf({ metadata, spec, status }: FoundTenant): string {
  return status?.tenantID ?? spec.tenantID ?? metadata.name;
}

/** The tenants of a cluster: those of all namespaces, where they may be listed, else of the cluster's. */
export async function tenantsOf(client: KubeClient, options: TenantChoice): Promise<readonly FoundTenant[]> {
  const key = clusterKey(options);
  const { metadata } = onlyCluster(await matchingClusters(client, key, DEADLINE_MS), key, client);
  const list = async (namespace?: string) =>
    (await client.list(OPENIM_TENANT, { namespace, deadlineMs: DEADLINE_MS })).items;
  const all = await list().catch((error) => {
    if (error instanceof ApiError && error.status === 403) return list(metadata.namespace);
    throw error;
  });
  return all.filter(
    ({ spec: { clusterRef }, metadata: { namespace } }) =>
      clusterRef.name === metadata.name && (clusterRef.namespace ?? namespace) === metadata.namespace,
  );
}
