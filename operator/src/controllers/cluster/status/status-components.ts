import type { PersistentVolumeClaim, Pod, Stored } from '@im/kube';
import type { OpenIMClusterStatusComponent } from '../../../gen/openimcluster.ts';
import { type EffectiveSpec, rolesOf } from '../../../resources/effective.ts';
import { type ProcessRole, REVISION_LABEL } from '../../../resources/names.ts';
import { quantity } from '../../../resources/quantity.ts';
import { isOlder, namedVersion, taggedVersion } from '../../../resources/settings-level.ts';
import { workloadOf } from '../../../resources/workloads.ts';
import { type Observation, STORE_KEYS, type StatusInput, type StoreKey } from '../observation/observation.ts';
import { isReady, isTerminating, podProblem } from './pod-problem.ts';

/** Most pods named in one message, and most characters of a reason that a process reports. */
const NAMED_PODS = 2;
const REASON_LENGTH = 160;

/** The component of a pod, by its label. */
export function componentOf(pod: Stored<Pod>): string {
  return pod.metadata.labels?.['app.kubernetes.io/component'] ?? '';
}

/** Name of a store in labels. */
export function storeLabel(key: StoreKey): string {
  return key === 'objectStorage' ? 'object-storage' : key;
}

/** Gateway pods of the revision in force that are not being deleted. */
export function currentGateways({ pods, gatewayRevision }: StatusInput): Stored<Pod>[] {
  return pods.filter(
    (pod) =>
      componentOf(pod) === 'gateway' &&
      !isTerminating(pod) &&
      pod.metadata.labels?.[REVISION_LABEL] === gatewayRevision,
  );
}

/** All components of a cluster with the number of their ready pods, and why pods are missing. */
export function componentsOf(input: StatusInput): OpenIMClusterStatusComponent[] {
  const { effective } = input;
  const roles = rolesOf(effective).map((role) => roleComponent(input, role));
  const stores = STORE_KEYS.map((key): OpenIMClusterStatusComponent => {
    const store = effective[key];
    if (store.kind === 'external') return externalStore(key, input);
    const own = podsOf(input, storeLabel(key));
    const ready = own.filter(isReady).length;
    const desired = 'replicas' in store ? store.replicas : 1;
    return { name: key, ready, desired, ...shortage(input, storeLabel(key), own, { ready, desired }) };
  });
  return [...roles, ...stores];
}

function roleComponent(input: StatusInput, role: ProcessRole): OpenIMClusterStatusComponent {
  const { effective, observation, before } = input;
  const own = podsOf(input, role);
  const ready = own.filter(isReady).length;
  const desired = workloadOf(effective, role).replicas;
  const updated = role === 'gateway' ? currentGateways(input).length : input.updated[role];
  const versions = new Set(versionsOf(own, observation));
  const version = [...versions].sort(byVersion).join(', ') || versionBefore(before, role, observation);
  return {
    name: role,
    ready,
    desired,
    ...(updated === undefined ? {} : { updated }),
    ...(version === undefined ? {} : { version }),
    ...shortage(input, role, own, { ready, desired }),
  };
}

function podsOf({ pods }: StatusInput, component: string): Stored<Pod>[] {
  return pods.filter((pod) => componentOf(pod) === component);
}

/** An external store as checked last; before the first check of this operator as it was. */
function externalStore(key: StoreKey, { observation, before }: StatusInput): OpenIMClusterStatusComponent {
  const result = observation.stores[key];
  if (result === undefined) {
    const known = before?.components?.find(({ name, external }) => name === key && external);
    return known ?? { name: key, ready: 0, desired: 1, external: true };
  }
  return {
    name: key,
    ready: result.ok ? 1 : 0,
    desired: 1,
    external: true,
    ...(result.ok ? {} : { reason: result.message }),
  };
}

/** The version that was reported before, while nothing has been reported to this operator. */
function versionBefore(
  before: StatusInput['before'],
  role: string,
  { observedAt }: Observation,
): string | undefined {
  if (observedAt !== undefined) return undefined;
  return before?.components?.find(({ name }) => name === role)?.version;
}

/** Why pods of a component are missing or not ready; empty when none is. */
function shortage(
  { missing, observation }: StatusInput,
  component: string,
  own: readonly Stored<Pod>[],
  { ready, desired }: Pick<OpenIMClusterStatusComponent, 'ready' | 'desired'>,
): { readonly reason?: string } {
  if (ready >= desired) return {};
  const problems = problemsOf(own, observation);
  const refused = missing?.[component];
  if (refused !== undefined && own.filter((pod) => !isTerminating(pod)).length < desired) {
    return { reason: problems === undefined ? refused.message : `${refused.message}; ${problems}` };
  }
  return { reason: problems ?? 'pods have not been created' };
}

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

/** Versions that processes report, with the build that the tag of their image adds. */
function versionsOf(pods: readonly Stored<Pod>[], { processes }: Observation): string[] {
  return pods.flatMap((pod) => {
    const version = processes.get(pod.metadata.name)?.version;
    if (version === undefined) return [];
    const component = componentOf(pod);
    const container = pod.spec?.containers.find(({ name }) => name === component);
    const tagged = taggedVersion(container?.image ?? '');
    return [tagged?.startsWith(`${version}-`) ? tagged : version];
  });
}

/**
 * The oldest version that a process reports; before the first look of this operator the one known before. Of two builds of a
 * version the one that is being replaced counts as older.
 */
export function oldestVersion({ observation, before, effective, pods }: StatusInput): string {
  const wanted = namedVersion(effective);
  const versions = versionsOf(pods, observation).sort(byVersion);
  const [oldest] = versions;
  if (oldest === undefined) return before?.version ?? wanted;
  const isBuildOfSame = (version: string) => !isOlder(version, oldest) && !isOlder(oldest, version);
  return versions.find((version) => isBuildOfSame(version) && version !== wanted) ?? wanted;
}

/** Order of versions, older first. */
export function byVersion(a: string, b: string): number {
  if (isOlder(a, b)) return -1;
  if (isOlder(b, a)) return 1;
  // A pre-release comes before its release.
  if (a.includes('-') !== b.includes('-')) return a.includes('-') ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The effective spec with the version that the image names, and volumes as they are. */
export function effectiveStatus({ effective, volumes = [], settings }: StatusInput) {
  const stores = STORE_KEYS.flatMap((key) => {
    const store = effective[key];
    if (store.kind === 'external') return [];
    const claims = volumes.filter(
      ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === storeLabel(key),
    );
    const storage = storageOf(claims);
    return storage === undefined ? [] : [[key, { ...store, storage: { ...store.storage, ...storage } }]];
  });
  return {
    ...(effective as unknown as Readonly<Record<string, unknown>>),
    ...(Object.fromEntries(stores) as Partial<EffectiveSpec>),
    version: namedVersion(effective),
    ...(settings && { settingsLevel: settings.level }),
  };
}

/** Size and class of the smallest of the claims: its capacity, or before it is bound what it requests. */
function storageOf(claims: readonly Stored<PersistentVolumeClaim>[]) {
  const sizeOf = ({ status, spec }: PersistentVolumeClaim) =>
    status?.capacity?.storage ?? spec?.resources?.requests?.storage;
  const [claim] = claims
    .filter((each) => sizeOf(each) !== undefined)
    .sort((a, b) => (quantity(sizeOf(a)) ?? 0) - (quantity(sizeOf(b)) ?? 0));
  if (!claim) return undefined;
  const storageClassName = claim.spec?.storageClassName;
  return {
    size: sizeOf(claim) ?? '',
    ...(storageClassName === undefined ? {} : { storageClassName }),
  };
}
