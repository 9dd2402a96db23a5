import { DEFAULT_PORTS } from '@im/contract';

/** Group and version of the custom resources. */
export const API_GROUP = 'openim.io';
export const API_VERSION = `${API_GROUP}/v1alpha1`;

/** Who owns the fields that the operator applies. */
export const FIELD_MANAGER = 'openim-operator';

/** Name by which all objects of the operator are found. */
export const MANAGED_BY = 'openim-operator';

/** Roles that run our image. */
export const ROLES = ['gateway', 'api', 'rpc', 'transfer', 'push', 'cron'] as const;
export type Role = (typeof ROLES)[number];

/** Stores that the operator may run, as components are called in labels and names. */
export const STORES = ['nats', 'mongodb', 'redis', 'object-storage'] as const;
export type StoreName = (typeof STORES)[number];

export type Component = Role | StoreName;

/** Name of the port of probes, metrics and operator actions in every pod that runs our image. */
export const OPS_PORT_NAME = 'ops';
export const OPS_PORT = DEFAULT_PORTS.ops;

/** Ports of the stores that the operator runs. */
export const STORE_PORTS = {
  nats: { client: 4_222, cluster: 6_222, monitor: 8_222 },
  mongodb: 27_017,
  redis: 6_379,
  objectStorage: 8_333,
} as const;

/** The user as which every container that is ours runs; the distroless nonroot. */
export const RUN_AS = 65_532;

/** Annotations and labels of our own. */
export const ANNOTATION = {
  /** Hash of the pod template that a Deployment or StatefulSet was made from. */
  templateHash: `${API_GROUP}/template-hash`,
  /** Hash of the settings that take effect at a start only. */
  restartHash: `${API_GROUP}/restart-hash`,
  /** On a gateway pod: since when it is to be drained, ISO 8601. */
  drainSince: `${API_GROUP}/drain-since`,
  /** On a cluster: a new value restarts every pod, one after the other. */
  restartedAt: `${API_GROUP}/restarted-at`,
} as const;
export const REVISION_LABEL = `${API_GROUP}/gateway-revision`;
export const FINALIZER = `${API_GROUP}/cleanup`;

/** Who an object is of: the cluster's name, namespace and uid. */
export interface Owner {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/** Labels that select the pods of a component; they never change. */
export function selectorLabels(cluster: string, component: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'openim',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/component': component,
  };
}

/** Labels of everything that the operator makes for a component, or for the cluster as a whole. */
export function labelsOf(cluster: string, component?: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'openim',
    'app.kubernetes.io/instance': cluster,
    ...(component === undefined ? {} : { 'app.kubernetes.io/component': component }),
    'app.kubernetes.io/managed-by': MANAGED_BY,
    'app.kubernetes.io/part-of': 'openim',
  };
}

/** Selector of everything that belongs to a cluster. */
export function clusterSelector(cluster: string): string {
  return `app.kubernetes.io/managed-by=${MANAGED_BY},app.kubernetes.io/instance=${cluster}`;
}

/** The tenant at the root of the endpoints; every cluster has it. */
export const DEFAULT_TENANT_ID = 'default';

/** Names of the objects of a cluster. */
export const nameOf = {
  component: (cluster: string, component: Component) => `${cluster}-${component}`,
  gatewayRevision: (cluster: string, revision: string) => `${cluster}-gateway-${revision}`,
  config: (cluster: string) => `${cluster}-config`,
  /** Passwords that the operator made up for managed stores; kept while their volumes are kept. */
  credentials: (cluster: string) => `${cluster}-credentials`,
  /** What our processes need to reach the stores. */
  connection: (cluster: string) => `${cluster}-connection`,
  /** Keys of the tenants. */
  tenants: (cluster: string) => `${cluster}-tenants`,
  /** A tenant's admin user and secret, for people and openimctl. */
  admin: (cluster: string, tenantID: string = DEFAULT_TENANT_ID) =>
    tenantID === DEFAULT_TENANT_ID ? `${cluster}-admin` : `${cluster}-tenant-${tenantID}`,
  serviceAccount: (cluster: string) => `${cluster}-service`,
} as const;

/** An owner reference that makes the garbage collector delete the object with its cluster. */
export function ownerReference(owner: Owner) {
  return {
    apiVersion: API_VERSION,
    kind: 'OpenIMCluster',
    name: owner.name,
    uid: owner.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
