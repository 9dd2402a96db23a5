import type { Stored } from '@im/kube';
import type { OpenIMTenant } from '@im/operator';
import type { Row } from '../output.ts';

/** A tenant as stored by the API server. */
export type FoundTenant = Stored<OpenIMTenant>;

/** Columns of the list of tenants. */
export const TENANT_COLUMNS = [
  'namespace',
  'name',
  'tenant',
  'cluster',
  'ready',
  'reason',
  'suspended',
  'api',
] as const;

function readyOf({ status }: FoundTenant) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** Whether all running processes serve the tenant with its current settings. */
export function isInForce(tenant: FoundTenant): boolean {
  const { metadata, status } = tenant;
  return readyOf(tenant)?.status === 'True' && status?.observedGeneration === metadata.generation;
}

/** What keeps a tenant from being in force, in one line. */
export function obstacle(tenant: FoundTenant): string {
  const { metadata, status } = tenant;
  if (metadata.deletionTimestamp !== undefined) return 'it is being deleted';
  if (status?.conditions === undefined)
    return 'the operator has not looked at it yet; is the operator running?';
  if (status.observedGeneration !== metadata.generation)
    return 'the operator has not seen the last change yet';
  const ready = readyOf(tenant);
  if (ready === undefined) return 'there is no condition Ready yet';
  const rotated = status.conditions.find(({ type }) => type === 'KeysRotated');
  const { reason, message } = ready.status === 'True' && rotated?.status === 'False' ? rotated : ready;
  return `${reason}: ${message}`;
}

/** Reasons for which waiting does not help: the resource or what it refers to must be corrected. */
const NEEDS_CORRECTION: ReadonlySet<string> = new Set([
  'InvalidSettings',
  'InvalidTenantID',
  'TenantIDTaken',
  'HostTaken',
  'ClusterFull',
  'ClusterMissing',
  'ClusterNotAccepted',
  'RefusedByProcess',
  'SecretMissing',
  'SecretKeyMissing',
  'SecretInvalid',
  'SecretNotAllowed',
  'SecretTaken',
  'NamespaceNotAllowed',
  'ExceedsClass',
  'ClassMissing',
  'ClassNotAllowed',
]);

/** Whether the operator has looked at the current settings and refuses them. */
export function isRefused(tenant: FoundTenant): boolean {
  const { metadata, status } = tenant;
  const ready = readyOf(tenant);
  return (
    status?.observedGeneration === metadata.generation &&
    ready?.status === 'False' &&
    NEEDS_CORRECTION.has(ready.reason)
  );
}

/** A line of the list. */
export function tenantRow(tenant: FoundTenant): Row {
  const { metadata, spec, status } = tenant;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    tenant: status?.tenantID ?? spec.tenantID ?? metadata.name,
    cluster: [spec.clusterRef.namespace, spec.clusterRef.name].filter((part) => part !== undefined).join('/'),
    ready: isInForce(tenant),
    reason: readyOf(tenant)?.reason ?? null,
    suspended: spec.suspended === true,
    api: status?.endpoints?.api ?? null,
    webSocket: status?.endpoints?.webSocket ?? null,
    placement: spec.placement ?? 'Shared',
    adminSecret: status?.adminSecretRef?.name ?? null,
    created: metadata.creationTimestamp ?? null,
  };
}

/** Which quotas are used up, with the remedy; null when none is, or that is not known. */
function exceededOf({ status }: FoundTenant): string | null {
  const found = status?.conditions?.find(({ type }) => type === 'QuotaExceeded');
  return found?.status === 'True' ? found.message : null;
}

/** All about one tenant that fits a screen. */
export function tenantFacts(tenant: FoundTenant): Row {
  const { spec, status } = tenant;
  const quotas = Object.entries(spec.quotas ?? {}).map(([name, value]) => `${name}=${value}`);
  return {
    ...tenantRow(tenant),
    message: isInForce(tenant) ? null : obstacle(tenant),
    class: status?.className ?? null,
    quotaExceeded: exceededOf(tenant),
    usage: Object.entries(status?.usage ?? {}).flatMap(([name, value]) =>
      typeof value === 'number' ? [`${name}=${value}`] : [],
    ),
    inForceSince: status?.inForceSince ?? null,
    hosts: spec.hosts ?? [],
    quotas,
  };
}
