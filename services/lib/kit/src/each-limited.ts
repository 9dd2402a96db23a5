import { sleep } from './backoff.ts';

/** Shorter waits are saved up: a timer is no more precise than this, ms. */
const SHORTEST_WAIT_MS = 10;

/**
 * Calls `work` for every item, at most `limit` at once, in the order of the items. Resolves when all are done.
 * @param perSecond most items that are started per second, evenly; a call that fell behind does not catch up.
 * @default no limit
 * @throws the first error; items not started by then are skipped.
 */
export async function eachLimited<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
  { perSecond = Number.POSITIVE_INFINITY }: { readonly perSecond?: number } = {},
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let next = queue.next();
  let failed = false;
  let due = 0;
  /** Time until the next item may be started, ms; the one after it is due later. */
  function pause(): number {
    if (perSecond === Number.POSITIVE_INFINITY) return 0;
    const now = performance.now();
    const wait = due - now;
    due = Math.max(due, now) + 1_000 / perSecond;
    return wait;
  }
  async function worker(): Promise<void> {
    while (!failed && !next.done) {
      const wait = pause();
      if (wait >= SHORTEST_WAIT_MS) {
        await sleep(wait);
        if (failed || next.done) return;
      }
      const { value } = next;
      next = queue.next();
      try {
        await work(value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker));
}
