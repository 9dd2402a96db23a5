import { Backoff, type BackoffOptions } from './backoff.ts';
import { outsideCalls } from './call-scope.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Options of {@link Background.loop}. */
export interface LoopOptions extends BackoffOptions {
  /** A run that lasted this long counts as healthy: the next restart waits the shortest time again. 30 s unless told. */
  readonly healthyAfterMs?: number;
}

/** Options of {@link Background.spawn}. */
export interface SpawnOptions {
  /** Most runs of this name at once; a further one is refused. 1,000 unless told. */
  readonly limit?: number;
}

/**
 * The one place for work that nobody awaits. Every task has a name, its failures are logged and
 * counted, and {@link Background.stop} waits for all of them.
 */
export interface Background {
  /**
   * Keeps `work` running until the process stops: when it fails or returns it is started again after
   * a growing, jittered wait. `work` ends when its signal aborts.
   */
  loop(name: string, work: (signal: AbortSignal) => Promise<void>, options?: LoopOptions): void;
  /**
   * Runs `work` once.
   * @returns false when it was refused, because as many of that name are running or the process stops.
   */
  spawn(name: string, work: (signal: AbortSignal) => Promise<void>, options?: SpawnOptions): boolean;
  /** Runs `work` every `intervalMs`, never two at once, the first time after one interval. */
  every(name: string, intervalMs: number, work: (signal: AbortSignal) => Promise<void>): void;
  /** Aborts all tasks and resolves when they have ended. */
  stop(): Promise<void>;
}

/** Parts that a runner needs. */
export interface BackgroundDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
}

const DEFAULT_SPAWN_LIMIT = 1_000;
const DEFAULT_HEALTHY_AFTER_MS = 30_000;

/** A supervised runner of its own; a process has one. */
export function createBackground({ log, metrics }: BackgroundDeps): Background {
  const controller = new AbortController();
  const { signal } = controller;
  const running = new Set<Promise<void>>();
  const counts = new Map<string, number>();
  const failures = metrics.counter('im_background_failures_total', 'Background tasks that failed', ['task']);
  const refusals = metrics.counter('im_background_refused_total', 'Background tasks refused at their limit', [
    'task',
  ]);
  const active = metrics.gauge('im_background_tasks', 'Background tasks running now', ['task']);

  function track(name: string, work: () => Promise<void>): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    active.inc({ task: name });
    const task = outsideCalls(work).finally(() => {
      counts.set(name, (counts.get(name) ?? 1) - 1);
      active.dec({ task: name });
      running.delete(task);
    });
    running.add(task);
  }

  /** Never rejects: a failure is told here, once. */
  async function supervised(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    try {
      await work(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      failures.inc({ task: name });
      log.error({ task: name, err: error }, 'background task failed');
      return false;
    }
  }

  async function wait(ms: number): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }

  return {
    loop(name, work, options = {}) {
      if (signal.aborted) return;
      const backoff = new Backoff({ baseMs: 200, maxMs: 10_000, ...options });
      const healthyAfterMs = options.healthyAfterMs ?? DEFAULT_HEALTHY_AFTER_MS;
      track(name, async () => {
        while (!signal.aborted) {
          const begun = performance.now();
          await supervised(name, work);
          if (performance.now() - begun >= healthyAfterMs) backoff.reset();
          await wait(backoff.next());
        }
      });
    },
    spawn(name, work, options = {}) {
      if (signal.aborted) return false;
      if ((counts.get(name) ?? 0) >= (options.limit ?? DEFAULT_SPAWN_LIMIT)) {
        refusals.inc({ task: name });
        return false;
      }
      track(name, async () => {
        await supervised(name, work);
      });
      return true;
    },
    every(name, intervalMs, work) {
      if (signal.aborted) return;
      track(name, async () => {
        await wait(intervalMs);
        while (!signal.aborted) {
          await supervised(name, work);
          await wait(intervalMs);
        }
      });
    },
    async stop() {
      controller.abort(new Error('the process stops'));
      while (running.size > 0) await Promise.all(running);
    },
  };
}
