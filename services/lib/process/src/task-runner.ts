import { Backoff, type BackoffOptions, type Metrics, outsideCalls, sleep } from '@im/kit';
import type { Logger } from './log.ts';

/** Options of {@link TaskRunner.loop}. */
export interface LoopOptions extends BackoffOptions {
  /** A run that lasted this long counts as healthy: the next restart waits the shortest time again. @default 30 s */
  readonly healthyAfterMs?: number;
}

/** Why a task was refused: as many of its name are running, or the process stops. */
export type Refusal = 'limit' | 'stopping';

/** Options of {@link TaskRunner.spawn}. */
export interface SpawnOptions {
  /** Most runs of this name at once; a further one is refused. @default 1,000 */
  readonly limit?: number;
  /**
   * Called in place of the work when that is refused: the caller does it itself, informs its own caller,
   * or says by {@link acceptLoss} that nothing is lost but the work.
   */
  readonly onRefused: (reason: Refusal) => void;
}

/** For work that may be left out at overload: the refusal is logged and counted, and something else makes up for it. */
export function acceptLoss(): void {}

/**
 * The one place for work that no caller awaits. Every task has a name, its failures are logged and
 * counted, and {@link TaskRunner.stop} waits for all of them.
 */
export interface TaskRunner {
  /**
   * Keeps `work` running until the process stops: when it fails or returns it is started again after
   * a growing, jittered wait. `work` ends when its signal aborts.
   */
  loop(name: string, work: (signal: AbortSignal) => Promise<void>, options?: LoopOptions): void;
  /** Runs `work` once, or calls `onRefused` before it returns. */
  spawn(name: string, work: (signal: AbortSignal) => Promise<void>, options: SpawnOptions): void;
  /**
   * Work that must run after each time it is asked for, but never twice at once.
   * @returns asks for a run: it begins at once, or, when one is under way, once more after its end,
   * however often it was asked for meanwhile. Never refused before the process stops.
   */
  coalesce(name: string, work: (signal: AbortSignal) => Promise<void>): () => void;
  /** Runs `work` every `intervalMs`, never two at once, the first time after one interval. */
  every(name: string, intervalMs: number, work: (signal: AbortSignal) => Promise<void>): void;
  /** Aborts all tasks and resolves when they have ended. */
  stop(): Promise<void>;
}

export interface TaskRunnerDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
}

const DEFAULT_SPAWN_LIMIT = 1_000;
const DEFAULT_HEALTHY_AFTER_MS = 30_000;

/** A task runner; a process has one. */
export function createTaskRunner({ log, metrics }: TaskRunnerDeps): TaskRunner {
  const controller = new AbortController();
  const { signal } = controller;
  const running = new Set<Promise<void>>();
  const failures = metrics.counter('openim_background_failures_total', 'Background tasks that failed', [
    'task',
  ]);
  const refusals = metrics.counter(
    'openim_background_refused_total',
    'Background tasks refused at their limit',
    ['task'],
  );
  const active = metrics.gauge('openim_background_tasks', 'Background tasks running now', ['task']);
  /** Tasks that run, by name. */
  const counts = new Map<string, ReturnType<typeof countOf>>();

  function countOf(name: string) {
    const gauge = active.labels({ task: name });
    const count = {
      now: 0,
      add(change: 1 | -1) {
        count.now += change;
        gauge.set(count.now);
      },
    };
    counts.set(name, count);
    return count;
  }

  function track(name: string, work: () => Promise<void>): void {
    const count = counts.get(name) ?? countOf(name);
    count.add(1);
    const task = outsideCalls(work).finally(() => {
      count.add(-1);
      running.delete(task);
    });
    running.add(task);
  }

  /** Never rejects: a failure is reported here, once. */
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
    await sleep(ms, signal).catch(() => {});
  }

  return {
    loop(name, work, options = {}) {
      if (signal.aborted) return;
      const backoff = new Backoff({ baseMs: 200, maxMs: 10_000, ...options });
      const healthyAfterMs = options.healthyAfterMs ?? DEFAULT_HEALTHY_AFTER_MS;
      track(name, async () => {
        while (!signal.aborted) {
          const startedAt = performance.now();
          await supervised(name, work);
          if (performance.now() - startedAt >= healthyAfterMs) backoff.reset();
          await wait(backoff.next());
        }
      });
    },
    spawn(name, work, { limit = DEFAULT_SPAWN_LIMIT, onRefused }) {
      if (signal.aborted) {
        onRefused('stopping');
      } else if ((counts.get(name)?.now ?? 0) >= limit) {
        refusals.inc({ task: name });
        log.debug({ task: name, limit }, 'background task refused');
        onRefused('limit');
      } else {
        track(name, async () => {
          await supervised(name, work);
        });
      }
    },
    coalesce(name, work) {
      let running = false;
      let again = false;
      return () => {
        again = true;
        if (running || signal.aborted) return;
        running = true;
        track(name, async () => {
          while (again && !signal.aborted) {
            again = false;
            await supervised(name, work);
          }
          running = false;
        });
      };
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
