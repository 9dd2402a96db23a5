import type { KubeObject, ResourceType } from './objects.ts';
import type * as wire from './wire.ts';

/** A resource by `group/version` (`v1` for the core group), kind and plural. */
export function resourceType<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  scope: 'Namespaced' | 'Cluster' = 'Namespaced',
): ResourceType<T> {
  const slash = apiVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    plural,
    namespaced: scope === 'Namespaced',
  };
}

/** `group/version` as objects carry it. */
export function apiVersionOf(type: ResourceType<KubeObject>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

export const POD = resourceType<wire.Pod>('v1', 'Pod', 'pods');
export const SERVICE = resourceType<wire.Service>('v1', 'Service', 'services');
export const CONFIG_MAP = resourceType<wire.ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const SECRET = resourceType<wire.Secret>('v1', 'Secret', 'secrets');
/** Secrets without their contents. */
export const SECRET_METADATA: ResourceType<KubeObject> = {
  ...resourceType<KubeObject>('v1', 'Secret', 'secrets'),
  metadataOnly: true,
};
/** ConfigMaps without their contents. */
export const CONFIG_MAP_METADATA: ResourceType<KubeObject> = {
  ...resourceType<KubeObject>('v1', 'ConfigMap', 'configmaps'),
  metadataOnly: true,
};
export const SERVICE_ACCOUNT = resourceType<wire.ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts');
export const PERSISTENT_VOLUME_CLAIM = resourceType<wire.PersistentVolumeClaim>(
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const NAMESPACE = resourceType<wire.Namespace>('v1', 'Namespace', 'namespaces', 'Cluster');
export const NODE = resourceType<wire.Node>('v1', 'Node', 'nodes', 'Cluster');
export const EVENT = resourceType<wire.CoreEvent>('v1', 'Event', 'events');
export const DEPLOYMENT = resourceType<wire.Deployment>('apps/v1', 'Deployment', 'deployments');
export const STATEFUL_SET = resourceType<wire.StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets');
export const REPLICA_SET = resourceType<wire.ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets');
export const CONTROLLER_REVISION = resourceType<wire.ControllerRevision>(
  'apps/v1',
  'ControllerRevision',
  'controllerrevisions',
);
export const POD_DISRUPTION_BUDGET = resourceType<wire.PodDisruptionBudget>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const NETWORK_POLICY = resourceType<wire.NetworkPolicy>(
  'networking.k8s.io/v1',
  'NetworkPolicy',
  'networkpolicies',
);
export const INGRESS = resourceType<wire.Ingress>('networking.k8s.io/v1', 'Ingress', 'ingresses');
export const LEASE = resourceType<wire.Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
export const ROLE = resourceType<wire.Role>('rbac.authorization.k8s.io/v1', 'Role', 'roles');
export const ROLE_BINDING = resourceType<wire.RoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'RoleBinding',
  'rolebindings',
);
export const ENDPOINT_SLICE = resourceType<wire.EndpointSlice>(
  'discovery.k8s.io/v1',
  'EndpointSlice',
  'endpointslices',
);
export const CUSTOM_RESOURCE_DEFINITION = resourceType<wire.CustomResourceDefinition>(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  'Cluster',
);
