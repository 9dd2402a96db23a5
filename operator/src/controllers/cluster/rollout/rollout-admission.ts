import { type Informer, keyOf, type Stored } from '@im/kube';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { ANNOTATION } from '../../../resources/names.ts';
import type { Revision } from '../../../resources/revision.ts';
import type { Children } from '../children.ts';
import { QUEUED, type RolloutState } from '../observation/observation.ts';
import { ObservedCluster, ownerOf } from '../observation/observed-cluster.ts';
import { currentRevision, revisionsOf, startedAtOf } from '../revisions.ts';
import { isForced } from './rollout.ts';
import type { Claim, Place, PlaceKind, RolloutPlaces } from './rollout-places.ts';

const WAITING_REASON = 'WaitingForOtherClusters';

/** A cluster as the local copies show it. */
interface Observed {
  readonly cluster: Stored<OpenIMCluster>;
  readonly observed: Pick<ObservedCluster, 'firstWorkloadAt'>;
  /** Newest first. */
  readonly revisions: readonly Revision[];
}

export interface AdmissionDeps {
  readonly clusters: Informer<OpenIMCluster>;
  readonly children: Children;
  readonly places: RolloutPlaces;
}

/** A wait for other clusters, for status. */
export interface Queued {
  readonly state: RolloutState;
  readonly againAfterMs: number;
}

/** Decides which clusters may be created and rolled out now. See {@link RolloutPlaces}. */
export class RolloutAdmission {
  readonly #deps: AdmissionDeps;
  #isLoaded = false;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /** Starts a leadership: what another leader did meanwhile is read from the objects. */
  begin(): void {
    this.#isLoaded = false;
  }

  /** Admits the creation of a cluster. @returns the wait for others, if it has to. */
  admitCreation(world: Observed): Queued | undefined {
    this.#load();
    const claim = claimOf(world, undefined);
    if (claim?.kind !== 'creation') return undefined;
    return this.#ask(world.cluster, claim);
  }

  /** Admits the rollout of a cluster to `revision`. @returns the wait for others, if it has to. */
  admitRollout(world: Observed, revision: string): Queued | undefined {
    const claim = claimOf(world, revision);
    if (claim === undefined) {
      this.#deps.places.release(keyOf(world.cluster));
      return undefined;
    }
    return claim.kind === 'rollout' ? this.#ask(world.cluster, claim) : undefined;
  }

  /** The cluster is complete, or gone. */
  release(key: string): void {
    this.#deps.places.release(key);
  }

  /** The cluster cannot start for the moment. */
  withdraw(key: string): void {
    this.#deps.places.withdraw(key);
  }

  #ask(cluster: Stored<OpenIMCluster>, claim: Claim): Queued | undefined {
    if (isForced(cluster)) {
      this.#deps.places.release(keyOf(cluster));
      return undefined;
    }
    const place = this.#deps.places.claim(keyOf(cluster), claim);
    return place.granted ? undefined : queued(cluster, claim.kind, place);
  }

  #load(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const { clusters, children, places } = this.#deps;
    places.load(
      clusters.list().flatMap((cluster): [string, Claim][] => {
        if (cluster.metadata.deletionTimestamp !== undefined || isForced(cluster)) return [];
        const observed = new ObservedCluster(ownerOf(cluster), children);
        const revisions = revisionsOf(observed);
        const claim = claimOf({ cluster, observed, revisions }, revisions[0]?.name);
        return claim === undefined ? [] : [[keyOf(cluster), claim]];
      }),
    );
  }
}

/**
 * What a cluster claims a place for; undefined when it matches its wanted revision. A rollout that has left the current
 * revision has started, whatever it goes to: its correction must not wait.
 */
export function claimOf(
  { cluster, observed, revisions }: Observed,
  wanted: string | undefined,
): Claim | undefined {
  const stalled = (cluster.status?.conditions ?? []).some(
    ({ type, status }) => type === 'Stalled' && status === 'True',
  );
  const current = currentRevision(revisions);
  if (current === undefined) {
    const since = Date.parse(cluster.metadata.creationTimestamp ?? '') || Date.now();
    return { kind: 'creation', since, startedAt: observed.firstWorkloadAt(), stalled };
  }
  const startedAt = startedAtOf(revisions);
  if (startedAt === undefined && (wanted === undefined || wanted === current.name)) return undefined;
  const since = revisions.find(({ name }) => name === wanted)?.createdAt ?? Date.now();
  return { kind: 'rollout', since, startedAt, stalled };
}

const LIMITED_BY: Readonly<Record<PlaceKind, { readonly action: string; readonly setting: string }>> = {
  creation: { action: 'created', setting: 'OPENIM_CONCURRENT_CREATIONS' },
  rollout: { action: 'rolled out', setting: 'OPENIM_CONCURRENT_ROLLOUTS' },
};

/** The same text for as long as it waits: a position would be written for every cluster that gets a place. */
function queued(
  { metadata }: Stored<OpenIMCluster>,
  kind: PlaceKind,
  { limit, againAfterMs }: Extract<Place, { granted: false }>,
): Queued {
  const { action, setting } = LIMITED_BY[kind];
  const message = `waiting for other clusters: at most ${limit} are ${action} at the same time (${setting} of the operator); to go first, annotate the cluster with ${ANNOTATION.forceRollout}=${metadata.generation}`;
  return { state: { stage: QUEUED, message, reason: WAITING_REASON }, againAfterMs };
}
