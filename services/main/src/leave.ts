import { sleep } from '@im/kit';
import type { Logger, NamedService } from '@im/process';

/** How a process leaves. */
export interface LeaveOptions {
  /** Time in which those who send work here learn that it is not ready, ms. */
  readonly settleMs: number;
  /** Ends the waiting when it aborts. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/** Waits until nobody sends work here any more; a part that fails to leave is left to the stop. */
export async function leaveAll(parts: readonly NamedService[], options: LeaveOptions): Promise<void> {
  const { settleMs, stopping, log } = options;
  const begun = performance.now();
  log.info('leaving');
  const stopped = Promise.withResolvers<void>();
  const onStop = () => stopped.resolve();
  if (stopping.aborted) onStop();
  stopping.addEventListener('abort', onStop, { once: true });
  const gone = parts.map(async ({ name, service }) => {
    try {
      await service.leave?.();
    } catch (error) {
      log.warn({ part: name, err: error }, 'could not leave in good order');
    }
  });
  const settled = sleep(settleMs, stopping).catch(() => {});
  await Promise.race([stopped.promise, Promise.all([settled, ...gone])]);
  stopping.removeEventListener('abort', onStop);
  log.info({ ms: Math.round(performance.now() - begun) }, 'left');
}
