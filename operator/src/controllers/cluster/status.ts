import type { Pod, Stored } from '@im/kube';
import type {
  OpenIMClusterStatus,
  OpenIMClusterStatusComponent,
  OpenIMClusterStatusGateway,
} from '../../gen/openimcluster.ts';
import { nameOf, REVISION_LABEL, ROLES, selectorLabels } from '../../resources/names.ts';
import { conditionsOf, parkedOf } from './conditions.ts';
import type { StatusInput } from './observation.ts';
import { type Observation, STORE_KEYS } from './observation.ts';
import { isReady, isTerminating, podProblem } from './pod-problem.ts';

/** The status of a cluster; a pure function. */
export function clusterStatus(input: StatusInput): OpenIMClusterStatus {
  const { effective, pods, observation, owner, before } = input;
  const components = componentsOf(input);
  const gateways = gatewaysOf(input);
  const transfers = [...observation.processes.values()].flatMap(({ transfer }) => transfer ?? []);
  const nats = observation.stores.nats;
  const sizes = nats?.ok ? nats.detail : undefined;
  const versions = new Set([...observation.processes.values()].map(({ version }) => version));
  const gatewayPods = pods.filter((pod) => componentOf(pod) === 'gateway');
  const conditions = conditionsOf(input, components);
  return {
    observedGeneration: input.generation,
    conditions: conditions as OpenIMClusterStatus['conditions'],
    version: [...versions].sort()[0] ?? before?.version ?? effective.version,
    connections: gateways.reduce((sum, { connections }) => sum + (connections ?? 0), 0),
    gatewayReplicas: gatewayPods.filter(
      (pod) => !isTerminating(pod) && pod.metadata.labels?.[REVISION_LABEL] === input.gatewayRevision,
    ).length,
    gatewaysReady: `${gatewayPods.filter(isReady).length}/${effective.gateway.replicas}`,
    gatewaySelector: Object.entries(selectorLabels(owner.name, 'gateway'))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    ...(input.gatewayRevision === undefined ? {} : { gatewayRevision: input.gatewayRevision }),
    gateways,
    components,
    log: {
      lagRecords: transfers.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
      ...parkedOf(transfers),
      ...(sizes?.logBytes === undefined ? {} : { bytes: sizes.logBytes }),
      ...(sizes?.logMaxBytes === undefined ? {} : { maxBytes: sizes.logMaxBytes }),
    },
    endpoints: { ...input.endpoints, adminSecretRef: { name: nameOf.admin(owner.name) } },
    rollout: rolloutOf(input),
    effective: {
      ...(effective as unknown as Readonly<Record<string, unknown>>),
      ...(input.settings && { settingsLevel: input.settings.level }),
    },
  };
}

function rolloutOf({
  rollout,
  before,
  now,
  configHash,
  observation,
}: StatusInput): NonNullable<OpenIMClusterStatus['rollout']> {
  const { stage, message } = rollout;
  const running = before?.rollout?.stage !== undefined && before.rollout.stage !== '';
  const startedAt =
    stage !== undefined && !running ? now.toISOString().replace(/\.\d+Z$/, 'Z') : before?.rollout?.startedAt;
  const behind = [...observation.processes.values()].filter(
    (process) => process.configHash !== configHash,
  ).length;
  // Kubelets update mounted files with a delay; no action is needed.
  const settings =
    configHash === undefined || behind === 0
      ? ''
      : ` ${behind} processes have not loaded the latest settings yet.`;
  return {
    stage: stage ?? '',
    message: `${message}${settings}`,
    ...(startedAt === undefined ? {} : { startedAt }),
  };
}

function componentOf(pod: Stored<Pod>): string {
  return pod.metadata.labels?.['app.kubernetes.io/component'] ?? '';
}

/** Most pods named in one message, and most characters of a reason that a process reports. */
const NAMED_PODS = 2;
const REASON_LENGTH = 160;

/** Problems of pods, by name; undefined when there are none. */
function problemsOf(pods: readonly Stored<Pod>[], observation: Observation): string | undefined {
  const problems = pods.flatMap((pod) => {
    const problem = podProblem(pod);
    if (problem === undefined) return [];
    const reason = observation.processes.get(pod.metadata.name)?.reason ?? '';
    const short = reason.length > REASON_LENGTH ? `${reason.slice(0, REASON_LENGTH)}...` : reason;
    const detail = short === '' ? '' : ` (${short})`;
    return [`${pod.metadata.name} ${problem}${detail}`];
  });
  if (problems.length === 0) return undefined;
  const more = problems.length > NAMED_PODS ? `; and ${problems.length - NAMED_PODS} more` : '';
  return `${problems.slice(0, NAMED_PODS).join('; ')}${more}`;
}

function componentsOf({
  effective,
  pods,
  updated,
  observation,
}: StatusInput): OpenIMClusterStatusComponent[] {
  const podsOf = (component: string) => pods.filter((pod) => componentOf(pod) === component);
  const roles = ROLES.map((role): OpenIMClusterStatusComponent => {
    const own = podsOf(role);
    const ready = own.filter(isReady).length;
    const desired = effective[role].replicas;
    const versions = new Set(
      own.flatMap((pod) => observation.processes.get(pod.metadata.name)?.version ?? []),
    );
    const reason =
      ready < desired ? (problemsOf(own, observation) ?? 'pods have not been created') : undefined;
    return {
      name: role,
      ready,
      desired,
      ...(updated[role] === undefined ? {} : { updated: updated[role] }),
      ...(versions.size === 0 ? {} : { version: [...versions].sort().join(', ') }),
      ...(reason === undefined ? {} : { reason }),
    };
  });
  const stores = STORE_KEYS.map((key): OpenIMClusterStatusComponent => {
    const store = effective[key];
    if (store.kind === 'external') {
      const result = observation.stores[key];
      const reason = result === undefined || result.ok ? undefined : result.message;
      return {
        name: key,
        ready: result?.ok ? 1 : 0,
        desired: 1,
        external: true,
        ...(reason === undefined ? {} : { reason }),
      };
    }
    const own = podsOf(key === 'objectStorage' ? 'object-storage' : key);
    const ready = own.filter(isReady).length;
    const desired = 'replicas' in store ? store.replicas : 1;
    const reason =
      ready < desired ? (problemsOf(own, observation) ?? 'pods have not been created') : undefined;
    return { name: key, ready, desired, ...(reason === undefined ? {} : { reason }) };
  });
  return [...roles, ...stores];
}

function gatewaysOf({ pods, observation }: StatusInput): OpenIMClusterStatusGateway[] {
  return pods
    .filter((pod) => componentOf(pod) === 'gateway')
    .map((pod): OpenIMClusterStatusGateway => {
      const gateway = observation.processes.get(pod.metadata.name)?.gateway;
      const problem = podProblem(pod);
      return {
        pod: pod.metadata.name,
        revision: pod.metadata.labels?.[REVISION_LABEL] ?? '',
        ready: isReady(pod),
        ...(gateway === undefined ? {} : { connections: gateway.connections }),
        ...(gateway?.draining
          ? {
              draining: true,
              drainRemaining: gateway.drainRemaining,
              drainEtaSeconds: Math.ceil(gateway.drainEtaSeconds),
            }
          : {}),
        ...(problem === undefined || gateway?.draining ? {} : { reason: problem }),
      };
    })
    .sort((a, b) => (a.pod < b.pod ? -1 : 1));
}
