import type { Metrics } from '@im/kit';
import { parseKey } from '@im/kube';

/** What a cluster takes a place for. */
export type PlaceKind = 'creation' | 'rollout';

/** How many clusters are created and rolled out at the same time. */
export type PlaceLimits = Readonly<Record<PlaceKind, number>>;

/** Limits unless the settings of the operator have others. */
export const PLACE_LIMITS: PlaceLimits = { creation: 10, rollout: 3 };

/** A cluster that is created or rolled out, or is to be. */
export interface Claim {
  readonly kind: PlaceKind;
  /** Start of the wait, ms since the epoch: the order of the places. */
  readonly since: number;
  /** Start of the creation or rollout as the cluster's objects record it, ms since the epoch; undefined before. */
  readonly startedAt?: number | undefined;
  /** Whether the cluster is reported as stalled. */
  readonly stalled: boolean;
}

/** Answer to a claim. */
export type Place =
  | { readonly granted: true }
  | { readonly granted: false; readonly limit: number; readonly againAfterMs: number };

/**
 * Time after which a stalled cluster gives its place away, ms. A faulty change of many clusters must not go through all
 * of them faster than a person notices; faulty new clusters harm nothing but the wait of others.
 */
export const STALLED_PLACE_MS: Readonly<Record<PlaceKind, number>> = { creation: 120_000, rollout: 600_000 };
/** Time after which every cluster gives its place away, ms. */
export const LONGEST_PLACE_MS = 3_600_000;
/** Longest interval between claims of a cluster that waits, ms; a free place is announced at once. */
const WAIT_MS = 60_000;

interface Entry {
  claim: Claim;
  /** When the place was granted, ms since the epoch; undefined while the cluster waits. */
  startedAt: number | undefined;
}

export interface RolloutPlacesOptions {
  readonly limits: PlaceLimits;
  readonly metrics: Metrics;
  /** Called with the keys of clusters that wait and can have a place now. */
  readonly onFree: (keys: readonly string[]) => void;
  readonly now?: () => number;
}

/**
 * Limits how many clusters are created and rolled out at the same time, so that a change of many does not replace the
 * pods of all at once. First come, first served, except that a namespace with fewer places comes first. A cluster that
 * has started goes on without asking; a stuck one gives its place away, but is not held back itself. All that matters is
 * recorded in the objects of the clusters, so that {@link load} restores it.
 */
export class RolloutPlaces {
  readonly #limits: PlaceLimits;
  readonly #onFree: RolloutPlacesOptions['onFree'];
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #report: () => void;

  constructor({ limits, metrics, onFree, now = Date.now }: RolloutPlacesOptions) {
    this.#limits = limits;
    this.#onFree = onFree;
    this.#now = now;
    const gauge = metrics.gauge(
      'openim_operator_rollouts',
      'Clusters that are created or rolled out, by kind, and by state: running, waiting for a place, or overdue (its place was given away)',
      ['kind', 'state'],
    );
    this.#report = () => {
      const at = this.#now();
      for (const kind of ['creation', 'rollout'] as const) {
        const entries = this.#of(kind).map(([, entry]) => entry);
        const running = entries.filter((entry) => holds(entry, at)).length;
        const waiting = entries.filter(({ startedAt }) => startedAt === undefined).length;
        gauge.set({ kind, state: 'running' }, running);
        gauge.set({ kind, state: 'waiting' }, waiting);
        gauge.set({ kind, state: 'overdue' }, entries.length - running - waiting);
      }
    };
  }

  /** Replaces everything that is known, at the start of a leadership. */
  load(claims: Iterable<readonly [key: string, claim: Claim]>): void {
    this.#entries.clear();
    for (const [key, claim] of claims) this.#entries.set(key, { claim, startedAt: claim.startedAt });
    this.#report();
  }

  /** Claims a place, or continues to hold one. A claim that waits is repeated until it is granted. */
  claim(key: string, claim: Claim): Place {
    const known = this.#entries.get(key);
    const isSame = known?.claim.kind === claim.kind;
    const since = isSame ? Math.min(known.claim.since, claim.since) : claim.since;
    const entry: Entry = {
      claim: { ...claim, since },
      startedAt: claim.startedAt ?? (isSame ? known.startedAt : undefined),
    };
    this.#entries.set(key, entry);
    const { kind } = claim;
    if (entry.startedAt === undefined) {
      const ahead = this.#waiting(kind).findIndex(([waiting]) => waiting === key);
      if (ahead < this.#free(kind)) entry.startedAt = this.#now();
    }
    // A place may have become free by the time that has passed.
    else this.#announce(kind);
    this.#report();
    if (entry.startedAt !== undefined) return { granted: true };
    return { granted: false, limit: this.#limits[kind], againAfterMs: this.#againAfterMs(kind) };
  }

  /** Gives up the place, or the wait for one: the cluster is complete or gone. */
  release(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#announce(entry.claim.kind);
    this.#report();
  }

  /** Gives up a place that nothing was started with, because the cluster cannot start: others must not wait for it. */
  withdraw(key: string): void {
    if (this.#entries.get(key)?.claim.startedAt === undefined) this.release(key);
  }

  #of(kind: PlaceKind): [string, Entry][] {
    return [...this.#entries].filter(([, { claim }]) => claim.kind === kind);
  }

  /** Those that wait, in the order in which they get a place. */
  #waiting(kind: PlaceKind): [string, Entry][] {
    const at = this.#now();
    const taken = new Map<string, number>();
    for (const [key, entry] of this.#of(kind)) {
      const namespace = namespaceOf(key);
      if (holds(entry, at)) taken.set(namespace, (taken.get(namespace) ?? 0) + 1);
    }
    const placesOf = (key: string) => taken.get(namespaceOf(key)) ?? 0;
    return this.#of(kind)
      .filter(([, { startedAt }]) => startedAt === undefined)
      .sort(
        ([a, { claim: one }], [b, { claim: other }]) =>
          placesOf(a) - placesOf(b) || one.since - other.since || (a < b ? -1 : 1),
      );
  }

  #free(kind: PlaceKind): number {
    const at = this.#now();
    const held = this.#of(kind).filter(([, entry]) => holds(entry, at)).length;
    return Math.max(0, this.#limits[kind] - held);
  }

  #announce(kind: PlaceKind): void {
    const next = this.#waiting(kind).slice(0, this.#free(kind));
    if (next.length > 0) this.#onFree(next.map(([key]) => key));
  }

  /** Time until a place may become free because its holder is overdue. */
  #againAfterMs(kind: PlaceKind): number {
    const at = this.#now();
    const ends = this.#of(kind)
      .filter(([, entry]) => holds(entry, at))
      .map(([, entry]) => endOf(entry) - at);
    return Math.max(1_000, Math.min(WAIT_MS, ...ends));
  }
}

function namespaceOf(key: string): string {
  return parseKey(key).namespace ?? '';
}

/** Whether a cluster takes up a place. */
function holds(entry: Entry, at: number): boolean {
  return entry.startedAt !== undefined && at < endOf(entry);
}

/** When a cluster gives its place away, ms since the epoch. */
function endOf({ claim, startedAt = 0 }: Entry): number {
  return startedAt + (claim.stalled ? STALLED_PLACE_MS[claim.kind] : LONGEST_PLACE_MS);
}
