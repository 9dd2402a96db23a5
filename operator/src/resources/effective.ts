import { DEFAULT_CONFIG } from '@im/contract';
import type {
  CredentialsRef,
  IngressSettings,
  LocalRef,
  OpenIMClusterAttempts,
  OpenIMClusterGatewayHandshakesPerLogin,
  OpenIMClusterGatewayRequests,
  OpenIMClusterLimits,
  OpenIMClusterSpec,
  PodTemplateSettings,
  ResourceSettings,
  ServiceSettings,
  StorageSettings,
  UriRef,
  WorkloadSettings,
} from '../gen/openimcluster.ts';
import { PORTS, RESOURCES, STORAGE, STORE_IMAGES } from './defaults.ts';

/** Defaults that depend on the operator's version. */
export interface OperatorDefaults {
  /** Version of the operator, and of services without `spec.version`. */
  readonly version: string;
  /** Image of the operator, which also contains all roles. */
  readonly image: string;
}

/** A Service with its defaults. */
export interface EffectiveService extends ServiceSettings {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly port: number;
}

/** Pods of one role. */
export interface EffectiveWorkload {
  readonly replicas: number;
  readonly resources: ResourceSettings;
  readonly podTemplate: PodTemplateSettings;
}

/** A volume. */
export interface EffectiveStorage extends StorageSettings {
  readonly size: string;
}

/** A managed store. */
export interface ManagedStore {
  readonly kind: 'managed';
  readonly image: string;
  readonly storage: EffectiveStorage;
  readonly resources: ResourceSettings;
  readonly podTemplate: PodTemplateSettings;
}

/** Managed NATS. */
export interface ManagedNats extends ManagedStore {
  readonly replicas: 1 | 3;
  /** Whether every write is synced to disk before it is acknowledged. */
  readonly syncAlways: boolean;
  readonly logStorage: 'file' | 'memory';
}

/** External NATS. */
export interface ExternalNats {
  readonly kind: 'external';
  readonly servers: readonly string[];
  readonly credentialsSecretRef?: Required<CredentialsRef>;
  readonly replicas: 1 | 3 | 5;
  readonly logMaxBytes?: number;
  readonly seqMaxBytes?: number;
}

/** An external store with a connection string in a Secret. */
export interface ExternalByUri {
  readonly kind: 'external';
  readonly uriSecretRef: Required<UriRef>;
}

/** Managed object storage. */
export interface ManagedObjectStorage extends ManagedStore {
  readonly service: EffectiveService;
}

/** External object storage. */
export interface ExternalObjectStorage {
  readonly kind: 'external';
  readonly endpoint: string;
  readonly region: string;
  readonly credentialsSecretRef: Required<CredentialsRef>;
}

/** A spec with all defaults filled in. */
export interface EffectiveSpec {
  readonly profile: 'Development' | 'Production';
  readonly version: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets: readonly LocalRef[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly deletionPolicy: 'Retain' | 'Purge';
  readonly gateway: EffectiveWorkload & {
    readonly maxConnectionsPerPod: number;
    /** An absent setting, here and below, has the default of the services. */
    readonly maxConnectionsPerUser?: number;
    readonly requests?: OpenIMClusterGatewayRequests;
    readonly handshakes: {
      readonly ratePerSecond: number;
      readonly burst: number;
      readonly perLogin?: OpenIMClusterGatewayHandshakesPerLogin;
    };
    readonly drain: { readonly deadlineSeconds: number; readonly maxPerSecond: number };
    readonly service: EffectiveService;
    readonly ingress?: IngressSettings;
    readonly publicURL?: string;
  };
  readonly api: EffectiveWorkload & {
    readonly service: EffectiveService;
    readonly ingress?: IngressSettings;
    readonly publicURL?: string;
  };
  readonly rpc: EffectiveWorkload;
  readonly transfer: EffectiveWorkload;
  readonly push: EffectiveWorkload & {
    readonly provider: 'none' | 'log';
    readonly wakesPerUserPerMinute: number;
    readonly wakesPerUserBurst?: number;
  };
  readonly cron: EffectiveWorkload & {
    readonly messageExpiry?: string;
    readonly objectExpiry?: string;
    readonly uploadExpiry?: string;
    readonly tokenExpiry?: string;
    readonly messageDestruct?: string;
    readonly objectDays?: number;
    readonly objectGroups?: readonly string[];
  };
  readonly nats: (ManagedNats | ExternalNats) & { readonly tenantLogShare?: number };
  readonly mongodb: (ManagedStore | ExternalByUri) & { readonly database: string };
  readonly redis: ManagedStore | ExternalByUri;
  readonly objectStorage: (ManagedObjectStorage | ExternalObjectStorage) & {
    readonly bucket: string;
    readonly publicURL?: string;
  };
  readonly limits?: OpenIMClusterLimits;
  readonly attempts?: OpenIMClusterAttempts;
  readonly networkPolicy: { readonly enabled: boolean; readonly monitoringNamespaces: readonly string[] };
}

type SizedComponent = keyof (typeof RESOURCES)['Development'];

/** Images that a cluster runs, from its status; kept unless the manifest sets others. */
export interface RunningImages {
  readonly version?: string;
  readonly image?: string;
  readonly nats?: { readonly image?: string };
  readonly mongodb?: { readonly image?: string };
  readonly redis?: { readonly image?: string };
  readonly objectStorage?: { readonly image?: string };
}

/**
 * The effective spec: the manifest with the defaults of profile and operator. Images do not change until the manifest
 * changes them, so that an upgrade of the operator restarts nothing.
 * @param spec accepted by the API server, so that the rules of the schema hold.
 */
export function effectiveSpec(
  spec: OpenIMClusterSpec,
  operator: OperatorDefaults,
  running: RunningImages = {},
): EffectiveSpec {
  const profile = spec.profile ?? 'Development';

  const workload = (
    component: SizedComponent,
    given: WorkloadSettings = {},
    replicas = 2,
  ): EffectiveWorkload => ({
    replicas: given.replicas ?? replicas,
    resources: given.resources ?? RESOURCES[profile][component],
    podTemplate: given.podTemplate ?? {},
  });
  const service = (component: keyof typeof PORTS, given: ServiceSettings = {}): EffectiveService => ({
    ...given,
    type: given.type ?? 'ClusterIP',
    port: given.port ?? PORTS[component],
  });
  const store = (
    component: keyof typeof STORAGE,
    given: {
      image?: string;
      storage?: StorageSettings;
      resources?: ResourceSettings;
      podTemplate?: PodTemplateSettings;
    } = {},
  ): ManagedStore => ({
    kind: 'managed',
    image: given.image ?? running[component]?.image ?? STORE_IMAGES[component],
    storage: { ...given.storage, size: given.storage?.size ?? STORAGE[component] },
    resources: given.resources ?? RESOURCES[profile][component],
    podTemplate: given.podTemplate ?? {},
  });

  return {
    profile,
    version: spec.version ?? running.version ?? operator.version,
    image: spec.image ?? imageOf(spec.version, operator, running),
    imagePullPolicy: spec.imagePullPolicy ?? 'IfNotPresent',
    imagePullSecrets: spec.imagePullSecrets ?? [],
    logLevel: spec.logLevel ?? 'info',
    deletionPolicy: spec.deletionPolicy ?? 'Retain',
    gateway: {
      ...workload('gateway', spec.gateway),
      maxConnectionsPerPod: spec.gateway?.maxConnectionsPerPod ?? DEFAULT_CONFIG.gateway.maxConnections,
      maxConnectionsPerUser: spec.gateway?.maxConnectionsPerUser,
      requests: spec.gateway?.requests,
      handshakes: {
        ratePerSecond:
          spec.gateway?.handshakes?.ratePerSecond ?? DEFAULT_CONFIG.gateway.handshakes.ratePerSecond,
        burst: spec.gateway?.handshakes?.burst ?? DEFAULT_CONFIG.gateway.handshakes.burst,
        perLogin: spec.gateway?.handshakes?.perLogin,
      },
      drain: {
        deadlineSeconds:
          spec.gateway?.drain?.deadlineSeconds ?? DEFAULT_CONFIG.gateway.drain.deadlineMs / 1_000,
        maxPerSecond: spec.gateway?.drain?.maxPerSecond ?? DEFAULT_CONFIG.gateway.drain.maxPerSecond,
      },
      service: service('gateway', spec.gateway?.service),
      ingress: spec.gateway?.ingress,
      publicURL: spec.gateway?.publicURL,
    },
    api: {
      ...workload('api', spec.api),
      service: service('api', spec.api?.service),
      ingress: spec.api?.ingress,
      publicURL: spec.api?.publicURL,
    },
    rpc: workload('rpc', spec.rpc),
    transfer: workload('transfer', spec.transfer),
    push: {
      ...workload('push', spec.push, profile === 'Production' ? 2 : 1),
      provider: spec.push?.provider ?? DEFAULT_CONFIG.push.provider,
      wakesPerUserPerMinute: spec.push?.wakesPerUserPerMinute ?? DEFAULT_CONFIG.push.wakesPerUser.perMinute,
      wakesPerUserBurst: spec.push?.wakesPerUserBurst,
    },
    cron: {
      ...workload('cron', { ...spec.cron, replicas: 1 }),
      messageExpiry: spec.cron?.messageExpiry,
      objectExpiry: spec.cron?.objectExpiry,
      uploadExpiry: spec.cron?.uploadExpiry,
      tokenExpiry: spec.cron?.tokenExpiry,
      messageDestruct: spec.cron?.messageDestruct,
      objectDays: spec.cron?.objectDays,
      objectGroups: spec.cron?.objectGroups,
    },
    nats: { ...effectiveNats(spec, profile, store), tenantLogShare: spec.nats?.tenantLogShare },
    mongodb: {
      ...effectiveByUri('mongodb', spec, store),
      database: spec.mongodb?.database ?? DEFAULT_CONFIG.mongo.database,
    },
    redis: effectiveByUri('redis', spec, store),
    objectStorage: effectiveObjectStorage(spec, store, service),
    limits: spec.limits,
    attempts: spec.attempts,
    networkPolicy: {
      enabled: spec.networkPolicy?.enabled ?? true,
      monitoringNamespaces: spec.networkPolicy?.monitoringNamespaces ?? [],
    },
  };
}

/** The image of a version: the running one, the operator's, or the operator's repository with another tag. */
function imageOf(version: string | undefined, operator: OperatorDefaults, running: RunningImages): string {
  const wanted = version ?? running.version ?? operator.version;
  if (running.image !== undefined && wanted === running.version) return running.image;
  if (wanted === operator.version) return operator.image;
  const repository = operator.image.replace(/@sha256:[a-f0-9]+$/, '').replace(/:[^:/]+$/, '');
  return `${repository}:${wanted}`;
}

type MakeStore = (
  component: keyof typeof STORAGE,
  given?: {
    image?: string;
    storage?: StorageSettings;
    resources?: ResourceSettings;
    podTemplate?: PodTemplateSettings;
  },
) => ManagedStore;

function effectiveNats(
  { nats, durability }: OpenIMClusterSpec,
  profile: EffectiveSpec['profile'],
  store: MakeStore,
): ManagedNats | ExternalNats {
  if (nats?.external) {
    const { servers, credentialsSecretRef, replicas, logMaxBytes, seqMaxBytes } = nats.external;
    return {
      kind: 'external',
      servers,
      credentialsSecretRef: credentialsSecretRef && credentials(credentialsSecretRef),
      replicas: replicas ?? 3,
      ...(logMaxBytes === undefined ? {} : { logMaxBytes }),
      ...(seqMaxBytes === undefined ? {} : { seqMaxBytes }),
    };
  }
  const replicas = nats?.managed?.replicas ?? (profile === 'Production' ? 3 : 1);
  return {
    ...store('nats', nats?.managed),
    replicas: replicas === 3 ? 3 : 1,
    syncAlways: durability === undefined || durability === 'FsyncQuorum',
    logStorage: durability === 'Memory' ? 'memory' : 'file',
  };
}

function effectiveByUri(
  component: 'mongodb' | 'redis',
  spec: OpenIMClusterSpec,
  store: MakeStore,
): ManagedStore | ExternalByUri {
  const ref = spec[component]?.external?.uriSecretRef;
  if (ref) return { kind: 'external', uriSecretRef: { name: ref.name, key: ref.key ?? 'uri' } };
  return store(component, spec[component]?.managed);
}

function effectiveObjectStorage(
  { objectStorage }: OpenIMClusterSpec,
  store: MakeStore,
  service: (component: 'objectStorage', given?: ServiceSettings) => EffectiveService,
): EffectiveSpec['objectStorage'] {
  const common = {
    bucket: objectStorage?.bucket ?? DEFAULT_CONFIG.s3.bucket,
    publicURL: objectStorage?.publicURL,
  };
  if (objectStorage?.external) {
    const { endpoint, region, credentialsSecretRef } = objectStorage.external;
    return {
      kind: 'external',
      endpoint,
      region: region ?? DEFAULT_CONFIG.s3.region,
      credentialsSecretRef: credentials(credentialsSecretRef),
      ...common,
    };
  }
  return {
    ...store('objectStorage', objectStorage?.managed),
    service: service('objectStorage', objectStorage?.managed?.service),
    ...common,
  };
}

function credentials(ref: CredentialsRef): Required<CredentialsRef> {
  return {
    name: ref.name,
    userKey: ref.userKey ?? 'username',
    passwordKey: ref.passwordKey ?? 'password',
  };
}
