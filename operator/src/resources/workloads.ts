import { DEFAULT_PORTS, runtimeFlags } from '@im/contract';
import type { Container, Deployment, PodTemplate, ServiceAccount } from '@im/kube';
import { CONFIG_DIR, CONFIG_FILE, CONNECTION_DIR, RPC_DOMAINS, TENANTS_DIR } from './config.ts';
import type { EffectiveSpec, EffectiveWorkload } from './effective.ts';
import {
  ANNOTATION,
  metadataOf,
  nameOf,
  OPS_PORT,
  OPS_PORT_NAME,
  type Owner,
  REVISION_LABEL,
  type Role,
  selectorLabels,
} from './names.ts';
import { containerResources, podTemplate, templateHash } from './pod-template.ts';
import { quantity } from './quantity.ts';

/** Input of the workload of a role. */
export interface WorkloadInput {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  /** Hash of the settings that the role reads at startup only. */
  readonly restartHash: string;
  /** Value of the restart annotation of the cluster; part of the template. */
  readonly restartedAt?: string | undefined;
}

/** Share of the memory limit for V8's old space; the rest is for buffers, stacks and code. */
const HEAP_SHARE = 0.7;
/** Time that `/prestop` takes for endpoints to be updated before a process stops, s. */
const PRESTOP_SECONDS = 5;
/** Time for a process to stop after SIGTERM, including its own limits, s. */
const STOP_SECONDS = 30;
/** Time after which a process that does not answer is restarted, s. */
const START_SECONDS = 120;

/** Ports of a role's container, by the port names of Services. */
function portsOf(role: Role): { name: string; containerPort: number; protocol: string }[] {
  const named: Record<string, number> = { [OPS_PORT_NAME]: OPS_PORT };
  if (role === 'gateway') named.ws = DEFAULT_PORTS.gateway;
  if (role === 'api') named.http = DEFAULT_PORTS.api;
  if (role === 'rpc') for (const domain of RPC_DOMAINS) named[domain] = DEFAULT_PORTS[domain];
  return Object.entries(named).map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' }));
}

function container(role: Role, effective: EffectiveSpec, workload: EffectiveWorkload): Container {
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
      { name: 'tmp', mountPath: '/tmp' },
    ],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

function templateOf(
  role: Role,
  { owner, effective, restartHash, restartedAt }: WorkloadInput,
  labels: Record<string, string> = {},
): PodTemplate {
  const workload = effective[role];
  const stopSeconds =
    role === 'gateway' ? effective.gateway.drain.deadlineSeconds + 30 : PRESTOP_SECONDS + STOP_SECONDS;
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
      spec: {
        terminationGracePeriodSeconds: stopSeconds,
        // The kernel does not deliver SIGTERM to a process 1 without a handler: a pod that is deleted right after
        // its start would otherwise take its whole grace period, minutes for a gateway.
        shareProcessNamespace: true,
        ...(effective.imagePullSecrets.length === 0
          ? {}
          : { imagePullSecrets: effective.imagePullSecrets.map(({ name }) => ({ name })) }),
        containers: [container(role, effective, workload)],
        volumes: [
          { name: 'config', configMap: { name: nameOf.config(owner.name), defaultMode: 0o440 } },
          { name: 'connection', secret: { secretName: nameOf.connection(owner.name), defaultMode: 0o440 } },
          { name: 'tenants', secret: { secretName: nameOf.tenants(owner.name), defaultMode: 0o440 } },
          { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
        ],
      },
    },
    workload.podTemplate,
  );
}

/**
 * The Deployment of a role other than the gateway. A rollout starts a new pod before it stops an old one, except for
 * cron: two pods of it would do the same work.
 */
export function workload(role: Exclude<Role, 'gateway'>, input: WorkloadInput): Deployment {
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
      replicas: effective[role].replicas,
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: selectorLabels(owner.name, role) },
      strategy:
        role === 'cron'
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
 * The Deployment of one revision of the gateways. It is never updated: another revision is another Deployment.
 * @param replicas current number, which only the operator changes.
 */
export function gatewayDeployment(input: WorkloadInput, replicas: number): Deployment {
  const { owner } = input;
  const revision = gatewayRevision(input);
  const labels = { [REVISION_LABEL]: revision };
  const metadata = metadataOf(owner, nameOf.gatewayRevision(owner.name, revision), 'gateway');
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
    spec: {
      replicas,
      revisionHistoryLimit: 0,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { ...selectorLabels(owner.name, 'gateway'), ...labels } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: templateOf('gateway', input, labels),
    },
  };
}

/** The service account of all pods, without any permission. */
export function serviceAccount(owner: Owner): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadataOf(owner, nameOf.serviceAccount(owner.name)),
    automountServiceAccountToken: false,
  };
}
