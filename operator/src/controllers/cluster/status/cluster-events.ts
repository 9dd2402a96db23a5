import type { Condition, EventRecorder, EventText, Stored } from '@im/kube';
import type { OpenIMClusterStatus } from '../../../gen/openimcluster.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { QUEUED } from '../observation/observation.ts';

/** Events by condition of what serves clients: when it fails, and when it is back. */
const SERVING: Readonly<Record<string, readonly [failed: string, back: string]>> = {
  NATSAvailable: ['NATSUnavailable', 'NATSAvailable'],
  MongoDBAvailable: ['MongoDBUnavailable', 'MongoDBAvailable'],
  RedisAvailable: ['RedisUnavailable', 'RedisAvailable'],
  ObjectStorageAvailable: ['ObjectStorageUnavailable', 'ObjectStorageAvailable'],
  WorkloadsAvailable: ['WorkloadsUnavailable', 'WorkloadsAvailable'],
  MessagesFlowing: ['MessagesWaiting', 'MessagesFlowing'],
};

/** Reasons that a rollout itself causes. */
const OF_ROLLOUT: ReadonlySet<string> = new Set([
  ...['PodsNotReady', 'PartitionsWaiting', 'NotChecked', 'LogCopiesMissing'],
]);

/** Records what happened between two statuses of a cluster; `cluster` has the one before. */
export function recordEvents(
  events: EventRecorder,
  cluster: Stored<OpenIMCluster>,
  status: OpenIMClusterStatus,
): void {
  for (const text of eventsOf(cluster.status, status)) events.event(cluster, text);
}

/**
 * The story of a cluster: Normal events for the steps of a rollout and for what is back, Warnings for faults only.
 * Nothing that is missing before the first rollout is complete is a fault, and neither are pods that a rollout replaces.
 */
export function eventsOf(before: OpenIMClusterStatus | undefined, after: OpenIMClusterStatus): EventText[] {
  const events = [
    ...specEvents(before, after),
    ...rolloutEvents(before, after),
    ...objectEvents(before, after),
    ...upgradeEvents(before, after),
  ];
  const isStarted = before?.rollout?.completedGeneration !== undefined;
  if (isStarted && conditionOf(after, 'Progressing')?.reason !== 'Deleting') {
    events.push(...servingEvents(before, after));
  }
  if (turned(before, after, 'Ready') === 'True') {
    events.push({ type: 'Normal', reason: 'Ready', message: 'The cluster is ready and matches its spec.' });
  }
  return events;
}

function specEvents(before: OpenIMClusterStatus | undefined, after: OpenIMClusterStatus): EventText[] {
  const message = conditionOf(after, 'Accepted')?.message ?? '';
  const now = turned(before, after, 'Accepted');
  if (now === 'False') return [{ type: 'Warning', reason: 'SpecRefused', message }];
  if (now === 'True' && conditionOf(before, 'Accepted')?.status === 'False')
    return [{ type: 'Normal', reason: 'SpecAccepted', message }];
  return [];
}

function rolloutEvents(before: OpenIMClusterStatus | undefined, after: OpenIMClusterStatus): EventText[] {
  const progressing = conditionOf(after, 'Progressing');
  if (!progressing) return [];
  const { reason, message } = progressing;
  const isNew = conditionOf(before, 'Progressing')?.reason !== reason;
  if (reason === 'Deleting') return isNew ? [{ type: 'Normal', reason, message }] : [];
  if (reason === 'Retrying') return isNew ? [{ type: 'Warning', reason: 'ReconcileFailed', message }] : [];
  if (reason === 'SpecRefused') return [];
  const events: EventText[] = [];
  const [was = '', stage = ''] = [before?.rollout?.stage, after.rollout?.stage];
  if (stage === QUEUED && was === '') {
    events.push({ type: 'Normal', reason: 'RolloutQueued', message });
  } else if (stage !== was && stage !== '' && stage !== QUEUED) {
    events.push(
      was === '' || was === QUEUED
        ? { type: 'Normal', reason: 'RolloutStarted', message: `The rollout starts with ${stage}.` }
        : { type: 'Normal', reason: 'RolloutContinued', message: `The rollout continues with ${stage}.` },
    );
  }
  if (was !== '' && was !== QUEUED && stage === '') {
    events.push({ type: 'Normal', reason: 'RolloutFinished', message: 'All components match the spec.' });
  }
  if (isNew && (reason === 'PodsFailing' || reason === 'PodsRefused')) {
    events.push({ type: 'Warning', reason, message });
  }
  if (turned(before, after, 'Stalled') === 'True') {
    events.push({ type: 'Warning', reason: 'RolloutStalled', message });
  }
  return events;
}

/** Objects that were not applied and volumes that do not grow, and when they are. */
function objectEvents(before: OpenIMClusterStatus | undefined, after: OpenIMClusterStatus): EventText[] {
  const events: EventText[] = [];
  const applied = conditionOf(after, 'ObjectsApplied');
  const resized = conditionOf(after, 'StorageResized');
  if (applied && turned(before, after, 'ObjectsApplied') === 'False') {
    events.push({ type: 'Warning', reason: 'ObjectsNotApplied', message: applied.message });
  }
  const monitoring = conditionOf(after, 'MonitoringApplied');
  if (monitoring && turned(before, after, 'MonitoringApplied') === 'False') {
    events.push({ type: 'Warning', reason: 'MonitoringNotApplied', message: monitoring.message });
  }
  const was = conditionOf(before, 'StorageResized');
  if (resized?.reason === 'Refused' && was?.reason !== 'Refused') {
    events.push({ type: 'Warning', reason: 'StorageResizeRefused', message: resized.message });
  }
  if (resized?.status === 'True' && was?.status === 'False') {
    events.push({ type: 'Normal', reason: 'StorageResized', message: resized.message });
  }
  return events;
}

/** Start and end of an upgrade; a failed one is a warning. */
function upgradeEvents(before: OpenIMClusterStatus | undefined, after: OpenIMClusterStatus): EventText[] {
  const { phase, startedAt, version, image, revision } = after.upgrade ?? {};
  const condition = conditionOf(after, 'UpgradeSucceeded');
  const events: EventText[] = [];
  // A record of an earlier one may be in status again once the cluster is back.
  const goesOn = phase === 'RollingOut' || phase === 'Verifying';
  if (goesOn && startedAt !== before?.upgrade?.startedAt) {
    const message = `The upgrade to ${version} (${image}) starts; revision ${revision}.`;
    events.push({ type: 'Normal', reason: 'UpgradeStarted', message });
  }
  if (!condition || phase === before?.upgrade?.phase) return events;
  const { message } = condition;
  if (phase === 'Succeeded') events.push({ type: 'Normal', reason: 'UpgradeSucceeded', message });
  if (phase === 'RollingBack') events.push({ type: 'Warning', reason: 'UpgradeFailed', message });
  if (phase === 'RolledBack') events.push({ type: 'Normal', reason: 'UpgradeRolledBack', message });
  if (phase === 'WaitingForApproval' || phase === 'WaitingForWindow') {
    events.push({ type: 'Normal', reason: `Upgrade${phase}`, message: after.upgrade?.message ?? message });
  }
  return events;
}

function servingEvents(before: OpenIMClusterStatus | undefined, after: OpenIMClusterStatus): EventText[] {
  const isRolling = [before, after].some((status) => (status?.rollout?.stage ?? '') !== '');
  return Object.entries(SERVING).flatMap(([type, [failed, back]]): EventText[] => {
    const now = turned(before, after, type);
    const condition = conditionOf(after, type);
    if (now === undefined || now === 'Unknown' || !condition) return [];
    const cause = now === 'False' ? condition.reason : conditionOf(before, type)?.reason;
    if (isRolling && OF_ROLLOUT.has(cause ?? '')) return [];
    if (now === 'True' && conditionOf(before, type)?.status !== 'False') return [];
    const { message } = condition;
    return now === 'False'
      ? [{ type: 'Warning', reason: failed, message }]
      : [{ type: 'Normal', reason: back, message }];
  });
}

function conditionOf(status: OpenIMClusterStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type) as Condition | undefined;
}

/** The status that a condition has now, if it had another before. */
function turned(
  before: OpenIMClusterStatus | undefined,
  after: OpenIMClusterStatus,
  type: string,
): Condition['status'] | undefined {
  const now = conditionOf(after, type)?.status;
  return now === (conditionOf(before, type)?.status ?? 'Unknown') ? undefined : now;
}
