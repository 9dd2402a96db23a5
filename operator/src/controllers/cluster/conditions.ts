import type { TransferStatus } from '@im/contract';
import { type Condition, type ConditionUpdate, setCondition, withAllConditions } from '@im/kube';
import type { OpenIMClusterStatusComponent } from '../../gen/openimcluster.ts';
import { ROLES } from '../../resources/names.ts';
import { STORE_KEYS, type StoreKey } from './observation.ts';
import { isTerminating, podFault } from './pod-problem.ts';
import type { StatusInput } from './status-input.ts';

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

/** The conditions of a cluster: what holds, what does not and why. */
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
    const message = `The spec can be carried out but for ${leftOut.join(', ')}, which not every running version knows; upgrade by spec.version, and it takes effect`;
    return { type, status: 'True', reason: 'SettingsLeftOut', message };
  }
  return { type, status: 'True', reason: 'Accepted', message: 'The spec can be carried out.' };
}

function storeAvailable(
  { observation, effective }: StatusInput,
  key: StoreKey,
  components: readonly OpenIMClusterStatusComponent[],
): ConditionUpdate {
  const type = STORE_CONDITIONS[key];
  const component = components.find(({ name }) => name === key);
  const external = effective[key].kind === 'external';
  // A pod that has died is known before the next check finds nobody.
  if (!external && component && component.ready < component.desired) {
    const message = `${component.ready} of ${component.desired} pods are ready: ${component.reason ?? ''}`;
    return { type, status: 'False', reason: 'PodsNotReady', message };
  }
  const result = observation.stores[key];
  if (result === undefined) {
    return { type, status: 'Unknown', reason: 'NotChecked', message: 'It has not been checked yet.' };
  }
  return result.ok
    ? { type, status: 'True', reason: 'CheckPassed', message: 'It can be reached and used.' }
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
      message: 'Every role has the pods that it should have.',
    };
  }
  const message = short
    .map(({ name, ready: have, desired, reason }) => `${name}: ${have} of ${desired} ready: ${reason ?? ''}`)
    .join('. ');
  return { type, status: 'False', reason: 'PodsNotReady', message };
}

/** Parts of the log's size from which it is worth a word, and from which the services refuse messages. */
const LOG_FILLING = 0.7;
const LOG_FULL = 0.9;

/** What transfer has parked, over all its processes; those of a version that does not report it count as nothing. */
export function parkedOf(transfers: readonly Partial<TransferStatus>[]) {
  const sum = (of: (transfer: Partial<TransferStatus>) => number | undefined) =>
    transfers.reduce((total, transfer) => total + (of(transfer) ?? 0), 0);
  return {
    parkedTenants: sum((transfer) => transfer.parkedTenants),
    parkedConversations: sum((transfer) => transfer.parkedConversations),
  };
}

function messagesFlowing({ observation, partitions }: StatusInput): ConditionUpdate {
  const type = 'MessagesFlowing';
  const told = [...observation.processes.values()].flatMap(({ transfer }) => transfer ?? []);
  if (observation.stores.nats?.ok === false) {
    const message = 'The log cannot be reached, so messages are refused with a retryable error.';
    return { type, status: 'False', reason: 'LogUnavailable', message };
  }
  const nats = observation.stores.nats;
  const { logBytes = 0, logMaxBytes = Number.POSITIVE_INFINITY } = nats?.ok ? nats.detail : {};
  if (logBytes >= logMaxBytes * LOG_FULL) {
    const message = `The log holds ${logBytes} of ${logMaxBytes} bytes, so messages are refused with a retryable error; see why transfer or its database lag, or make the log larger: spec.nats.managed.storage.size (with durability Memory spec.nats.managed.resources.limits.memory), or spec.nats.external.logMaxBytes`;
    return { type, status: 'False', reason: 'LogFull', message };
  }
  const owned = told.reduce((sum, transfer) => sum + transfer.partitions, 0);
  if (owned < partitions) {
    const message = `${owned} of ${partitions} partitions of the log are being read; messages in the others wait, none is lost`;
    return { type, status: told.length === 0 ? 'Unknown' : 'False', reason: 'PartitionsWaiting', message };
  }
  const message = 'Every partition of the log is being read.';
  const { parkedTenants, parkedConversations } = parkedOf(told);
  if (parkedTenants + parkedConversations > 0) {
    const parked = `${message} Messages of ${parkedTenants} tenants and ${parkedConversations} single conversations are parked, since they cannot be stored; all others are served. See the log lines of transfer and docs/troubleshooting.md.`;
    return { type, status: 'True', reason: 'SomeParked', message: parked };
  }
  if (logBytes < logMaxBytes * LOG_FILLING) {
    return { type, status: 'True', reason: 'AllPartitionsRead', message };
  }
  const percent = Math.round((logBytes / logMaxBytes) * 100);
  const filling = `${message} The log is ${percent} % full; from 90 % on messages are refused.`;
  return { type, status: 'True', reason: 'LogFilling', message: filling };
}

function progressing({ rollout, failure, pods }: StatusInput): ConditionUpdate {
  const type = 'Progressing';
  if (failure !== undefined) return { type, status: 'True', reason: 'Retrying', message: failure };
  if (rollout.stage === undefined)
    return { type, status: 'False', reason: 'UpToDate', message: rollout.message };
  const message = `${rollout.stage}: ${rollout.message}`;
  // Old pods serve on, so no other condition tells why the new ones do not come.
  for (const pod of pods) {
    const fault = isTerminating(pod) ? undefined : podFault(pod);
    if (fault === undefined) continue;
    const told = `${message}; ${pod.metadata.name} ${fault}; correct the spec, and the roll-out goes on`;
    return { type, status: 'True', reason: 'PodsFailing', message: told };
  }
  return { type, status: 'True', reason: 'RollingOut', message };
}

/** Ready when all others that matter hold; else the first that does not tells why, and the others are named. */
function ready(updates: readonly ConditionUpdate[]): ConditionUpdate {
  const type = 'Ready';
  const bad = updates.filter(({ type: name, status }) => name !== 'Progressing' && status !== 'True');
  const [first] = bad;
  if (!first) return { type, status: 'True', reason: 'AllAvailable', message: 'Clients are being served.' };
  // Stores come first: what else is not available often only waits for them.
  const others = bad.slice(1).map(({ type: name }) => name);
  const message = `${first.type}: ${first.message}${others.length === 0 ? '' : ` (also: ${others.join(', ')})`}`;
  return {
    type,
    status: bad.some(({ status }) => status === 'False') ? 'False' : 'Unknown',
    reason: first.reason,
    message,
  };
}
