import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats `check` until it no longer throws, and returns its result.
 * @throws the last error of `check`, after `timeoutMs` (default 45 s).
 */
export async function eventually<T>(check: () => Promise<T> | T, timeoutMs = 45_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(50);
  }
}
