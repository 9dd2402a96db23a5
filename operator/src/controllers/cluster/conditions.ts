import { LOG_SHARE, type TransferStatus } from '@im/contract';
import {
  type Condition,
  type ConditionUpdate,
  type EventRecorder,
  findCondition,
  type Stored,
  setCondition,
  withAllConditions,
} from '@im/kube';
import type { OpenIMClusterStatus, OpenIMClusterStatusComponent } from '../../gen/openimcluster.ts';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import { ROLES } from '../../resources/names.ts';
import { STORE_KEYS, type StatusInput, type StoreKey } from './observation.ts';
import { isTerminating, podFault } from './pod-problem.ts';

/** Every condition of a cluster, in the order in which people read them. */
export const CONDITIONS = [
  'Ready',
  'Accepted',
  'NATSAvailable',
  'MongoDBAvailable',
  'RedisAvailable',
  'ObjectStorageAvailable',
  'WorkloadsAvailable',
  'MessagesFlowing',
  'Progressing',
] as const;

const STORE_CONDITIONS: Readonly<Record<StoreKey, (typeof CONDITIONS)[number]>> = {
  nats: 'NATSAvailable',
  mongodb: 'MongoDBAvailable',
  redis: 'RedisAvailable',
  objectStorage: 'ObjectStorageAvailable',
};

/** The conditions of a cluster, each with reason and message. */
export function conditionsOf(
  input: StatusInput,
  components: readonly OpenIMClusterStatusComponent[],
): Condition[] {
  const { generation, before, now } = input;
  const updates: ConditionUpdate[] = [
    accepted(input),
    ...STORE_KEYS.map((key) => storeAvailable(input, key, components)),
    workloadsAvailable(components),
    messagesFlowing(input),
    progressing(input),
  ];
  updates.unshift(ready(updates));
  let conditions = withAllConditions((before?.conditions ?? []) as Condition[], CONDITIONS, generation, now);
  for (const update of updates) {
    conditions = setCondition(conditions, { ...update, observedGeneration: generation }, now);
  }
  return conditions;
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
  { observation, effective }: StatusInput,
  key: StoreKey,
  components: readonly OpenIMClusterStatusComponent[],
): ConditionUpdate {
  const type = STORE_CONDITIONS[key];
  const component = components.find(({ name }) => name === key);
  const external = effective[key].kind === 'external';
  // The loss of a pod is known before the next check fails.
  if (!external && component && component.ready < component.desired) {
    const message = `${component.ready} of ${component.desired} pods ready: ${component.reason ?? ''}`;
    return { type, status: 'False', reason: 'PodsNotReady', message };
  }
  const result = observation.stores[key];
  if (result === undefined) {
    return { type, status: 'Unknown', reason: 'NotChecked', message: 'The store has not been checked yet.' };
  }
  return result.ok
    ? { type, status: 'True', reason: 'CheckPassed', message: 'The store is reachable and usable.' }
    : { type, status: 'False', reason: result.reason, message: result.message };
}

function workloadsAvailable(components: readonly OpenIMClusterStatusComponent[]): ConditionUpdate {
  const type = 'WorkloadsAvailable';
  const short = components.filter(
    ({ name, ready, desired }) => ROLES.some((role) => role === name) && ready < desired,
  );
  if (short.length === 0) {
    return {
      type,
      status: 'True',
      reason: 'AllReady',
      message: 'All roles have the desired number of ready pods.',
    };
  }
  const message = short
    .map(({ name, ready: have, desired, reason }) => `${name}: ${have} of ${desired} ready: ${reason ?? ''}`)
    .join('. ');
  return { type, status: 'False', reason: 'PodsNotReady', message };
}

/** Fill levels of the log at which the condition warns, and at which the services reject messages. */

/** Parked tenants and conversations over all transfer processes; a version that does not report them counts as 0. */
export function parkedOf(transfers: readonly Partial<TransferStatus>[]) {
  const sum = (field: (transfer: Partial<TransferStatus>) => number | undefined) =>
    transfers.reduce((total, transfer) => total + (field(transfer) ?? 0), 0);
  return {
    parkedTenants: sum((transfer) => transfer.parkedTenants),
    parkedConversations: sum((transfer) => transfer.parkedConversations),
  };
}

function messagesFlowing({ observation, partitions }: StatusInput): ConditionUpdate {
  const type = 'MessagesFlowing';
  const transfers = [...observation.processes.values()].flatMap(({ transfer }) => transfer ?? []);
  if (observation.stores.nats?.ok === false) {
    const message = 'The message log is unreachable: messages are rejected with a retryable error.';
    return { type, status: 'False', reason: 'LogUnavailable', message };
  }
  const nats = observation.stores.nats;
  const { logBytes = 0, logMaxBytes = Number.POSITIVE_INFINITY } = nats?.ok ? nats.detail : {};
  if (logBytes >= logMaxBytes * LOG_SHARE.refuse) {
    const message = `The message log is full (${logBytes} of ${logMaxBytes} bytes): messages are rejected with a retryable error. Find out why transfer or MongoDB lags, or enlarge the log: spec.nats.managed.storage.size (with durability Memory: spec.nats.managed.resources.limits.memory) or spec.nats.external.logMaxBytes.`;
    return { type, status: 'False', reason: 'LogFull', message };
  }
  const owned = transfers.reduce((sum, transfer) => sum + transfer.partitions, 0);
  if (owned < partitions) {
    const message = `${owned} of ${partitions} partitions of the message log have a consumer; messages in the others wait, none are lost.`;
    return {
      type,
      status: transfers.length === 0 ? 'Unknown' : 'False',
      reason: 'PartitionsWaiting',
      message,
    };
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

function progressing({ rollout, failure, pods }: StatusInput): ConditionUpdate {
  const type = 'Progressing';
  if (failure !== undefined) return { type, status: 'True', reason: 'Retrying', message: failure };
  if (rollout.stage === undefined)
    return { type, status: 'False', reason: 'UpToDate', message: rollout.message };
  const message = `${rollout.stage}: ${rollout.message}`;
  // The old pods keep serving, so no other condition reports the failure of the new ones.
  for (const pod of pods) {
    const fault = isTerminating(pod) ? undefined : podFault(pod);
    if (fault === undefined) continue;
    const failing = `${message}; ${pod.metadata.name} ${fault}; correct the spec to continue the rollout`;
    return { type, status: 'True', reason: 'PodsFailing', message: failing };
  }
  return { type, status: 'True', reason: 'RollingOut', message };
}

/** True when all other conditions but Progressing hold; otherwise with the message of the first that does not. */
function ready(updates: readonly ConditionUpdate[]): ConditionUpdate {
  const type = 'Ready';
  const bad = updates.filter(({ type: name, status }) => name !== 'Progressing' && status !== 'True');
  const [first] = bad;
  if (!first)
    return { type, status: 'True', reason: 'AllAvailable', message: 'All components are available.' };
  // Stores come first: other failures are often only their consequence.
  const others = bad.slice(1).map(({ type: name }) => name);
  const message = `${first.type}: ${first.message}${others.length === 0 ? '' : ` (also: ${others.join(', ')})`}`;
  return {
    type,
    status: bad.some(({ status }) => status === 'False') ? 'False' : 'Unknown',
    reason: first.reason,
    message,
  };
}

/**
 * Records an event for every condition whose status changed, as `kubectl describe` shows them.
 * @param cluster with the status before; `status` is the one just written.
 */
export function recordEvents(
  events: EventRecorder,
  cluster: Stored<OpenIMCluster>,
  status: OpenIMClusterStatus,
): void {
  const before = (cluster.status?.conditions ?? []) as readonly Condition[];
  for (const condition of (status.conditions ?? []) as readonly Condition[]) {
    const was = findCondition(before, condition.type)?.status ?? 'Unknown';
    if (was === condition.status || condition.status === 'Unknown') continue;
    // Progressing is never a fault.
    const normal = condition.type === 'Progressing' || condition.status === 'True';
    events.event(cluster, {
      type: normal ? 'Normal' : 'Warning',
      reason: reasonOf(condition),
      message: condition.message,
    });
  }
}

function reasonOf({ type, status }: Condition): string {
  if (type === 'Progressing') return status === 'True' ? 'RolloutStarted' : 'RolloutFinished';
  return status === 'True' ? type : `Not${type}`;
}
