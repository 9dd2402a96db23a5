import { BACKEND_PORTS, DEFAULT_PORTS, DEFAULT_TENANT } from '@im/contract';

/** Group and version of the custom resources. */
export const API_GROUP = 'openim.io';
export const API_VERSION = `${API_GROUP}/v1alpha1`;

/** Field manager of the operator's server-side applies. */
export const FIELD_MANAGER = 'openim-operator';

/** Value of the label app.kubernetes.io/managed-by of all objects of the operator. */
export const MANAGED_BY = 'openim-operator';

/** Roles, which run the product's image. */
export const ROLES = ['gateway', 'api', 'rpc', 'transfer', 'push', 'cron'] as const;
export type Role = (typeof ROLES)[number];

/** Stores that the operator can manage, by their component names in labels and object names. */
export const STORES = ['nats', 'mongodb', 'redis', 'object-storage'] as const;
export type StoreName = (typeof STORES)[number];

export type Component = Role | StoreName;

/** Name of the port for probes, metrics and actions in every pod of a role. */
export const OPS_PORT_NAME = 'ops';
export const OPS_PORT = DEFAULT_PORTS.ops;

/** Ports of managed stores. */
export const STORE_PORTS = {
  nats: { client: BACKEND_PORTS.nats, cluster: 6_222, monitor: 8_222 },
  mongodb: BACKEND_PORTS.mongodb,
  redis: BACKEND_PORTS.redis,
  objectStorage: BACKEND_PORTS.objectStorage,
} as const;

/** User and group ID of all containers: nonroot of distroless images. */
export const RUN_AS = 65_532;

/** Annotations of the operator. */
export const ANNOTATION = {
  /** Hash of the pod template of a Deployment or StatefulSet. */
  templateHash: `${API_GROUP}/template-hash`,
  /** Hash of the settings that take effect at startup only. */
  restartHash: `${API_GROUP}/restart-hash`,
  /** On a gateway pod: start of its drain, ISO 8601. */
  drainSince: `${API_GROUP}/drain-since`,
  /** On a cluster: a new value restarts all pods, stage by stage. */
  restartedAt: `${API_GROUP}/restarted-at`,
} as const;
export const REVISION_LABEL = `${API_GROUP}/gateway-revision`;
export const FINALIZER = `${API_GROUP}/cleanup`;

/** The cluster that owns an object. */
export interface Owner {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/** Labels that select the pods of a component; immutable. */
export function selectorLabels(cluster: string, component: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'openim',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/component': component,
  };
}

/** Labels of all objects of a component, or of the cluster as a whole. */
export function labelsOf(cluster: string, component?: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'openim',
    'app.kubernetes.io/instance': cluster,
    ...(component === undefined ? {} : { 'app.kubernetes.io/component': component }),
    'app.kubernetes.io/managed-by': MANAGED_BY,
    'app.kubernetes.io/part-of': 'openim',
  };
}

/** Label selector for all objects of a cluster. */
export function clusterSelector(cluster: string): string {
  return `app.kubernetes.io/managed-by=${MANAGED_BY},app.kubernetes.io/instance=${cluster}`;
}

/** Names of the objects of a cluster. */
export const nameOf = {
  component: (cluster: string, component: Component) => `${cluster}-${component}`,
  gatewayRevision: (cluster: string, revision: string) => `${cluster}-gateway-${revision}`,
  config: (cluster: string) => `${cluster}-config`,
  /** Generated passwords of managed stores; kept as long as their volumes. */
  credentials: (cluster: string) => `${cluster}-credentials`,
  /** Credentials and connection strings of the stores, for the processes. */
  connection: (cluster: string) => `${cluster}-connection`,
  /** Keys of the tenants. */
  tenants: (cluster: string) => `${cluster}-tenants`,
  /** A tenant's admin user and secret, for users and openimctl. */
  admin: (cluster: string, tenantID: string = DEFAULT_TENANT) =>
    tenantID === DEFAULT_TENANT ? `${cluster}-admin` : `${cluster}-tenant-${tenantID}`,
  serviceAccount: (cluster: string) => `${cluster}-service`,
} as const;

/** Metadata of an object that is deleted with its cluster. */
export function metadataOf(owner: Owner, name: string, component?: Component) {
  return {
    name,
    namespace: owner.namespace,
    labels: labelsOf(owner.name, component),
    ownerReferences: [ownerReference(owner)],
  };
}

/** An owner reference, by which the garbage collector deletes the object with its cluster. */
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
