/** Shortest interval between reconciles without a change, ms; the longest is twice that, so that clusters spread. */
export const RESYNC_MS = 300_000;
/** Longest interval while a rollout is stuck, ms. */
export const STUCK_MS = 60_000;
/** Interval while a rollout advances, ms. */
export const BUSY_MS = 2_000;

/**
 * Time until the next look at a rollout that has been in the same state for `unchangedMs`: short while it advances, and
 * long when it is stuck; a change is noticed at once in any case.
 */
export function nextLookMs(unchangedMs: number): number {
  return Math.min(STUCK_MS, Math.max(BUSY_MS, unchangedMs / 4));
}

/** How long the states of clusters have been the same. */
export class Unchanged {
  readonly #states = new Map<string, { readonly state: string; readonly since: number }>();

  /** Takes note of the state of `key`. @returns the time since which it has been the same, ms since the epoch. */
  since(key: string, state: string, now: number): number {
    const known = this.#states.get(key);
    if (known?.state === state) return known.since;
    this.#states.set(key, { state, since: now });
    return now;
  }

  forget(key: string): void {
    this.#states.delete(key);
  }
}
