import { LOG_SHARE, spareCopies, type TransferStatus } from '@im/contract';
import {
  type Condition,
  type ConditionUpdate,
  findCondition,
  type Pod,
  type Stored,
  setCondition,
  withAllConditions,
} from '@im/kube';
import type { CheckDetail } from '../../../checks/check.ts';
import type { OpenIMClusterStatusComponent } from '../../../gen/openimcluster.ts';
import { ROLES } from '../../../resources/names.ts';
import { ASPECTS } from '../aspect-report.ts';
import { objectsApplied } from '../objects.ts';
import {
  PAUSED_STAGE,
  QUEUED,
  STORE_KEYS,
  type StatusInput,
  type StoreKey,
} from '../observation/observation.ts';
import { UPGRADE_WAITS } from '../upgrade/start.ts';
import { upgradeSucceeded } from '../upgrade/status.ts';
import { isReady, isTerminating, podFault } from './pod-problem.ts';
import { available, ready, reconciling, stalled } from './readiness.ts';
import { componentOf } from './status-components.ts';

/** Every condition of a cluster, in the order in which people read them. */
export const CONDITIONS = [
  'Ready',
  'Available',
  'Accepted',
  'NATSAvailable',
  'MongoDBAvailable',
  'RedisAvailable',
  'ObjectStorageAvailable',
  'WorkloadsAvailable',
  'MessagesFlowing',
  'ObjectsApplied',
  'StorageResized',
  'MonitoringApplied',
  'UpgradeSucceeded',
  'Paused',
  'Progressing',
  'Reconciling',
  'Stalled',
] as const;

const STORE_CONDITIONS: Readonly<Record<StoreKey, (typeof CONDITIONS)[number]>> = {
  nats: 'NATSAvailable',
  mongodb: 'MongoDBAvailable',
  redis: 'RedisAvailable',
  objectStorage: 'ObjectStorageAvailable',
};

/** Fraction of a role's pods that may be missing while the role counts as available. */
const TOLERATED = 0.1;
/** Time in which a pod that cannot be scheduled is not a fault: volumes are bound, nodes are added, ms. */
const SCHEDULING_MS = 15_000;

/**
 * The conditions of a cluster, each with reason and message.
 * @param completed generation of the spec that was rolled out last.
 */
export function conditionsOf(
  input: StatusInput,
  components: readonly OpenIMClusterStatusComponent[],
  completed: number | undefined,
): Condition[] {
  const { generation, before, now } = input;
  const known = withAllConditions((before?.conditions ?? []) as Condition[], CONDITIONS, generation, now);
  const parts = input.deleting
    ? []
    : [
        ...STORE_KEYS.map((key) => storeAvailable(input, key, components)),
        workloadsAvailable(components),
        messagesFlowing(input),
      ];
  const serving = input.deleting ? undefined : available(parts);
  const rolling = progressing(input);
  const fault = stalled(input, rolling);
  const updates: (ConditionUpdate | undefined)[] = [
    ready({ input, serving, rolling, fault, completed }),
    serving,
    input.deleting ? undefined : accepted(input),
    ...parts,
    ...aspectConditions(input),
    upgradeSucceeded((input.upgrades ?? before)?.upgrade),
    paused(input),
    rolling,
    reconciling(rolling, fault),
    fault,
  ];
  let conditions = known;
  for (const update of updates) {
    if (update) conditions = setCondition(conditions, { ...update, observedGeneration: generation }, now);
  }
  return conditions;
}

function paused({ paused: isPaused = false }: StatusInput): ConditionUpdate {
  const type = 'Paused';
  return isPaused
    ? {
        type,
        status: 'True',
        reason: 'ReconcilePaused',
        message: 'spec.reconcile is Paused: the operator changes nothing.',
      }
    : { type, status: 'False', reason: 'Active', message: 'The operator reconciles the cluster.' };
}

/** A condition as it was reported before, for what has not been looked at yet. */
function conditionBefore({ before }: StatusInput, type: string): ConditionUpdate | undefined {
  const known = findCondition(before?.conditions as readonly Condition[] | undefined, type);
  return known && known.status !== 'Unknown' ? (known as ConditionUpdate) : undefined;
}

function accepted({ refusal, settings }: StatusInput): ConditionUpdate {
  const type = 'Accepted';
  if (refusal) return { type, status: 'False', ...refusal };
  const leftOut = settings?.leftOut ?? [];
  if (leftOut.length > 0) {
    const message = `The spec is valid except for ${leftOut.join(', ')}, which at least one running version does not support; upgrade spec.version, and the fields take effect.`;
    return { type, status: 'True', reason: 'SettingsLeftOut', message };
  }
  return { type, status: 'True', reason: 'Accepted', message: 'The spec is valid.' };
}

function storeAvailable(
  input: StatusInput,
  key: StoreKey,
  components: readonly OpenIMClusterStatusComponent[],
): ConditionUpdate {
  const { observation, effective } = input;
  const type = STORE_CONDITIONS[key];
  const component = components.find(({ name }) => name === key);
  const external = effective[key].kind === 'external';
  // The loss of a pod is known before the next check fails.
  if (!external && component && component.ready < component.desired) {
    const pods = `${component.ready} of ${component.desired} pods ready: ${component.reason ?? ''}`;
    const isLog = key === 'nats' && component.desired > 1;
    const message = isLog ? `${pods}; ${effectOf(component.ready, component.desired)}` : pods;
    return { type, status: 'False', reason: 'PodsNotReady', message };
  }
  const result = observation.stores[key];
  if (result === undefined) {
    const message = 'The store has not been checked yet.';
    return conditionBefore(input, type) ?? { type, status: 'Unknown', reason: 'NotChecked', message };
  }
  if (!result.ok) return { type, status: 'False', reason: result.reason, message: result.message };
  const missing = key === 'nats' ? missingCopies(effective.nats.replicas, result.detail) : undefined;
  if (missing !== undefined) return { type, status: 'False', reason: 'LogCopiesMissing', message: missing };
  return { type, status: 'True', reason: 'CheckPassed', message: 'The store is reachable and usable.' };
}

/** What fewer copies of the message log than configured mean; undefined when all are up to date or there is no log yet. */
function missingCopies(wanted: number, { logCopies, logCopiesCurrent }: CheckDetail): string | undefined {
  if (logCopies === undefined || logCopiesCurrent === undefined || logCopiesCurrent >= wanted)
    return undefined;
  const have = `${logCopiesCurrent} of ${wanted} copies of the message log are up to date`;
  if (logCopies < wanted) {
    return `${have}, because its stream has ${logCopies}: set num_replicas of the stream to ${wanted}, or spec.nats.external.replicas to ${logCopies}`;
  }
  return `${have}: ${effectOf(logCopiesCurrent, wanted)}; start the missing NATS servers, or wait until they have caught up`;
}

/** What it means for messages that fewer servers than wanted hold the log. */
function effectOf(have: number, wanted: number): string {
  const spare = spareCopies(have, wanted);
  if (spare < 0) return 'messages are refused with a retryable error until a majority is back';
  if (spare === 0) return 'messages are accepted, but if another server fails, none are';
  return `messages are accepted, and ${spare} more may fail`;
}

function workloadsAvailable(components: readonly OpenIMClusterStatusComponent[]): ConditionUpdate {
  const type = 'WorkloadsAvailable';
  const short = components.filter(
    ({ name, ready, desired }) => ROLES.some((role) => role === name) && ready < desired,
  );
  if (short.length === 0) {
    const message = 'All roles have the desired number of ready pods.';
    return { type, status: 'True', reason: 'AllReady', message };
  }
  const message = short
    .map(({ name, ready: have, desired, reason }) => `${name}: ${have} of ${desired} ready: ${reason ?? ''}`)
    .join('. ');
  const isServed = short.every(({ ready: have, desired }) => desired - have <= desired * TOLERATED);
  return isServed
    ? { type, status: 'True', reason: 'SomeNotReady', message }
    : { type, status: 'False', reason: 'PodsNotReady', message };
}

/** Parked tenants and conversations over all transfer processes; a version that does not report them counts as 0. */
export function parkedOf(transfers: readonly Partial<TransferStatus>[]) {
  const sum = (field: (transfer: Partial<TransferStatus>) => number | undefined) =>
    transfers.reduce((total, transfer) => total + (field(transfer) ?? 0), 0);
  return {
    parkedTenants: sum((transfer) => transfer.parkedTenants),
    parkedConversations: sum((transfer) => transfer.parkedConversations),
  };
}

function messagesFlowing(input: StatusInput): ConditionUpdate {
  const { observation, partitions, pods } = input;
  const type = 'MessagesFlowing';
  const before = conditionBefore(input, type);
  if (before && (observation.observedAt === undefined || !observation.stores.nats)) return before;
  const transfers = [...observation.processes.values()].flatMap(({ transfer }) => transfer ?? []);
  if (observation.stores.nats?.ok === false) {
    const message =
      'The message log does not answer: messages wait, and are rejected with a retryable error if it takes longer.';
    return { type, status: 'False', reason: 'LogUnavailable', message };
  }
  const nats = observation.stores.nats;
  const { logBytes = 0, logMaxBytes = Number.POSITIVE_INFINITY } = nats?.ok ? nats.detail : {};
  if (logBytes >= logMaxBytes * LOG_SHARE.refuse) {
    const message = `The message log is full (${logBytes} of ${logMaxBytes} bytes): messages are rejected with a retryable error. Find out why transfer or MongoDB lags, or enlarge the log: spec.nats.managed.storage.size (with durability Memory: spec.nats.managed.resources.limits.memory) or spec.nats.external.logMaxBytes.`;
    return { type, status: 'False', reason: 'LogFull', message };
  }
  const owned = transfers.reduce((sum, transfer) => sum + transfer.partitions, 0);
  // What a ready pod that is silent for the moment consumes is unknown, not missing; a probe ends a long silence.
  const silent = pods.filter(
    (pod) => componentOf(pod) === 'transfer' && isReady(pod) && !observation.processes.has(pod.metadata.name),
  );
  if (owned < partitions && (silent.length > 0 || observation.observedAt === undefined)) {
    if (before) return before;
    const message = `${silent.length} transfer processes have not answered yet.`;
    return { type, status: 'Unknown', reason: 'NotAnswered', message };
  }
  if (owned < partitions) {
    const message = `${owned} of ${partitions} partitions of the message log have a consumer; messages in the others wait, none are lost.`;
    return { type, status: 'False', reason: 'PartitionsWaiting', message };
  }
  const message = 'All partitions of the message log have a consumer.';
  const { parkedTenants, parkedConversations } = parkedOf(transfers);
  if (parkedTenants + parkedConversations > 0) {
    const parked = `${message} Messages of ${parkedTenants} tenants and ${parkedConversations} single conversations cannot be stored and are parked; all others are served. See the logs of transfer and docs/troubleshooting.md.`;
    return { type, status: 'True', reason: 'SomeParked', message: parked };
  }
  if (logBytes < logMaxBytes * LOG_SHARE.alarm) {
    return { type, status: 'True', reason: 'AllPartitionsRead', message };
  }
  const percent = Math.round((logBytes / logMaxBytes) * 100);
  const filling = `${message} The log is ${percent} % full; messages are rejected from 90 %.`;
  return { type, status: 'True', reason: 'LogFilling', message: filling };
}

/** Conditions that the aspects report; those of the last reconcile when the spec is refused. */
function aspectConditions({ aspects, deleting }: StatusInput): ConditionUpdate[] {
  if (!aspects || deleting) return [];
  const reports = ASPECTS.flatMap((name) => aspects[name] ?? []);
  return [
    objectsApplied(reports.flatMap(({ problems }) => problems)),
    ...reports.flatMap(({ condition }) => condition ?? []),
  ];
}

function progressing({
  rollout,
  failure,
  refusal,
  deleting,
  pods,
  now,
  missing = {},
}: StatusInput): ConditionUpdate {
  const type = 'Progressing';
  if (deleting) return { type, status: 'True', reason: 'Deleting', message: rollout.message };
  if (failure !== undefined) return { type, status: 'True', reason: 'Retrying', message: failure };
  if (refusal) {
    const message = `The spec is not applied, and the cluster is unchanged: ${refusal.message}`;
    return { type, status: 'False', reason: 'SpecRefused', message };
  }
  if (rollout.stage === undefined)
    return { type, status: 'False', reason: 'UpToDate', message: rollout.message };
  const message = `${rollout.stage}: ${rollout.message}`;
  if ([QUEUED, PAUSED_STAGE, UPGRADE_WAITS].includes(rollout.stage)) {
    return { type, status: 'True', reason: rollout.reason ?? 'RollingOut', message };
  }
  const [refused] = Object.values(missing);
  if (refused) {
    const failing = `${message}; ${refused.message}`;
    return { type, status: 'True', reason: 'PodsRefused', message: failing };
  }
  // The old pods keep serving, so no other condition reports the failure of the new ones.
  for (const pod of pods) {
    const fault = isTerminating(pod) || isBeingScheduled(pod, now) ? undefined : podFault(pod);
    if (fault === undefined) continue;
    const failing = `${message}; ${pod.metadata.name} ${fault}; correct the spec to continue the rollout`;
    return { type, status: 'True', reason: 'PodsFailing', message: failing };
  }
  return { type, status: 'True', reason: 'RollingOut', message };
}

function isBeingScheduled({ metadata, status }: Stored<Pod>, now: Date): boolean {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const ageMs = now.getTime() - Date.parse(metadata.creationTimestamp ?? '');
  return scheduled?.status === 'False' && ageMs < SCHEDULING_MS;
}
