import { keyOf, type Stored } from '@im/kube';
import type { OpenIMTenant } from '../../resources/kinds.ts';

/** Name of a tenant in URLs and tokens. */
export function tenantIdOf({ metadata, spec }: Stored<OpenIMTenant>): string {
  return spec.tenantID ?? metadata.name;
}

/** The key of the cluster of a tenant. */
export function clusterKeyOf({ metadata, spec }: Stored<OpenIMTenant>): string {
  const { name, namespace = metadata.namespace } = spec.clusterRef;
  return keyOf({ namespace, name });
}

/** Whether a tenant is in another namespace than its cluster. */
export function isElsewhere({ metadata, spec }: Stored<OpenIMTenant>): boolean {
  const { namespace = metadata.namespace } = spec.clusterRef;
  return namespace !== metadata.namespace;
}
