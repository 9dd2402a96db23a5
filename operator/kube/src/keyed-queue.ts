import { type Metrics, onAbort } from '@im/kit';
import { DelayHeap } from './delay-heap.ts';

/** Options of {@link createKeyedQueue}. */
export interface KeyedQueueOptions {
  /** Name in metrics. */
  readonly name: string;
  readonly metrics: Metrics;
  /** Bounds of the wait of {@link KeyedQueue.retry}, in ms. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** Source of randomness in [0, 1); for tests. */
  readonly random?: () => number;
}

/**
 * A queue of keys. A key is queued at most once and handled by one worker at a time; a key that is added while it is
 * handled is handled again afterwards.
 */
export interface KeyedQueue {
  /** Makes a key due now. */
  add(key: string): void;
  /** Makes a key due in `ms`, unless it is due earlier. */
  addAfter(key: string, ms: number): void;
  /**
   * Makes a key due after a wait that doubles with every retry since {@link KeyedQueue.forget}.
   * @returns the number of retries, including this one.
   */
  retry(key: string): number;
  /** Resets the retries of a key. */
  forget(key: string): void;
  /** Keys that are due now and not handled yet. */
  readonly depth: number;
  /**
   * Hands due keys to `work`, `concurrency` at once, until `signal` aborts; resolves when the last
   * `work` has ended. What is queued stays for a later run. `work` must not reject.
   */
  run(concurrency: number, work: (key: string) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/** Longer timers fire at once in Node; such a key is checked again after this time. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Creates an empty {@link KeyedQueue}. */
export function createKeyedQueue(options: KeyedQueueOptions): KeyedQueue {
  const { name, backoff, random = Math.random } = options;
  const measure = queueMetrics(options.metrics, name);
  const due = new Map<string, number>();
  const delayed = new DelayHeap();
  const running = new Set<string>();
  const dirty = new Set<string>();
  const failures = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;

  function add(key: string): void {
    delayed.remove(key);
    if (running.has(key)) dirty.add(key);
    else if (!due.has(key)) due.set(key, performance.now());
    measure.depth.set({ queue: name }, due.size);
    wake?.();
  }

  function addAfter(key: string, ms: number): void {
    if (ms <= 0) {
      add(key);
      return;
    }
    if (due.has(key) || dirty.has(key)) return;
    delayed.add(key, performance.now() + ms);
    setTimer();
  }

  function setTimer(): void {
    clearTimeout(timer);
    if (!wake || delayed.nextAt === undefined) return;
    const ms = Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(delayed.nextAt - performance.now())));
    timer = setTimeout(release, ms);
  }

  function release(): void {
    const now = performance.now();
    for (let key = delayed.takeDue(now); key !== undefined; key = delayed.takeDue(now)) add(key);
    setTimer();
  }

  function take(): string | undefined {
    for (const [key, since] of due) {
      due.delete(key);
      measure.depth.set({ queue: name }, due.size);
      measure.wait.observe({ queue: name }, (performance.now() - since) / 1_000);
      return key;
    }
    return undefined;
  }

  async function handle(key: string, work: (key: string) => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    running.add(key);
    try {
      await work(key);
    } finally {
      running.delete(key);
      measure.work.observe({ queue: name }, (performance.now() - startedAt) / 1_000);
      if (dirty.delete(key)) add(key);
    }
  }

  return {
    add,
    addAfter,
    retry(key) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      measure.retries.inc({ queue: name });
      const ms = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(count - 1, 30));
      // Half of it is random, so that keys that failed together are not retried together.
      addAfter(key, ms * (0.5 + random() / 2));
      return count;
    },
    forget: (key) => failures.delete(key),
    get depth() {
      return due.size;
    },
    async run(concurrency, work, signal) {
      if (wake) throw new Error(`queue ${name} is already running`);
      const tasks = new Set<Promise<void>>();
      let failure: unknown;
      while (!signal.aborted && failure === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const awake = () => resolve();
        wake = awake;
        using _ = onAbort(signal, awake);
        release();
        while (tasks.size < concurrency && due.size > 0) {
          const key = take();
          if (key === undefined) break;
          const task = handle(key, work)
            .catch((error: unknown) => {
              failure = error;
            })
            .finally(() => {
              tasks.delete(task);
              wake?.();
            });
          tasks.add(task);
        }
        await promise;
      }
      wake = undefined;
      clearTimeout(timer);
      await Promise.all(tasks);
      if (failure !== undefined) throw failure;
    },
  };
}

function queueMetrics(metrics: Metrics, name: string) {
  const depth = metrics.gauge('openim_operator_queue_depth', 'Keys that are due and not handled yet', [
    'queue',
  ]);
  depth.set({ queue: name }, 0);
  return {
    depth,
    retries: metrics.counter('openim_operator_queue_retries_total', 'Keys queued again after a failure', [
      'queue',
    ]),
    wait: metrics.histogram('openim_operator_queue_wait_seconds', 'Time from due to handled', ['queue']),
    work: metrics.histogram('openim_operator_queue_work_seconds', 'Time that handling took', ['queue']),
  };
}
