import { labelSelectorOf, timestamp } from '@im/kube';
import type { OpenIMClusterStatus } from '../../../gen/openimcluster.ts';
import { nameOf, selectorLabels } from '../../../resources/names.ts';
import { QUEUED, type StatusInput } from '../observation/observation.ts';
import { conditionsOf } from './conditions.ts';
import { isReady } from './pod-problem.ts';
import { componentsOf, currentGateways, effectiveStatus, oldestVersion } from './status-components.ts';
import { figuresOf } from './status-figures.ts';

/** The status of a cluster; a pure function. */
export function clusterStatus(input: StatusInput): OpenIMClusterStatus {
  const { effective, owner } = input;
  const components = componentsOf(input);
  const current = currentGateways(input);
  const rollout = rolloutOf(input);
  return {
    observedGeneration: input.generation,
    conditions: conditionsOf(
      input,
      components,
      rollout.completedGeneration,
    ) as OpenIMClusterStatus['conditions'],
    version: oldestVersion(input),
    gatewayReplicas: current.length,
    gatewaysReady: `${current.filter(isReady).length}/${effective.gateway.replicas}`,
    gatewaySelector: labelSelectorOf(selectorLabels(owner.name, 'gateway')),
    ...(input.gatewayRevision === undefined ? {} : { gatewayRevision: input.gatewayRevision }),
    ...(input.autoscaling === undefined ? {} : { autoscaling: input.autoscaling }),
    ...figuresOf(input),
    ...revisionsOf(input),
    ...upgradesOf(input),
    components,
    ...volumesOf(input),
    endpoints: { ...input.endpoints, adminSecretRef: { name: nameOf.admin(owner.name) } },
    rollout,
    effective: effectiveStatus(input),
  };
}

/** Volumes of managed stores; those of the last reconcile when they are not known. */
function volumesOf({ storage, before }: StatusInput): Pick<OpenIMClusterStatus, 'volumes'> {
  if (storage === undefined) return before?.volumes ? { volumes: before.volumes } : {};
  if (storage.length === 0) return {};
  const volumes = storage.map(({ claim, store, requested, capacity, state }) => {
    return { claim, store, requested, state, ...(capacity === undefined ? {} : { capacity }) };
  });
  return { volumes };
}

function upgradesOf({ upgrades, before }: StatusInput) {
  const { upgrade, upgradeHistory } = upgrades ?? before ?? {};
  return { ...(upgrade && { upgrade }), ...(upgradeHistory && { upgradeHistory }) };
}

/** Where the revisions of the cluster are recorded. */
function revisionsOf({ revisions, before }: StatusInput) {
  const current = revisions ? revisions.current : before?.currentRevision;
  const update = revisions ? revisions.update : before?.updateRevision;
  return {
    ...(current === undefined ? {} : { currentRevision: current }),
    ...(update === undefined ? {} : { updateRevision: update }),
  };
}

function rolloutOf(input: StatusInput): NonNullable<OpenIMClusterStatus['rollout']> {
  const { before, now, configHashes, observation, refusal, failure } = input;
  // A step that failed is repeated: the rollout is where it was.
  const stage = failure === undefined ? (input.rollout.stage ?? '') : (before?.rollout?.stage ?? '');
  const isRunning = (name = '') => name !== '' && name !== QUEUED;
  const startedAt =
    isRunning(stage) && !isRunning(before?.rollout?.stage) ? timestamp(now) : before?.rollout?.startedAt;
  const isComplete = stage === '' && failure === undefined && refusal === undefined;
  const completedGeneration = isComplete ? input.generation : completedBefore(before);
  const behind = [...observation.processes.values()].filter(
    (process) => !configHashes?.has(process.configHash),
  ).length;
  // Kubelets update mounted files with a delay; no action is needed.
  const settings =
    configHashes === undefined || behind === 0
      ? ''
      : ` ${behind} processes have not loaded the latest settings yet.`;
  return {
    stage,
    message: `${input.rollout.message}${settings}`,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(completedGeneration === undefined ? {} : { completedGeneration }),
  };
}

/** The generation that was rolled out last. Versions that do not report it say so by conditions. */
function completedBefore(before: OpenIMClusterStatus | undefined): number | undefined {
  if (before?.rollout?.completedGeneration !== undefined) return before.rollout.completedGeneration;
  const isStatus = (type: string, status: string) =>
    before?.conditions?.some((condition) => condition.type === type && condition.status === status);
  return isStatus('Progressing', 'False') && isStatus('Accepted', 'True')
    ? before?.observedGeneration
    : undefined;
}
