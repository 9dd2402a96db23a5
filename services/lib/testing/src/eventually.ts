import { sleep } from '@im/kit';

const POLL_MS = 20;

/**
 * Repeats `check` until it no longer throws.
 * @returns what it returned.
 * @throws what it threw last, once the time is over.
 */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 60_000): Promise<T> {
  for (const deadline = performance.now() + withinMs; ; await sleep(POLL_MS)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}
