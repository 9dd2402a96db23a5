import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats `check` until it passes. @throws its last error after `withinMs`. @default 30 s */
export async function eventually(check: () => void | Promise<void>, withinMs = 30_000): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() >= end) throw error;
      await sleep(20);
    }
  }
}
