import type { CoreEvent, Deployment, Informer, StatefulSet, Stored } from '@im/kube';
import type { MissingPods } from '../observation/observation.ts';

/** Age from which an event about a failed creation is no longer of interest: the longest wait between two attempts, ms. */
const EVENT_MS = 20 * 60_000;

/** Workloads of a cluster. */
export interface Workloads {
  readonly deployments: readonly Stored<Deployment>[];
  readonly statefulSets: readonly Stored<StatefulSet>[];
}

/** Selects the events of {@link missingPods}: StatefulSets have no condition for what Deployments call ReplicaFailure. */
export const FAILED_CREATES = 'involvedObject.kind=StatefulSet,reason=FailedCreate';

/**
 * Why the API server refuses to create pods, by component: a quota, a limit range, PodSecurity, or a ServiceAccount or
 * PriorityClass that does not exist.
 */
export function missingPods(
  { deployments, statefulSets }: Workloads,
  events: Pick<Informer<CoreEvent>, 'byIndex'>,
  now: Date,
): Readonly<Record<string, MissingPods>> {
  const found: [string, MissingPods][] = [];
  for (const deployment of deployments) {
    const failure = deployment.status?.conditions?.find(
      ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
    );
    if (!failure) continue;
    const since = new Date(failure.lastTransitionTime ?? now).getTime();
    found.push(missing(deployment, failure.message ?? failure.reason ?? '', since));
  }
  for (const set of statefulSets) {
    if ((set.status?.replicas ?? 0) >= (set.spec?.replicas ?? 1)) continue;
    const newest = events
      .byIndex(BY_OBJECT, set.metadata.uid)
      .filter((event) => now.getTime() - lastOf(event) < EVENT_MS)
      .sort((a, b) => lastOf(b) - lastOf(a))[0];
    if (!newest) continue;
    const since = new Date(newest.firstTimestamp ?? now).getTime();
    found.push(missing(set, newest.message ?? '', since));
  }
  return Object.fromEntries(found);
}

/** Index of events by uid of their object. */
export const BY_OBJECT = 'object';
export const eventIndexes = {
  [BY_OBJECT]: ({ involvedObject }: Stored<CoreEvent>) =>
    involvedObject.uid === undefined ? [] : [involvedObject.uid],
};

function lastOf({ lastTimestamp, firstTimestamp, metadata }: Stored<CoreEvent>): number {
  return new Date(lastTimestamp ?? firstTimestamp ?? metadata.creationTimestamp ?? 0).getTime();
}

function missing(
  { metadata }: Stored<Deployment> | Stored<StatefulSet>,
  text: string,
  since: number,
): [string, MissingPods] {
  const component = metadata.labels?.['app.kubernetes.io/component'] ?? '';
  const message = `${metadata.name}: its pods cannot be created: ${cleaned(text)}; ${remedyFor(text)}`;
  return [component, { message, since }];
}

/** The cause without names of pods that do not exist, which differ from attempt to attempt. */
function cleaned(text: string): string {
  return text
    .replace(/^create Pod \S+ in StatefulSet \S+ failed error: /i, '')
    .replace(/^pods "[^"]*" is forbidden: /, '')
    .replace(/^error looking up service account \S+: /, '')
    .trim();
}

function remedyFor(text: string): string {
  if (/exceeded quota|failed quota/.test(text)) {
    return 'raise the ResourceQuota of the namespace, or lower resources or replicas in the spec';
  }
  if (/violates PodSecurity/.test(text)) {
    return 'correct podTemplate in the spec, or the PodSecurity label of the namespace';
  }
  const priorityClass = /no PriorityClass with name (\S+) was found/.exec(text)?.[1];
  if (priorityClass !== undefined) {
    return `create PriorityClass ${priorityClass}, or correct podTemplate.priorityClassName in the spec`;
  }
  if (/service ?account/i.test(text))
    return 'the operator creates the ServiceAccount; see condition Progressing';
  if (/(maximum|minimum) \S+ usage per|limit to request ratio/.test(text)) {
    return 'correct resources in the spec, or the LimitRange of the namespace';
  }
  return 'Kubernetes repeats the attempt';
}
