import { outsideCalls } from './call-scope.ts';
import { COUNT_BUCKETS, type Metrics } from './metrics.ts';

/** Options of {@link Batcher}. */
export interface BatcherOptions<T, R> {
  /** Low-cardinality name, the label of its metrics. */
  readonly name: string;
  /**
   * Handles one batch and returns one result per item, in order; an Error in the list rejects that
   * item alone. When it rejects, every item of the batch is rejected with that error.
   */
  readonly run: (items: readonly T[]) => Promise<readonly (R | Error)[]>;
  /** Most items in one batch; 1,000 unless told. */
  readonly maxBatch?: number;
  /** Most bytes in one batch, by {@link sizeOf}; a single larger item still goes, alone. */
  readonly maxBytes?: number;
  readonly sizeOf?: (item: T) => number;
  /** Most items waiting, beside the ones in flight; 10,000 unless told. */
  readonly maxQueue?: number;
  /** Most batches in flight; 1 unless told, which keeps the order of items. */
  readonly maxInFlight?: number;
  readonly metrics?: Metrics;
}

/** The queue is full: the caller should refuse its own caller with a retryable error. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what arrives in one tick of the event loop into one call. Nothing ever waits for a timer:
 * an item goes at the end of the tick, or as soon as a batch in flight returns.
 */
export class Batcher<T, R> {
  readonly #options: BatcherOptions<T, R>;
  readonly #maxBatch: number;
  readonly #maxBytes: number;
  readonly #maxQueue: number;
  readonly #maxInFlight: number;
  readonly #queue: Waiting<T, R>[] = [];
  readonly #observeSize: (size: number) => void;
  readonly #observeQueue: (depth: number) => void;
  #head = 0;
  #inFlight = 0;
  #scheduled = false;
  #closed = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options;
    this.#maxBatch = options.maxBatch ?? 1_000;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#maxQueue = options.maxQueue ?? 10_000;
    this.#maxInFlight = options.maxInFlight ?? 1;
    const label = { batcher: options.name };
    const size = options.metrics
      ?.histogram('im_batch_items', 'Items per batch', ['batcher'], COUNT_BUCKETS)
      .labels(label);
    const depth = options.metrics
      ?.gauge('im_batch_queue', 'Items waiting for a batch', ['batcher'])
      .labels(label);
    this.#observeSize = (n) => size?.observe(n);
    this.#observeQueue = (n) => depth?.set(n);
  }

  /** Items waiting, beside the ones in flight. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /** Hands in one item and resolves with its own result. @throws QueueFullError when too many wait. */
  add(item: T): Promise<R> {
    if (this.#closed) return Promise.reject(new QueueFullError(`${this.#options.name} is closed`));
    if (this.queued >= this.#maxQueue) {
      return Promise.reject(new QueueFullError(`${this.#options.name} has ${this.#maxQueue} items waiting`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.#queue.push({ item, resolve, reject });
    this.#schedule();
    return promise;
  }

  /** Refuses new items and resolves when all handed in so far have their results. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.queued === 0 && this.#inFlight === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#maxInFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#inFlight < this.#maxInFlight && this.queued > 0) {
      const batch = this.#takeBatch();
      this.#observeQueue(this.queued);
      this.#observeSize(batch.length);
      this.#inFlight++;
      // A batch is nobody's alone: it must not end with the call of its first item.
      void outsideCalls(() => this.#runBatch(batch));
    }
  }

  #takeBatch(): Waiting<T, R>[] {
    const { sizeOf } = this.#options;
    let end = this.#head;
    let bytes = 0;
    while (end < this.#queue.length && end - this.#head < this.#maxBatch) {
      const next = this.#queue[end];
      if (next === undefined) break;
      bytes += sizeOf ? sizeOf(next.item) : 0;
      if (bytes > this.#maxBytes && end > this.#head) break;
      end++;
    }
    const batch = this.#queue.slice(this.#head, end);
    this.#head = end;
    // The array is cut rarely, so that a long queue is not copied for every batch.
    if (this.#head === this.#queue.length || this.#head > 4_096) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return batch;
  }

  /** Never rejects: every outcome goes to the items. */
  async #runBatch(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map((waiting) => waiting.item));
      if (results.length !== batch.length) {
        throw new Error(`${this.#options.name} returned ${results.length} results for ${batch.length} items`);
      }
      for (const [i, waiting] of batch.entries()) {
        const result = results[i] as R | Error;
        if (result instanceof Error) waiting.reject(result);
        else waiting.resolve(result);
      }
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      this.#inFlight--;
      if (this.queued > 0) this.#flush();
      else if (this.#inFlight === 0) this.#idle?.resolve();
    }
  }
}
