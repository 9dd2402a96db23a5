import { DEFAULT_PORTS, runtimeFlags } from '@im/contract';
import type { Container, Deployment, PodTemplate, ServiceAccount } from '@im/kube';
import {
  CONFIG_DIR,
  CONFIG_FILE,
  CONNECTION_DIR,
  RPC_DOMAINS,
  RPC_KEY_FILE,
  TENANT_SHARDS_DIR,
  TENANTS_DIR,
} from './config.ts';
import { consoleBackend, isConsoleServed } from './console-address.ts';
import type { EffectiveSpec, EffectiveWorkload } from './effective.ts';
import {
  ANNOTATION,
  CONSOLE,
  metadataOf,
  nameOf,
  OPS_PORT,
  OPS_PORT_NAME,
  type Owner,
  PROBER,
  type ProcessRole,
  REVISION_LABEL,
  selectorLabels,
} from './names.ts';
import { containerResources, podTemplate, templateHash } from './pod-template.ts';
import { quantity } from './quantity.ts';
import { type ResourceAccess, resourceAccess } from './resource-access.ts';
import { storeTlsVolume, type Volume } from './store-tls.ts';
import { shardNames } from './tenant-shards.ts';

/**
 * Names of the objects that the pods of a role mount, and with them the template version. Version 1 mounts the same
 * names for ever; version 2 mounts what the revision of the cluster names, so that an old pod that is restarted during
 * a rollout starts with the settings that it had.
 */
export interface Mounts {
  readonly config: string;
  readonly connection: string;
}

/** What a workload or pod of a role mounts, and the hash of the settings that it was created with. */
export interface ObservedMounts extends Mounts {
  readonly role: ProcessRole;
  readonly restartHash: string | undefined;
  /** Whether it mounts the shards of tenants, as from template version 3 on. */
  readonly shards?: boolean;
}

/** Input of the workload of a role. */
export interface WorkloadInput {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  /** Hash of the settings that the role reads at startup only. */
  readonly restartHash: string;
  /** Value of the restart annotation of the cluster; part of the template. */
  readonly restartedAt?: string | undefined;
  /** What the pods mount. @default the names of template version 1 */
  readonly mounts?: Mounts | undefined;
  /** Whether the pods mount the shards of tenants, as from template version 3 on. @default false */
  readonly shards?: boolean;
  /**
   * Whether gateways prefer other nodes than those of their own revision alone, as from template version 4 on, and not
   * than those of all revisions. @default false
   */
  readonly apartByRevision?: boolean;
  /**
   * Whether pods that serve the console know their OpenIMCluster and the CA of the API server, as from template version 5
   * on; they get no right to read it. @default false
   */
  readonly knowsResource?: boolean;
}

/** Share of the memory limit for V8's old space; the rest is for buffers, stacks and code. */
const HEAP_SHARE = 0.7;
/** Time in which a process that was asked to stop serves on, until endpoints are updated, s. */
const SETTLE_SECONDS = 5;
/** Time for a process to stop after it drained, including its own limits, s. */
const STOP_SECONDS = 30;
/** Time after which a process that does not answer is restarted, s. */
const START_SECONDS = 120;

/** Ports of a role's container, by the port names of Services. */
function portsOf(role: ProcessRole): { name: string; containerPort: number; protocol: string }[] {
  const named: Record<string, number> = { [OPS_PORT_NAME]: OPS_PORT };
  if (role === 'gateway') named.ws = DEFAULT_PORTS.gateway;
  if (role === 'api' || role === CONSOLE) named.http = DEFAULT_PORTS.api;
  if (role === 'rpc') for (const domain of RPC_DOMAINS) named[domain] = DEFAULT_PORTS[domain];
  return Object.entries(named).map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' }));
}

function container(
  role: ProcessRole,
  effective: EffectiveSpec,
  workload: EffectiveWorkload,
  shards: boolean,
  resource: ResourceAccess | undefined,
): Container {
  const storeTls = storeTlsVolume(effective);
  const ops = (path: string) => ({ path, port: OPS_PORT_NAME, scheme: 'HTTP' });
  const memory = quantity(workload.resources.limits?.memory);
  const heapMiB = memory === undefined ? undefined : Math.floor((memory * HEAP_SHARE) / 1_048_576);
  const nodeOptions = [
    ...(heapMiB === undefined ? [] : [`--max-old-space-size=${heapMiB}`]),
    ...runtimeFlags([role]),
  ];
  return {
    name: role,
    image: effective.image,
    imagePullPolicy: effective.imagePullPolicy,
    args: ['serve', role, '--config', CONFIG_FILE],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
      ...(nodeOptions.length === 0 ? [] : [{ name: 'NODE_OPTIONS', value: nodeOptions.join(' ') }]),
      ...(resource?.env ?? []),
    ],
    ports: portsOf(role),
    resources: containerResources(workload.resources),
    startupProbe: {
      httpGet: ops('/healthz'),
      periodSeconds: 1,
      timeoutSeconds: 2,
      successThreshold: 1,
      failureThreshold: START_SECONDS,
    },
    // A busy process is not dead: only a minute without an answer counts.
    livenessProbe: {
      httpGet: ops('/healthz'),
      periodSeconds: 10,
      timeoutSeconds: 10,
      successThreshold: 1,
      failureThreshold: 6,
    },
    readinessProbe: {
      httpGet: ops('/readyz'),
      periodSeconds: 2,
      timeoutSeconds: 3,
      successThreshold: 1,
      failureThreshold: 2,
    },
    lifecycle: { preStop: { httpGet: ops('/prestop') } },
    volumeMounts: [
      { name: 'config', mountPath: CONFIG_DIR, readOnly: true },
      { name: 'connection', mountPath: CONNECTION_DIR, readOnly: true },
      { name: 'tenants', mountPath: TENANTS_DIR, readOnly: true },
      ...(shards ? [{ name: SHARDS_VOLUME, mountPath: TENANT_SHARDS_DIR, readOnly: true }] : []),
      { name: 'tmp', mountPath: '/tmp' },
      ...(storeTls ? [storeTls.mount] : []),
      ...(resource ? [resource.mount] : []),
    ],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

function templateOf(
  role: ProcessRole,
  {
    owner,
    effective,
    restartHash,
    restartedAt,
    mounts,
    shards = false,
    apartByRevision = false,
    knowsResource = false,
  }: WorkloadInput,
  labels: Record<string, string> = {},
): PodTemplate {
  const workload = workloadOf(effective, role);
  const storeTls = storeTlsVolume(effective);
  const servesConsole = isConsoleServed(effective) && consoleBackend(effective).name === role;
  const resource = knowsResource && servesConsole ? resourceAccess(owner) : undefined;
  const stopSeconds =
    role === 'gateway' ? effective.gateway.drain.deadlineSeconds + 30 : SETTLE_SECONDS + STOP_SECONDS;
  return podTemplate(
    owner,
    role,
    {
      labels,
      annotations: {
        [ANNOTATION.restartHash]: restartHash,
        ...(restartedAt === undefined ? {} : { [ANNOTATION.restartedAt]: restartedAt }),
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(OPS_PORT),
        'prometheus.io/path': '/metrics',
      },
      ...(role === 'gateway' && apartByRevision ? { apartFrom: sameRevision(owner, labels) } : {}),
      spec: {
        terminationGracePeriodSeconds: stopSeconds,
        // The kernel does not deliver SIGTERM to a process 1 without a handler: a pod that is deleted right after
        // its start would otherwise take its whole grace period, minutes for a gateway.
        shareProcessNamespace: true,
        ...(effective.imagePullSecrets.length === 0
          ? {}
          : { imagePullSecrets: effective.imagePullSecrets.map(({ name }) => ({ name })) }),
        containers: [container(role, effective, workload, shards, resource)],
        volumes: [
          ...(mounts === undefined || mounts.config === nameOf.config(owner.name)
            ? fixedVolumes(owner)
            : revisionVolumes(owner, mounts)),
          ...(shards
            ? shardVolumes(owner)
            : [{ name: 'tenants', secret: { secretName: nameOf.tenants(owner.name), defaultMode: 0o440 } }]),
          { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
          ...(storeTls ? [storeTls.volume] : []),
          ...(resource ? [resource.volume] : []),
        ],
      },
    },
    workload.podTemplate,
  );
}

/**
 * Selects the gateways of one revision: old ones, which are about to go, must not keep new ones from their nodes. In the
 * template from which the name of a revision is computed, that name is empty.
 */
function sameRevision({ name }: Owner, labels: Readonly<Record<string, string>>): Record<string, string> {
  return { ...selectorLabels(name, 'gateway'), [REVISION_LABEL]: labels[REVISION_LABEL] ?? '' };
}

/** The settings of a role's pods. @throws RangeError for a role that is not enabled. */
export function workloadOf(effective: EffectiveSpec, role: ProcessRole): EffectiveWorkload {
  const workload = role === CONSOLE ? effective.console?.own : effective[role];
  if (!workload) throw new RangeError(`${role} is not enabled`);
  return workload;
}

/** Config and connection in template version 1. */
function fixedVolumes(owner: Owner): Volume[] {
  const { config, connection } = fixedMounts(owner);
  return [
    { name: 'config', configMap: { name: config, defaultMode: 0o440 } },
    { name: 'connection', secret: { secretName: connection, defaultMode: 0o440 } },
  ];
}

/**
 * Config and connection in template version 2. The key of the cluster changes while processes run, so it is not part
 * of the immutable Secret, but appears in the same directory.
 */
function revisionVolumes({ name }: Owner, { config, connection }: Mounts): Volume[] {
  const key = { key: 'rpcKey', path: RPC_KEY_FILE };
  return [
    { name: 'config', configMap: { name: config, defaultMode: 0o440 } },
    {
      name: 'connection',
      projected: {
        defaultMode: 0o440,
        sources: [
          { secret: { name: connection } },
          { secret: { name: nameOf.credentials(name), items: [key] } },
        ],
      },
    },
  ];
}

/** Volume of the shards with settings of tenants. */
const SHARDS_VOLUME = 'tenant-settings';

/** Shards need not exist when a pod starts: those that appear later are mounted with the next refresh. */
function shardVolumes({ name: cluster }: Owner): Volume[] {
  const names = [nameOf.tenants(cluster), ...shardNames(cluster)];
  return [
    {
      name: 'tenants',
      projected: {
        defaultMode: 0o440,
        sources: names.map((name, i) => ({ secret: { name, ...(i === 0 ? {} : { optional: true }) } })),
      },
    },
    {
      name: SHARDS_VOLUME,
      projected: {
        defaultMode: 0o440,
        sources: names.map((name) => ({ configMap: { name, optional: true } })),
      },
    },
  ];
}

/** Whether pods with these volumes mount the shards of tenants. */
export function mountsShards(volumes: readonly Volume[] = []): boolean {
  return volumes.some(({ name }) => name === SHARDS_VOLUME);
}

/** The names that all pods of template version 1 mount. */
export function fixedMounts({ name }: Owner): Mounts {
  return { config: nameOf.config(name), connection: nameOf.connection(name) };
}

/** Whether {@link mountsOf} or {@link mountsShards} reads the volume. */
export function isRevisionVolume({ name }: Volume): boolean {
  return name === 'config' || name === 'connection' || name === SHARDS_VOLUME;
}

/** What pods with these volumes mount; undefined for pods that are not of a role. */
export function mountsOf(volumes: readonly Volume[] = []): Mounts | undefined {
  const volume = (wanted: string) => volumes.find(({ name }) => name === wanted);
  const config = volume('config')?.configMap?.name;
  const { secret, projected } = volume('connection') ?? {};
  const connection = secret?.secretName ?? projected?.sources?.[0]?.secret?.name;
  return config === undefined || connection === undefined ? undefined : { config, connection };
}

/**
 * The Deployment of a role other than the gateway. A rollout starts a new pod before it stops an old one, except for
 * cron and the prober: two pods of them would do the same work.
 * @param scaledByOthers leaves the number of pods to another client. @default false
 */
export function workload(
  role: Exclude<ProcessRole, 'gateway'>,
  input: WorkloadInput,
  scaledByOthers = false,
): Deployment {
  const { owner, effective } = input;
  const template = templateOf(role, input);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...metadataOf(owner, nameOf.component(owner.name, role), role),
      annotations: { [ANNOTATION.templateHash]: templateHash(template) },
    },
    spec: {
      ...(scaledByOthers ? {} : { replicas: workloadOf(effective, role).replicas }),
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: selectorLabels(owner.name, role) },
      strategy:
        role === 'cron' || role === PROBER
          ? { type: 'Recreate' }
          : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template,
    },
  };
}

/** Name of a revision of the gateways: a hash of their pod template. */
export function gatewayRevision(input: WorkloadInput): string {
  return templateHash(templateOf('gateway', input)).slice(0, 10);
}

/**
 * The Deployment of one revision of the gateways. Its template never changes: another revision is another Deployment.
 * @param replicas number at first; absent afterwards, because it has a field manager for itself.
 */
export function gatewayDeployment(input: WorkloadInput, replicas?: number): Deployment {
  const { owner } = input;
  const revision = gatewayRevision(input);
  const labels = { [REVISION_LABEL]: revision };
  const metadata = metadataOf(owner, nameOf.gatewayRevision(owner.name, revision), 'gateway');
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { ...selectorLabels(owner.name, 'gateway'), ...labels } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: templateOf('gateway', input, labels),
    },
  };
}

/** The service account of all pods, without any permission. */
export function serviceAccount(owner: Owner, { serviceAccount: given }: EffectiveSpec): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      ...metadataOf(owner, nameOf.serviceAccount(owner.name)),
      ...(given?.annotations && { annotations: { ...given.annotations } }),
    },
    automountServiceAccountToken: false,
  };
}
