import { DEFAULT_CONFIG } from '@im/contract';
import type {
  HttpRouteSettings,
  IngressSettings,
  LocalRef,
  OpenIMClusterAttempts,
  OpenIMClusterConsole,
  OpenIMClusterCronRetention,
  OpenIMClusterCronSchedules,
  OpenIMClusterGatewayHandshakesPerLogin,
  OpenIMClusterGatewayRequests,
  OpenIMClusterLimits,
  OpenIMClusterOfflinePush,
  OpenIMClusterSpec,
  OpenIMClusterTracing,
  OpenIMClusterWebhooks,
  PodTemplateSettings,
  ResourceSettings,
  ServiceSettings,
  StorageSettings,
  WorkloadSettings,
} from '../gen/openimcluster.ts';
import {
  type EffectiveAutoscaling,
  type EffectiveRebalance,
  effectiveAutoscaling,
  effectiveRebalance,
  gatewayReplicas,
} from './autoscaling.ts';
import { PORTS, RESOURCES, STORAGE, STORE_IMAGES } from './defaults.ts';
import { type EffectiveMonitoring, effectiveMonitoring } from './effective-monitoring.ts';
import {
  type EffectiveObjectStorage,
  type EffectiveService,
  type ExternalByUri,
  type ExternalNats,
  effectiveByUri,
  effectiveNats,
  effectiveObjectStorage,
  type ManagedNats,
  type ManagedStore,
} from './effective-stores.ts';
import { CONSOLE, PROBER, PROCESS_ROLES, type ProcessRole } from './names.ts';
import { podTemplateSettings } from './pod-template-settings.ts';

/** Defaults that depend on the operator's version. */
export interface OperatorDefaults {
  /** Version of the operator, and of services without `spec.version`. */
  readonly version: string;
  /** Image of the operator, which also contains all roles. */
  readonly image: string;
}

/** Pods of one role. */
export interface EffectiveWorkload {
  readonly replicas: number;
  readonly resources: ResourceSettings;
  readonly podTemplate: PodTemplateSettings;
}

/** The web console. */
export interface EffectiveConsole
  extends Omit<OpenIMClusterConsole, 'replicas' | 'resources' | 'podTemplate' | 'service'> {
  /** Present when it has separate pods. */
  readonly own?: EffectiveWorkload & { readonly service: EffectiveService };
}

/** A spec with all defaults filled in. */
export interface EffectiveSpec {
  readonly profile: 'Development' | 'Production';
  readonly version: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets: readonly LocalRef[];
  readonly serviceAccount?: OpenIMClusterSpec['serviceAccount'];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly deletionPolicy: 'Retain' | 'Purge';
  readonly gateway: EffectiveWorkload & {
    readonly autoscaling?: EffectiveAutoscaling;
    readonly rebalance: EffectiveRebalance;
    readonly maxConnectionsPerPod: number;
    /** An absent setting, here and below, has the default of the services. */
    readonly maxConnectionsPerUser?: number;
    readonly requests?: OpenIMClusterGatewayRequests;
    readonly handshakes: {
      readonly ratePerSecond: number;
      readonly burst: number;
      readonly perLogin?: OpenIMClusterGatewayHandshakesPerLogin;
    };
    readonly drain: {
      readonly deadlineSeconds: number;
      readonly maxConnectionsPerSecond: number;
      /** Number, or percentage of `replicas`. */
      readonly maxConcurrentPods: number | string;
    };
    readonly rollout: {
      /** Number, or percentage of `replicas`. */
      readonly maxSurge: number | string;
    };
    readonly service: EffectiveService;
    readonly ingress?: IngressSettings;
    readonly httpRoute?: HttpRouteSettings;
    readonly publicURL?: string;
  };
  readonly api: EffectiveWorkload & {
    readonly maxConnectionsPerPod?: number;
    readonly service: EffectiveService;
    readonly ingress?: IngressSettings;
    readonly httpRoute?: HttpRouteSettings;
    readonly publicURL?: string;
    readonly grafanaURL?: string;
    readonly discoverProcesses?: boolean;
  };
  readonly rpc: EffectiveWorkload;
  readonly transfer: EffectiveWorkload;
  readonly push: EffectiveWorkload & {
    readonly provider: 'None' | 'Log';
    readonly wakesPerUserPerMinute: number;
    readonly wakesPerUserBurst?: number;
  };
  readonly cron: EffectiveWorkload & {
    readonly schedules?: OpenIMClusterCronSchedules;
    readonly retention?: OpenIMClusterCronRetention;
    readonly searchIndexes?: boolean;
    readonly runMinutes?: number;
  };
  /** Present when it is enabled. */
  readonly prober?: EffectiveWorkload & { readonly messagesPerSecond?: number };
  readonly nats: (ManagedNats | ExternalNats) & { readonly tenantLogShare?: number };
  readonly mongodb: (ManagedStore | ExternalByUri) & { readonly database: string };
  readonly redis: ManagedStore | ExternalByUri;
  readonly objectStorage: EffectiveObjectStorage;
  readonly limits?: OpenIMClusterLimits;
  readonly webhooks?: OpenIMClusterWebhooks;
  readonly offlinePush?: OpenIMClusterOfflinePush;
  readonly tracing?: OpenIMClusterTracing;
  readonly console?: EffectiveConsole;
  readonly attempts?: OpenIMClusterAttempts;
  readonly networkPolicy: { readonly enabled: boolean; readonly monitoringNamespaces: readonly string[] };
  /** Present when something of it is enabled. */
  readonly monitoring?: EffectiveMonitoring;
}

/** Roles that a cluster runs. */
export function rolesOf({ prober, console }: Pick<EffectiveSpec, 'prober' | 'console'>): ProcessRole[] {
  return PROCESS_ROLES.filter((role) => {
    if (role === PROBER) return prober !== undefined;
    return role !== CONSOLE || console?.own !== undefined;
  });
}

type SizedComponent = keyof (typeof RESOURCES)['Development'];

/**
 * Images, number of gateways and other parts of the pods that a cluster runs, from its status; kept unless the manifest
 * sets others.
 */
export interface RunningImages {
  readonly gateway?: {
    readonly replicas?: number;
    readonly drain?: { readonly deadlineSeconds?: number };
  };
  readonly version?: string;
  readonly image?: string;
  readonly nats?: { readonly image?: string };
  readonly mongodb?: { readonly image?: string };
  readonly redis?: { readonly image?: string };
  readonly objectStorage?: { readonly image?: string };
}

/** Longest drain in new clusters, s: with the time to stop it is less than the ten minutes that autoscalers of nodes wait. */
const DRAIN_DEADLINE_SECONDS = 540;

/**
 * The effective spec: the manifest with the defaults of profile and operator. Images and the number of gateways do not
 * change until the manifest changes them, so that an upgrade of the operator restarts nothing.
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
    podTemplate: podTemplateSettings(spec.podTemplate, given.podTemplate),
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
    podTemplate: podTemplateSettings(spec.podTemplate, given.podTemplate),
  });

  const consoleSettings = (): EffectiveConsole | undefined => {
    if (!spec.console) return undefined;
    const { replicas, resources, podTemplate, service: given, ...settings } = spec.console;
    if (replicas === undefined || settings.enabled === false) return settings;
    const pods = workload('console', { replicas, resources, podTemplate });
    return { ...settings, own: { ...pods, service: service('console', given) } };
  };

  const maxConnectionsPerPod = spec.gateway?.maxConnectionsPerPod ?? DEFAULT_CONFIG.gateway.maxConnections;
  const autoscaling =
    spec.gateway?.autoscaling && effectiveAutoscaling(spec.gateway.autoscaling, maxConnectionsPerPod);
  const monitoring = effectiveMonitoring(spec.monitoring);
  return {
    profile,
    version: spec.version ?? running.version ?? operator.version,
    image: spec.image ?? imageOf(spec.version, operator, running),
    imagePullPolicy: spec.imagePullPolicy ?? 'IfNotPresent',
    imagePullSecrets: spec.imagePullSecrets ?? [],
    ...(spec.serviceAccount && { serviceAccount: spec.serviceAccount }),
    logLevel: spec.logLevel ?? 'info',
    deletionPolicy: spec.deletionPolicy ?? 'Retain',
    gateway: {
      ...workload('gateway', spec.gateway),
      replicas: gatewayReplicas(spec.gateway?.replicas, autoscaling, running.gateway?.replicas),
      autoscaling,
      rebalance: effectiveRebalance(spec.gateway?.rebalance),
      maxConnectionsPerPod,
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
          spec.gateway?.drain?.deadlineSeconds ??
          running.gateway?.drain?.deadlineSeconds ??
          DRAIN_DEADLINE_SECONDS,
        maxConnectionsPerSecond:
          spec.gateway?.drain?.maxConnectionsPerSecond ?? DEFAULT_CONFIG.gateway.drain.maxPerSecond,
        maxConcurrentPods: spec.gateway?.drain?.maxConcurrentPods ?? '25%',
      },
      rollout: { maxSurge: spec.gateway?.rollout?.maxSurge ?? '100%' },
      service: service('gateway', spec.gateway?.service),
      ingress: spec.gateway?.ingress,
      httpRoute: spec.gateway?.httpRoute,
      publicURL: spec.gateway?.publicURL,
    },
    api: {
      ...workload('api', spec.api),
      maxConnectionsPerPod: spec.api?.maxConnectionsPerPod,
      service: service('api', spec.api?.service),
      ingress: spec.api?.ingress,
      httpRoute: spec.api?.httpRoute,
      publicURL: spec.api?.publicURL,
      grafanaURL: spec.api?.grafanaURL,
      discoverProcesses: spec.api?.discoverProcesses,
    },
    rpc: workload('rpc', spec.rpc),
    transfer: workload('transfer', spec.transfer),
    push: {
      ...workload('push', spec.push, profile === 'Production' ? 2 : 1),
      provider: spec.push?.provider ?? 'None',
      wakesPerUserPerMinute: spec.push?.wakesPerUserPerMinute ?? DEFAULT_CONFIG.push.wakesPerUser.perMinute,
      wakesPerUserBurst: spec.push?.wakesPerUserBurst,
    },
    cron: {
      ...workload('cron', { ...spec.cron, replicas: 1 }),
      schedules: spec.cron?.schedules,
      retention: spec.cron?.retention,
      searchIndexes: spec.cron?.searchIndexes,
      runMinutes: spec.cron?.runMinutes,
    },
    ...(spec.prober?.enabled && {
      prober: {
        ...workload('prober', { ...spec.prober, replicas: 1 }),
        messagesPerSecond: spec.prober.messagesPerSecond,
      },
    }),
    nats: { ...effectiveNats(spec, profile, store), tenantLogShare: spec.nats?.tenantLogShare },
    mongodb: {
      ...effectiveByUri('mongodb', spec, store),
      database: spec.mongodb?.database ?? DEFAULT_CONFIG.mongo.database,
    },
    redis: effectiveByUri('redis', spec, store),
    objectStorage: effectiveObjectStorage(spec, store, service),
    limits: spec.limits,
    webhooks: spec.webhooks,
    offlinePush: spec.offlinePush,
    tracing: spec.tracing,
    console: consoleSettings(),
    attempts: spec.attempts,
    networkPolicy: {
      enabled: spec.networkPolicy?.enabled ?? true,
      monitoringNamespaces: spec.networkPolicy?.monitoringNamespaces ?? [],
    },
    ...(monitoring && { monitoring }),
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
