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

/** The role that proves the others; it serves no client, and exists only when the spec enables it. */
export const PROBER = 'prober';
/** The role that serves the web console alone; it exists only when the spec gives it replicas. */
export const CONSOLE = 'console';
/** What a pod of the product's image may run as. */
export const PROCESS_ROLES = [...ROLES, PROBER, CONSOLE] as const;
export type ProcessRole = (typeof PROCESS_ROLES)[number];
/** A value of every role, and of those that exist only when the spec says so. */
export type ByRole<T> = Readonly<Record<Role, T> & Partial<Record<Exclude<ProcessRole, Role>, T>>>;

/** Stores that the operator can manage, by their component names in labels and object names. */
export const STORES = ['nats', 'mongodb', 'redis', 'object-storage'] as const;
export type StoreName = (typeof STORES)[number];

export type Component = ProcessRole | StoreName;
/** What clients connect to. */
export type ClientComponent = 'gateway' | 'api' | 'console' | 'object-storage';

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
  /** On a gateway pod: start and deadline of its drain, ISO 8601, and why; the operator's. */
  drainSince: `${API_GROUP}/drain-since`,
  drainUntil: `${API_GROUP}/drain-until`,
  drainReason: `${API_GROUP}/drain-reason`,
  /** On a gateway pod: why a person wants it replaced. */
  drain: `${API_GROUP}/drain`,
  /** On a revision: when the cluster last matched it completely, ISO 8601. */
  completedAt: `${API_GROUP}/completed-at`,
  /** On a revision: when its rollout started, ISO 8601; absent while it waits for other clusters. */
  startedAt: `${API_GROUP}/started-at`,
  /** On a revision: the upgrade to it, as JSON. */
  upgrade: `${API_GROUP}/upgrade`,
  /** On a cluster: name of the revision whose upgrade a person approved. */
  approve: `${API_GROUP}/approve`,
  /** On a cluster: `<revision>/<start of its upgrade>` that a person wants undone. */
  rollBackUpgrade: `${API_GROUP}/roll-back-upgrade`,
  /** On a cluster: `<revision>/<time of its failure>` that a person wants tried again. */
  retryUpgrade: `${API_GROUP}/retry-upgrade`,
  /** On a ConfigMap: the settings level that it was rendered for. */
  settingsLevel: `${API_GROUP}/settings-level`,
  /** On the config: version of its list of tenants. */
  tenants: `${API_GROUP}/tenants`,
  /** On a cluster: a new value restarts all pods, stage by stage. */
  restartedAt: `${API_GROUP}/restarted-at`,
  /** On a cluster: a generation of its spec whose rollout stages do not wait for each other. */
  forceRollout: `${API_GROUP}/force-rollout`,
  /** On a cluster: ID of another cluster, whose external stores this one takes over. */
  takeOverStores: `${API_GROUP}/take-over-stores`,
  /** On an object of others: name or uid of the cluster that takes it over. */
  adopt: `${API_GROUP}/adopt`,
  /** On a cluster: time at which the user accepted new credentials in place of lost ones, ISO 8601; valid for an hour. */
  newCredentialsAt: `${API_GROUP}/new-credentials-at`,
} as const;
/** Label of objects without an owner reference: the cluster that they belong to. */
export const CLUSTER_LABEL = `${API_GROUP}/cluster`;
export const REVISION_LABEL = `${API_GROUP}/gateway-revision`;
/** On a revision: hash of what it is made of. */
export const REVISION_HASH_LABEL = `${API_GROUP}/revision-hash`;
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

/** The cluster to which the labels of an object of the operator point. */
export function ownerOfLabels(labels: Readonly<Record<string, string>> = {}): string | undefined {
  return labels[CLUSTER_LABEL] ?? labels['app.kubernetes.io/instance'];
}

/** Label selector for all objects of a cluster. */
export function clusterSelector(cluster: string): string {
  return `app.kubernetes.io/managed-by=${MANAGED_BY},app.kubernetes.io/instance=${cluster}`;
}

/** Names of the objects of a cluster. */
export const nameOf = {
  component: (cluster: string, component: Component) => `${cluster}-${component}`,
  gatewayRevision: (cluster: string, revision: string) => `${cluster}-gateway-${revision}`,
  /** A revision of the cluster. */
  revision: (cluster: string, hash: string) => `${cluster}-revision-${hash}`,
  /** The config of template version 1. */
  config: (cluster: string) => `${cluster}-config`,
  /** The config of a revision, by a hash of its startup settings. */
  hashedConfig: (cluster: string, hash: string) => `${cluster}-config-${hash}`,
  /** Generated passwords of managed stores; kept as long as their volumes. */
  credentials: (cluster: string) => `${cluster}-credentials`,
  /** Credentials and connection strings of the stores, for the processes of template version 1. */
  connection: (cluster: string) => `${cluster}-connection`,
  /** The same of a revision, by a hash of its contents. */
  hashedConnection: (cluster: string, hash: string) => `${cluster}-connection-${hash}`,
  /** Keys of the tenants, and the index of their settings. */
  tenants: (cluster: string) => `${cluster}-tenants`,
  /** A part of their settings, and of their credentials. */
  tenantShard: (cluster: string, shard: number) => `${cluster}-tenants-${String(shard).padStart(2, '0')}`,
  /**
   * A tenant's admin user and secret, for users and openimctl. The name of no cluster has a dot, so that it is the name
   * of no other cluster's object, whatever the ID of the tenant.
   */
  admin: (cluster: string, tenantID: string = DEFAULT_TENANT) =>
    tenantID === DEFAULT_TENANT ? `${cluster}-admin` : `${cluster}.tenant.${tenantID}`,
  /** The same of a tenant in another namespace than its cluster, by the name of its resource; in that namespace. */
  adminElsewhere: (tenant: string) => `${tenant.slice(0, 240)}.openim-admin`,
  /** The name of the same Secret in clusters of an earlier version. */
  formerAdmin: (cluster: string, tenantID: string) => `${cluster}-tenant-${tenantID}`,
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
