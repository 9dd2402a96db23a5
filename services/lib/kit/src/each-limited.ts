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
  let failed = false;
  let due = performance.now();
  async function worker(): Promise<void> {
    while (!failed) {
      const wait = due - performance.now();
      due = Math.max(due, performance.now()) + 1_000 / perSecond;
      if (wait >= SHORTEST_WAIT_MS) await sleep(wait);
      if (failed) return;
      const next = queue.next();
      if (next.done) return;
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker));
}
