import { onAbort, sleep, untilAborted } from '@im/kit';
import type { Logger } from './log.ts';

/** Whether a part can do its work now, and if not, what it waits for. */
export interface Readiness {
  readonly ready: boolean;
  /** One short sentence for an operator; set when not ready. */
  readonly reason?: string;
  /** What a ready process does without for now; see {@link readinessThroughOutages}. */
  readonly unavailable?: string;
}

/** The answer of a part that can work. */
export const READY: Readiness = { ready: true };

/** The answer of a part that cannot work yet, with the reason. */
export function notReady(reason: string): Readiness {
  return { ready: false, reason };
}

/** Something with a beginning and an end: a service, or a connection to a backend. */
export interface Service {
  /**
   * Begins to work. Resolves without its backends too: what needs them is handed to the task runner,
   * and {@link Service.ready} says when they are available. Rejects only for what no waiting can mend,
   * such as a taken port.
   */
  start(): Promise<void>;
  /**
   * Stops accepting, finishes what was accepted, closes. Resolves when nothing of it is left;
   * from the abort of `deadline` on, it must drop what remains instead of waiting.
   */
  stop(deadline: AbortSignal): Promise<void>;
  ready(): Readiness;
  /**
   * The process will be stopped soon and is no longer ready, but callers that have not noticed still
   * send work, which is done. Moves away clients that would stay; resolves when `stop` finds little to do.
   */
  drain?(): Promise<void>;
}

/** A started part and its name, in the order of starting. */
export interface NamedService {
  readonly name: string;
  readonly service: Service;
  /** It connects to what other processes use as well, such as a store. @default false */
  readonly shared?: boolean;
}

/** Starts parts one after the other. When one fails, those before it are stopped again, and the error passes on. */
export async function startInOrder(parts: readonly NamedService[], log: Logger): Promise<void> {
  const started: NamedService[] = [];
  for (const part of parts) {
    try {
      await part.service.start();
    } catch (error) {
      log.error({ part: part.name, err: error }, 'start failed');
      await stopInReverse(started, AbortSignal.timeout(5_000), log);
      throw error;
    }
    started.push(part);
    log.debug({ part: part.name }, 'started');
  }
}

/**
 * Stops parts in reverse order, each awaited at most until `deadline` aborts. A part that fails or
 * does not come back is logged and left behind; the others are still stopped.
 */
export async function stopInReverse(
  parts: readonly NamedService[],
  deadline: AbortSignal,
  log: Logger,
): Promise<void> {
  for (const part of [...parts].reverse()) {
    const startedAt = performance.now();
    try {
      const outcome = await untilOverdue(part.service.stop(deadline), deadline);
      const ms = Math.round(performance.now() - startedAt);
      if (outcome === 'aborted') log.warn({ part: part.name, ms }, 'not stopped within the deadline');
      else log.debug({ part: part.name, ms }, 'stopped');
    } catch (error) {
      log.error({ part: part.name, err: error }, 'stop failed');
    }
  }
}

/** Time that a part gets to return once the deadline has passed and it must drop what remains, in ms. */
const ABORT_GRACE_MS = 500;

async function untilOverdue(work: Promise<void>, signal: AbortSignal): Promise<'done' | 'aborted'> {
  const { promise, resolve } = Promise.withResolvers<'aborted'>();
  let timer: NodeJS.Timeout | undefined;
  using _ = onAbort(signal, () => {
    timer = setTimeout(() => resolve('aborted'), ABORT_GRACE_MS);
  });
  try {
    return await Promise.race([work.then(() => 'done' as const), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Several readiness answers as one: ready when all are, else every reason with the part's name. */
export function combineReadiness(parts: readonly NamedService[]): Readiness {
  const reasons: string[] = [];
  for (const { name, service } of parts) {
    const answer = service.ready();
    if (!answer.ready) reasons.push(`${name}: ${answer.reason ?? 'not ready'}`);
  }
  return reasons.length === 0 ? READY : notReady(reasons.join('; '));
}

/**
 * Readiness of a process that holds what an outage of a shared part must not cut, and that refuses by itself what it
 * cannot do meanwhile: ready once all parts have been, and from then on whatever the shared ones say.
 */
export function readinessThroughOutages(parts: readonly NamedService[]): () => Readiness {
  const own = parts.filter(({ shared }) => !shared);
  let wasReady = false;
  return () => {
    const all = combineReadiness(parts);
    wasReady ||= all.ready;
    if (all.ready || !wasReady) return all;
    const answer = combineReadiness(own);
    return answer.ready ? { ready: true, unavailable: all.reason } : answer;
  };
}

/** How a process announces its stop. */
export interface DrainOptions {
  /** Time in which those who send work here learn that it is not ready, in ms. */
  readonly settleMs: number;
  /** Ends the waiting when it aborts. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

/** Drains all parts, and waits until others have learned to send no more work here. A part that fails is left to the stop. */
export async function drainAll(parts: readonly NamedService[], options: DrainOptions): Promise<void> {
  const { settleMs, stopping, log } = options;
  const startedAt = performance.now();
  log.info('draining');
  const gone = parts.map(async ({ name, service }) => {
    try {
      await service.drain?.();
    } catch (error) {
      log.warn({ part: name, err: error }, 'drain failed');
    }
  });
  const settled = sleep(settleMs, stopping).catch(() => {});
  await untilAborted(Promise.all([settled, ...gone]), stopping);
  log.info({ ms: Math.round(performance.now() - startedAt) }, 'drained');
}
