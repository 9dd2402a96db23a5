import { setTimeout as sleep } from 'node:timers/promises';
import { checkLogs } from './check-logs.ts';
import { now, type Recorder } from './recorder.ts';

/** Minimum time between checks for missing messages. */
const POLL_MS = 750;

/**
 * Waits until every device has what it is owed so far, at most `limitMs`. How long that takes depends on
 * the machine; whether it happens does not.
 */
export async function untilComplete(log: Recorder, limitMs: number): Promise<void> {
  const deadline = now() + limitMs;
  for (;;) {
    const startedAt = now();
    log.flush();
    const { counts } = await checkLogs([log.file], { pulled: false });
    if (counts.lost === 0 || now() > deadline) return;
    // A long log takes long to read.
    await sleep(Math.max(POLL_MS, 2 * (now() - startedAt)));
  }
}
