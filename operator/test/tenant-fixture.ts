import type { Stored } from '@im/kube';
import type { OpenIMTenantSpec } from '../src/gen/openimtenant.ts';
import type { OpenIMTenant } from '../src/resources/kinds.ts';

/** A tenant of the cluster `chat` as it is stored, created `age` ms before a fixed time. */
export function tenant(
  name: string,
  age: number,
  spec: Partial<OpenIMTenantSpec> = {},
): Stored<OpenIMTenant> {
  return {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMTenant',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      generation: 3,
      creationTimestamp: new Date(1_000_000 - age).toISOString(),
    },
    spec: { clusterRef: { name: 'chat' }, ...spec },
  };
}
