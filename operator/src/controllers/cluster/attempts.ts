import { isConflict, isRefusal, keyOf, type Stored } from '@im/kube';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import { type Problem, problemOf, type RequestedObject } from './problem.ts';

/** First and longest wait until a refused request is repeated, ms. */
const REFUSED_MS = { base: 5_000, max: 120_000 };
/** The same for a request that failed. */
const FAILED_MS = { base: 1_000, max: 30_000 };

interface Attempt {
  /** The request, to recognize a changed one. */
  readonly request: string;
  readonly problem: Problem;
  readonly failures: number;
  readonly retryAt: number;
}

/** Value of a request, or why there is none; a conflict is a write that was based on stale state. */
export type Attempted<T> =
  | { readonly value: T }
  | { readonly problem: Problem }
  | { readonly conflict: unknown };

/**
 * Requests of clusters that did not succeed. Such a request is repeated after a wait that doubles each time, and at
 * once when it, or the spec of its cluster, has changed. Reconciles in between report the problem without a request.
 */
export class Attempts {
  readonly #now: () => number;
  readonly #clusters = new Map<string, { generation: number; readonly failed: Map<string, Attempt> }>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The requests of one reconcile of `cluster`. */
  of(cluster: Stored<OpenIMCluster>): AttemptsOfReconcile {
    const key = keyOf(cluster);
    const generation = cluster.metadata.generation ?? 0;
    let known = this.#clusters.get(key);
    if (known?.generation !== generation) {
      known = { generation, failed: new Map() };
      this.#clusters.set(key, known);
    }
    return new AttemptsOfReconcile(known.failed, this.#now);
  }

  /** Drops what is kept about a deleted cluster. */
  forget(key: string): void {
    this.#clusters.delete(key);
  }
}

/** The requests of one reconcile. */
export class AttemptsOfReconcile {
  readonly #failed: Map<string, Attempt>;
  readonly #now: () => number;
  #retryAt = Number.POSITIVE_INFINITY;

  constructor(failed: Map<string, Attempt>, now: () => number) {
    this.#failed = failed;
    this.#now = now;
  }

  /** Time until a request of this reconcile that did not succeed is to be repeated, ms; Infinity without one. */
  get retryInMs(): number {
    return Math.max(0, this.#retryAt - this.#now());
  }

  /**
   * Makes a request for `object`, unless the same one did not succeed recently.
   * @param body what `work` requests.
   * @throws the signal's reason, and nothing else.
   */
  async run<T>(
    object: RequestedObject,
    body: object,
    work: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<Attempted<T>> {
    const id = `${object.kind}/${object.metadata?.name}`;
    const before = this.#failed.get(id);
    const request = before && JSON.stringify(body);
    if (before && before.request === request && before.retryAt > this.#now()) {
      this.#retryAt = Math.min(this.#retryAt, before.retryAt);
      return { problem: before.problem };
    }
    try {
      const value = await work();
      this.#failed.delete(id);
      return { value };
    } catch (error) {
      signal.throwIfAborted();
      if (isConflict(error)) return { conflict: error };
      const problem = problemOf(object, error);
      const failures = before?.request === request ? (before?.failures ?? 0) + 1 : 1;
      const { base, max } = isRefusal(error) ? REFUSED_MS : FAILED_MS;
      const retryAt = this.#now() + Math.min(max, base * 2 ** Math.min(failures - 1, 20));
      this.#failed.set(id, { request: request ?? JSON.stringify(body), problem, failures, retryAt });
      this.#retryAt = Math.min(this.#retryAt, retryAt);
      return { problem };
    }
  }
}
