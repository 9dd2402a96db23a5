import { type Metrics, onAbort, untilAborted } from '@im/kit';
import type { Logger } from '@im/process';
import { isConflict, TerminalError } from './errors.ts';
import type { Informer } from './informer.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { keyOf } from './keys.ts';
import type { KubeObject, Stored } from './objects.ts';

/** Result of a reconcile; empty when there is nothing to do before the next change. */
export interface ReconcileResult {
  /** Time until the next reconcile, unless a change comes first. */
  readonly requeueAfterMs?: number | undefined;
}

/** Options of {@link createController}. */
export interface ControllerOptions {
  /** Name in metrics and logs. */
  readonly name: string;
  /**
   * Brings the object `key` to its wanted state. Level-triggered: called after any change, without the change. Runs
   * once at a time per key. A rejection is retried with backoff, a `TerminalError` only after the next change; a
   * conflict (409) is retried, but does not count as a failure. `signal` aborts at the deadline, on stop, and when leadership ends: from then on nothing may be written.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Keys reconciled concurrently. @default 2 */
  readonly workers?: number | undefined;
  /** Deadline of a reconcile, ms. @default 60_000 */
  readonly deadlineMs?: number | undefined;
  /** First and longest wait after failures, ms. @default 200 and 60_000 */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number } | undefined;
}

/** Runs `reconcile` for keys that changed. */
export interface Controller {
  /** Something about `key` changed. */
  enqueue(key: string): void;
  /** {@link Controller.enqueue} after a while; the earliest of several wins. */
  enqueueAfter(key: string, ms: number): void;
  /**
   * Enqueues `keys(object)` for every changed object, with its state before and after the change. `run` first waits for
   * these informers to sync.
   * @param keys by default the key of the object; `ownerKeys(type)` for children.
   * @param relevant filters changes, such as those of status alone. By default all are relevant.
   */
  watches<T extends KubeObject>(
    informer: Informer<T>,
    keys?: (object: Stored<T>) => readonly string[],
    relevant?: (before: Stored<T> | undefined, after: Stored<T> | undefined) => boolean,
  ): void;
  /** Reconciles until `signal` aborts; resolves when the last reconcile has ended. May be called again afterwards. */
  run(signal: AbortSignal): Promise<void>;
}

const WORKERS = 2;
const DEADLINE_MS = 60_000;
const BACKOFF = { baseMs: 200, maxMs: 60_000 };
/** Consecutive failures of a key from which on they are logged as errors instead of warnings. */
const PERSISTENT = 5;

/** Creates a {@link Controller}, which is idle until `run`. */
export function createController(options: ControllerOptions): Controller {
  const { name, reconcile, metrics } = options;
  const log = options.log.child({ controller: name });
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const queue = createKeyedQueue({ name, metrics, backoff: options.backoff ?? BACKOFF });
  const measure = controllerMetrics(metrics, name);
  const sources: Informer<KubeObject>[] = [];

  /** Never rejects. */
  async function work(key: string, stop: AbortSignal): Promise<void> {
    using attempt = attemptSignal(key, stop);
    const startedAt = performance.now();
    try {
      const result = await reconcile(key, attempt.signal);
      queue.forget(key);
      measure.done('success');
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
      log.debug({ key, ms: Math.round(performance.now() - startedAt), ...result }, 'reconciled');
    } catch (error) {
      failed(key, error, stop);
    }
  }

  function failed(key: string, error: unknown, stop: AbortSignal): void {
    if (stop.aborted) {
      // Interrupted, not failed: it stays in the queue for the next run.
      queue.add(key);
      measure.done('stopped');
      return;
    }
    if (error instanceof TerminalError) {
      queue.forget(key);
      measure.done('terminal');
      log.warn({ key, err: error }, 'reconcile failed and is not retried before the object changes');
      return;
    }
    const failures = queue.retry(key);
    if (isConflict(error)) {
      measure.done('conflict');
      log.debug({ key, err: error, failures }, 'reconcile was based on stale state');
      return;
    }
    measure.done('error');
    log[failures < PERSISTENT ? 'warn' : 'error']({ key, err: error, failures }, 'reconcile failed');
  }

  return {
    enqueue: queue.add,
    enqueueAfter: queue.addAfter,
    watches<T extends KubeObject>(
      informer: Informer<T>,
      keys: (object: Stored<T>) => readonly string[] = (object) => [keyOf(object)],
      relevant: (before: Stored<T> | undefined, after: Stored<T> | undefined) => boolean = () => true,
    ): void {
      sources.push(informer);
      informer.onChange((before, after) => {
        if (!relevant(before, after)) return;
        // A child with a new owner concerns both owners.
        for (const key of new Set([before, after].flatMap((object) => (object ? keys(object) : [])))) {
          queue.add(key);
        }
      });
    },
    async run(signal) {
      await untilAborted(Promise.all(sources.map(({ synced }) => synced)), signal);
      if (signal.aborted) return;
      log.info({ queued: queue.depth }, 'controller started');
      await queue.run(options.workers ?? WORKERS, (key) => work(key, signal), signal);
      log.info('controller stopped');
    },
  };

  /** The signal of one attempt, which aborts with the run and at the deadline. */
  function attemptSignal(key: string, stop: AbortSignal): Disposable & { readonly signal: AbortSignal } {
    const controller = new AbortController();
    const stopping = onAbort(stop, () => controller.abort(stop.reason));
    const timer = setTimeout(() => {
      log.warn({ key, deadlineMs }, 'reconcile reached its deadline');
      controller.abort(new DOMException(`not done within ${deadlineMs / 1_000} s`, 'TimeoutError'));
    }, deadlineMs);
    return {
      signal: controller.signal,
      [Symbol.dispose]() {
        clearTimeout(timer);
        stopping[Symbol.dispose]();
      },
    };
  }
}

function controllerMetrics(metrics: Metrics, controller: string) {
  const results = metrics.counter('openim_operator_reconciles_total', 'Reconciles, by result', [
    'controller',
    'result',
  ]);
  return {
    done: (result: 'success' | 'conflict' | 'error' | 'terminal' | 'stopped'): void =>
      results.inc({ controller, result }),
  };
}
