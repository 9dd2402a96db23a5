import type { PersistentVolumeClaim, StatefulSet, Stored } from '@im/kube';
import type { OpenIMClusterSpec } from '../../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { ManagedStore } from '../../../resources/effective-stores.ts';
import { STORES, type StoreName } from '../../../resources/names.ts';
import { quantity } from '../../../resources/quantity.ts';
import { DATA_VOLUME } from '../../../resources/stores/store-set.ts';

/** State of a volume with regard to the spec. */
export type VolumeState = 'UpToDate' | 'Pending' | 'Resizing' | 'FileSystemResizePending' | 'Refused';

/** A volume of a managed store. */
export interface Volume {
  /** Name of the PersistentVolumeClaim. */
  readonly claim: string;
  readonly store: StoreName;
  /** Wanted size: that of the spec, or what the claim requests where the spec has none. */
  readonly requested: string;
  /** Real size; undefined while there is no volume. */
  readonly capacity?: string | undefined;
  /** Smallest size that the spec can go back to. */
  readonly least: string;
  readonly state: VolumeState;
  /** Names fault and remedy. */
  readonly message?: string | undefined;
}

/** One action. After its execution the plan is made again from the observed state. */
export type VolumeAction =
  | { readonly kind: 'request'; readonly claim: string; readonly size: string; readonly store: StoreName }
  /** Deletes a StatefulSet, but not its pods; it is created again. */
  | { readonly kind: 'replace'; readonly statefulSet: Stored<StatefulSet> }
  /** Deletes a claim that has no volume, and its pod; both are created again. */
  | { readonly kind: 'release'; readonly claim: Stored<PersistentVolumeClaim> };

/** The volumes of a cluster, and what to do about them. */
export interface VolumePlan {
  readonly actions: readonly VolumeAction[];
  readonly volumes: readonly Volume[];
}

/** Input of {@link planVolumes}. */
export interface VolumeInput {
  readonly spec: OpenIMClusterSpec;
  readonly effective: EffectiveSpec;
  readonly claims: readonly Stored<PersistentVolumeClaim>[];
  readonly statefulSets: readonly Stored<StatefulSet>[];
}

/**
 * Compares the volumes of managed stores with the spec. A volume grows, and a growth that did not take place can be
 * taken back; no volume shrinks. The StorageClass can change while a store has no volume yet.
 */
export function planVolumes(input: VolumeInput): VolumePlan {
  const actions: VolumeAction[] = [];
  const volumes: Volume[] = [];
  for (const name of STORES) {
    const store = managedStore(input.effective, name);
    if (!store) continue;
    const claims = claimsOf(input.claims, name);
    const explicit = isExplicit(input.spec, name);
    const statefulSet = input.statefulSets.find((set) => componentOf(set) === name);
    // With a volume the data decides: nothing is created again.
    if (!claims.some(isBound)) actions.push(...corrections(statefulSet, claims, store));
    for (const claim of claims) {
      const volume = volumeOf(claim, name, store, explicit);
      if (volume.action) actions.push(volume.action);
      volumes.push(volume.volume);
    }
  }
  return { actions, volumes };
}

/**
 * The spec with the real sizes of volumes, from which limits of the stores are derived: while a volume has not grown,
 * a store must not be configured for more than there is, and where a size is absent or too small, for no less.
 */
export function atRealSizes(
  effective: EffectiveSpec,
  claims: readonly Stored<PersistentVolumeClaim>[],
): EffectiveSpec {
  const sized = <S extends { readonly kind: string }>(store: S, name: StoreName): S => {
    if (!isManaged(store)) return store;
    const size = realSize(store, claimsOf(claims, name).filter(isBound));
    return size === store.storage.size ? store : { ...store, storage: { ...store.storage, size } };
  };
  return {
    ...effective,
    nats: sized(effective.nats, 'nats'),
    mongodb: sized(effective.mongodb, 'mongodb'),
    redis: sized(effective.redis, 'redis'),
    objectStorage: sized(effective.objectStorage, 'object-storage'),
  };
}

/** The smaller of the capacity and the largest of what is wished and requested, over all volumes of a store. */
function realSize({ storage }: ManagedStore, claims: readonly PersistentVolumeClaim[]): string {
  if (claims.length === 0) return storage.size;
  const sizes = claims.map((claim) => {
    const larger = atLeast(storage.size, requestOf(claim)) ? storage.size : requestOf(claim);
    const capacity = capacityOf(claim);
    return capacity === undefined || atLeast(capacity, larger) ? larger : capacity;
  });
  return sizes.reduce((least, size) => (atLeast(size, least) ? least : size));
}

function volumeOf(
  claim: Stored<PersistentVolumeClaim>,
  store: StoreName,
  { storage }: ManagedStore,
  explicit: boolean,
): { readonly volume: Volume; readonly action?: VolumeAction } {
  const name = claim.metadata.name;
  const wished = storage.size;
  const requested = requestOf(claim);
  const capacity = capacityOf(claim);
  const field = `${sectionOf(store)}.storage`;
  const wanted = explicit || !atLeast(requested, wished) ? wished : requested;
  // A driver may make more of it than was requested; Kubernetes takes back a growth that has not taken place.
  const least = capacity === undefined || atLeast(capacity, requested) ? requested : capacity;
  const facts = { claim: name, store, requested: wanted, capacity, least };
  const volume = (state: VolumeState, message?: string) => ({ volume: { ...facts, state, message } });
  if (!isBound(claim) || capacity === undefined) return volume('Pending', `${name}: has no volume yet`);
  const className = claim.spec?.storageClassName;
  if (storage.storageClassName !== undefined && storage.storageClassName !== className) {
    const have =
      className === undefined || className === '' ? 'no StorageClass' : `StorageClass ${className}`;
    const remedy = className
      ? `set ${field}.storageClassName back to ${className}`
      : `remove ${field}.storageClassName`;
    return volume(
      'Refused',
      `${name}: the volume exists with ${have}, which cannot change; ${remedy}, or create another cluster and move the data`,
    );
  }
  const request = (): VolumeAction => ({ kind: 'request', claim: name, size: wished, store });
  if (!atLeast(requested, wished)) return { ...volume('Resizing', resizing(facts)), action: request() };
  if (explicit && !atLeast(wished, least)) {
    return volume(
      'Refused',
      `${name}: the volume has ${capacity}, and volumes cannot shrink; set ${field}.size back to ${least} or more`,
    );
  }
  const fault = resizeFault(claim);
  // A growth that did not take place is taken back. Kubernetes accepts sizes above the capacity only.
  if (explicit && !atLeast(wished, requested) && !atLeast(capacity, wished)) {
    return { ...volume('Resizing', resizing(facts)), action: request() };
  }
  if (atLeast(capacity, requested) || (explicit && atLeast(capacity, wished))) return volume('UpToDate');
  if (fault !== undefined) {
    return volume(
      'Refused',
      `${name}: the volume stays at ${capacity}: ${fault}; see the events of the claim, or set ${field}.size back to ${least}`,
    );
  }
  const pending = conditionOf(claim, 'FileSystemResizePending');
  if (pending) {
    return volume(
      'FileSystemResizePending',
      `${name}: the volume has grown to ${requested}; its file system (${capacity}) grows when the pod is mounted again or by its node`,
    );
  }
  return volume('Resizing', resizing(facts));
}

function resizing({ claim, capacity, requested }: Pick<Volume, 'claim' | 'capacity' | 'requested'>): string {
  return `${claim}: the volume grows from ${capacity} to ${requested}`;
}

/** What a driver reports about a growth that does not take place. */
function resizeFault(claim: PersistentVolumeClaim): string | undefined {
  for (const type of ['ControllerResizeError', 'NodeResizeError']) {
    const condition = conditionOf(claim, type);
    if (condition) return condition.message ?? condition.reason ?? type;
  }
  const state = claim.status?.allocatedResourceStatuses?.storage;
  return state?.endsWith('Infeasible') ? `the driver reports ${state}` : undefined;
}

/** What makes the claims of a store, which has no volume yet, as the spec describes them. */
function corrections(
  statefulSet: Stored<StatefulSet> | undefined,
  claims: readonly Stored<PersistentVolumeClaim>[],
  store: ManagedStore,
): VolumeAction[] {
  const replaced = statefulSet !== undefined && otherTemplate(statefulSet, store);
  const { storageClassName, size } = store.storage;
  const isOther = (claim: PersistentVolumeClaim) =>
    (storageClassName !== undefined && claim.spec?.storageClassName !== storageClassName) ||
    quantity(requestOf(claim)) !== quantity(size);
  return [
    ...(replaced && statefulSet.metadata.deletionTimestamp === undefined
      ? [{ kind: 'replace', statefulSet } as const]
      : []),
    ...claims
      .filter((claim) => replaced || isOther(claim))
      .map((claim) => ({ kind: 'release', claim }) as const),
  ];
}

/** Whether the claims of a StatefulSet would be made otherwise now. */
function otherTemplate({ spec }: StatefulSet, { storage }: ManagedStore): boolean {
  const template = spec?.volumeClaimTemplates?.find(({ metadata }) => metadata?.name === DATA_VOLUME)?.spec;
  if (!template) return false;
  const size = template.resources?.requests?.storage;
  return (
    (template.storageClassName ?? undefined) !== storage.storageClassName ||
    quantity(size) !== quantity(storage.size)
  );
}

function conditionOf(claim: PersistentVolumeClaim, type: string) {
  return claim.status?.conditions?.find((each) => each.type === type && each.status === 'True');
}

function isBound({ status }: PersistentVolumeClaim): boolean {
  // A lost claim had a volume.
  return status?.phase === 'Bound' || status?.phase === 'Lost';
}

function requestOf({ spec }: PersistentVolumeClaim): string {
  return spec?.resources?.requests?.storage ?? '0';
}

function capacityOf({ status }: PersistentVolumeClaim): string | undefined {
  return status?.capacity?.storage;
}

function atLeast(size: string, other: string): boolean {
  return (quantity(size) ?? 0) >= (quantity(other) ?? 0);
}

function componentOf({ metadata }: { readonly metadata?: { readonly labels?: Record<string, string> } }) {
  return metadata?.labels?.['app.kubernetes.io/component'];
}

function claimsOf(claims: readonly Stored<PersistentVolumeClaim>[], store: StoreName) {
  return claims.filter(
    (claim) => componentOf(claim) === store && claim.metadata.deletionTimestamp === undefined,
  );
}

const KEYS = {
  nats: 'nats',
  mongodb: 'mongodb',
  redis: 'redis',
  'object-storage': 'objectStorage',
} as const satisfies Record<StoreName, keyof EffectiveSpec>;

/** Path of a managed store in the spec. */
export function sectionOf(store: StoreName): string {
  return `spec.${KEYS[store]}.managed`;
}

function isManaged(store: { readonly kind: string }): store is ManagedStore {
  return store.kind === 'managed';
}

function managedStore(effective: EffectiveSpec, name: StoreName): ManagedStore | undefined {
  const store = effective[KEYS[name]];
  return isManaged(store) ? store : undefined;
}

function isExplicit(spec: OpenIMClusterSpec, name: StoreName): boolean {
  return spec[KEYS[name]]?.managed?.storage?.size !== undefined;
}
