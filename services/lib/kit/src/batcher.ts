import { outsideCalls } from './call-scope.ts';
import { COUNT_BUCKETS, type Metrics } from './metrics.ts';

/** Gives one item its result before the rest of the batch has theirs; a second result of an item is ignored. */
export type Settle<R> = (index: number, result: R | Error) => void;

/** Options of {@link Batcher}. */
export interface BatcherOptions<T, R> {
  /** Low-cardinality name, the label of its metrics. */
  readonly name: string;
  /**
   * Handles one batch. Each item gets its result through `settle` as soon as it is available, or from the
   * list returned, which has one result per item, in order; an Error rejects that item alone. When it
   * rejects, every item without a result is rejected with that error.
   */
  readonly run: (items: readonly T[], settle: Settle<R>) => Promise<readonly (R | Error)[] | undefined>;
  /** Most items in one batch. @default 1,000 */
  readonly maxBatch?: number;
  /** Most bytes in one batch, by {@link sizeOf}; a single larger item still goes, alone. */
  readonly maxBytes?: number;
  /** Bytes of one item, all of its fields. */
  readonly sizeOf?: (item: T) => number;
  /** Most items waiting, in addition to the ones in flight. @default 10,000 */
  readonly maxQueue?: number;
  /** Most bytes waiting, by {@link sizeOf}. @default 128 MiB */
  readonly maxQueueBytes?: number;
  /** Most batches in flight. @default 1, which keeps the order of items */
  readonly maxInFlight?: number;
  /**
   * A batch in flight for this long, ms, gives its place to the next one, so that a few slow items hold
   * up no others; the items that have no result yet count as waiting. @default unlimited
   */
  readonly slotMs?: number;
  /**
   * Least time between the beginnings of two batches, ms, so that more items share one. A full batch does not wait.
   * @default 0
   */
  readonly paceMs?: number;
  /** The pace holds behind a batch of one, too; else callers that come one after the other lose no time. @default false */
  readonly paceAlways?: boolean;
  /** Time after which no caller waits for the item's result, ms since the epoch; it is not started after that. */
  readonly expiresAt?: (item: T) => number;
  readonly metrics?: Metrics;
}

/** The queue is full: the caller should refuse its own caller with a retryable error. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

/** The item's time ended while it waited for its batch. */
export class ExpiredInQueueError extends Error {
  override readonly name = 'ExpiredInQueueError';
}

interface Waiting<T, R> {
  readonly item: T;
  readonly size: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
  settled: boolean;
}

interface InFlight<T, R> {
  readonly items: readonly Waiting<T, R>[];
  readonly begunAt: number;
  /** Items without a result, and their bytes. */
  left: number;
  leftBytes: number;
  /** It gave its place away. */
  overdue: boolean;
}

const DEFAULT_QUEUE_BYTES = 134_217_728;

/** Sizes of batches and refusals, which whatever gathers items measures alike. */
export function batchMeters(name: string, metrics: Metrics) {
  const label = { batcher: name };
  return {
    size: metrics
      .histogram('openim_batch_items', 'Items per batch', ['batcher'], COUNT_BUCKETS)
      .labels(label),
    refused: metrics
      .counter('openim_batch_refused_total', 'Items refused because too many, or too many bytes, wait', [
        'batcher',
      ])
      .labels(label),
  };
}

/**
 * Gathers what arrives in one tick of the event loop into one call. Without a pace nothing waits for a timer: an item
 * goes at the end of the tick, or as soon as a batch in flight returns or has had its time.
 */
export class Batcher<T, R> {
  readonly #options: BatcherOptions<T, R>;
  readonly #maxBatch: number;
  readonly #maxBytes: number;
  readonly #maxQueue: number;
  readonly #maxQueueBytes: number;
  readonly #maxInFlight: number;
  readonly #paceMs: number;
  readonly #queue: Waiting<T, R>[] = [];
  /** Batches that hold a place, oldest first. */
  readonly #inFlight = new Set<InFlight<T, R>>();
  readonly #observeSize: (size: number) => void;
  readonly #observeQueue: () => void;
  readonly #refused: () => void;
  #head = 0;
  #queuedBytes = 0;
  /** Items without a result in batches that gave their place away. */
  #overdue = 0;
  #overdueBytes = 0;
  #scheduled = false;
  /** Before this no batch begins unless it is full, ms of the monotonic clock. */
  #nextAt = 0;
  #paceTimer: NodeJS.Timeout | undefined;
  #slotTimer: NodeJS.Timeout | undefined;
  #closed = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options;
    this.#maxBatch = options.maxBatch ?? 1_000;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#maxQueue = options.maxQueue ?? 10_000;
    this.#maxQueueBytes = options.maxQueueBytes ?? DEFAULT_QUEUE_BYTES;
    this.#maxInFlight = options.maxInFlight ?? 1;
    this.#paceMs = options.paceMs ?? 0;
    const label = { batcher: options.name };
    const { metrics } = options;
    const meters = metrics && batchMeters(options.name, metrics);
    const depth = metrics
      ?.gauge('openim_batch_queue', 'Items waiting for a batch', ['batcher'])
      .labels(label);
    const bytes = metrics
      ?.gauge('openim_batch_queue_bytes', 'Bytes of the items waiting for a batch', ['batcher'])
      .labels(label);
    this.#observeSize = (n) => meters?.size.observe(n);
    this.#observeQueue = () => {
      depth?.set(this.queued + this.#overdue);
      bytes?.set(this.#queuedBytes + this.#overdueBytes);
    };
    this.#refused = () => meters?.refused.inc();
  }

  /** Items waiting, in addition to the ones in flight. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  /**
   * Hands in one item and resolves with its own result.
   * @throws QueueFullError when too many, or too many bytes, wait.
   * @throws ExpiredInQueueError when its time ended before its batch began.
   */
  add(item: T): Promise<R> {
    const { name, sizeOf } = this.#options;
    if (this.#closed) return Promise.reject(new QueueFullError(`${name} is closed`));
    const size = sizeOf?.(item) ?? 0;
    const waiting = this.queued + this.#overdue;
    const bytes = this.#queuedBytes + this.#overdueBytes;
    if (waiting >= this.#maxQueue) return this.#refuse(`${name} has ${waiting} items waiting`);
    if (bytes > 0 && bytes + size > this.#maxQueueBytes) {
      return this.#refuse(`${name} has ${bytes} bytes waiting`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.#queue.push({ item, size, resolve, reject, settled: false });
    this.#queuedBytes += size;
    this.#schedule();
    return promise;
  }

  /** Refuses new items and resolves when all handed in so far have their results. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#isIdle) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  get #isIdle(): boolean {
    return this.queued === 0 && this.#inFlight.size === 0 && this.#overdue === 0;
  }

  #refuse(why: string): Promise<never> {
    this.#refused();
    return Promise.reject(new QueueFullError(why));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    if (this.#inFlight.size >= this.#maxInFlight) {
      this.#awaitSlot();
      return;
    }
    if (this.#isEarly()) {
      this.#awaitPace();
      return;
    }
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Whether the next batch waits for more items. */
  #isEarly(): boolean {
    return this.#paceMs > 0 && this.queued < this.#maxBatch && performance.now() < this.#nextAt;
  }

  #awaitPace(): void {
    this.#paceTimer ??= setTimeout(() => this.#flush(), Math.ceil(this.#nextAt - performance.now()));
  }

  #flush(): void {
    const { paceAlways = false } = this.#options;
    clearTimeout(this.#paceTimer);
    this.#paceTimer = undefined;
    while (this.#inFlight.size < this.#maxInFlight && this.queued > 0 && !this.#isEarly()) {
      const items = this.#takeBatch();
      if (items.length === 0) continue;
      this.#observeSize(items.length);
      const leftBytes = items.reduce((sum, { size }) => sum + size, 0);
      const batch = { items, begunAt: performance.now(), left: items.length, leftBytes, overdue: false };
      this.#inFlight.add(batch);
      if (paceAlways || items.length > 1) this.#nextAt = batch.begunAt + this.#paceMs;
      // A batch belongs to no single caller: it must not end with the call of its first item.
      void outsideCalls(() => this.#runBatch(batch));
    }
    this.#observeQueue();
    if (this.queued > 0) this.#schedule();
    else if (this.#isIdle) this.#idle?.resolve();
  }

  /** Checks again once the oldest batch in flight has had its time. */
  #awaitSlot(): void {
    const { slotMs } = this.#options;
    if (slotMs === undefined || this.#slotTimer !== undefined) return;
    const [oldest] = this.#inFlight;
    if (!oldest) return;
    const waitMs = Math.max(1, oldest.begunAt + slotMs - performance.now());
    this.#slotTimer = setTimeout(() => {
      this.#slotTimer = undefined;
      const begunBefore = performance.now() - slotMs;
      for (const batch of this.#inFlight) {
        if (batch.begunAt > begunBefore) break;
        this.#giveAway(batch);
      }
      this.#flush();
    }, waitMs);
  }

  #giveAway(batch: InFlight<T, R>): void {
    if (!this.#inFlight.delete(batch)) return;
    batch.overdue = true;
    this.#overdue += batch.left;
    this.#overdueBytes += batch.leftBytes;
  }

  /** The next batch; what has expired is rejected on the way, so it may be empty. */
  #takeBatch(): Waiting<T, R>[] {
    const { expiresAt } = this.#options;
    const now = expiresAt ? Date.now() : 0;
    const batch: Waiting<T, R>[] = [];
    let bytes = 0;
    while (this.#head < this.#queue.length && batch.length < this.#maxBatch) {
      const next = this.#queue[this.#head];
      if (next === undefined) break;
      if (expiresAt && expiresAt(next.item) <= now) {
        next.settled = true;
        next.reject(new ExpiredInQueueError(`${this.#options.name}: the time ended in the queue`));
      } else if (batch.length > 0 && bytes + next.size > this.#maxBytes) {
        break;
      } else {
        bytes += next.size;
        batch.push(next);
      }
      this.#queuedBytes -= next.size;
      this.#head++;
    }
    // The array is cut rarely, so that a long queue is not copied for every batch.
    if (this.#head === this.#queue.length || this.#head > 4_096) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return batch;
  }

  /** Never rejects: every outcome goes to the items. */
  async #runBatch(batch: InFlight<T, R>): Promise<void> {
    const { name, run } = this.#options;
    const { items } = batch;
    try {
      const results = await run(
        items.map(({ item }) => item),
        (index, result) => this.#settle(batch, index, result),
      );
      if (results && results.length !== items.length) {
        throw new Error(`${name} returned ${results.length} results for ${items.length} items`);
      }
      if (results) for (let i = 0; i < items.length; i++) this.#settle(batch, i, results[i] as R | Error);
      if (batch.left > 0) throw new Error(`${name} returned no result for ${batch.left} items`);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error), { cause: error });
      for (let i = 0; i < items.length; i++) this.#settle(batch, i, failure);
    } finally {
      this.#inFlight.delete(batch);
      this.#flush();
    }
  }

  #settle(batch: InFlight<T, R>, index: number, result: R | Error): void {
    const waiting = batch.items[index];
    if (!waiting || waiting.settled) return;
    waiting.settled = true;
    batch.left--;
    batch.leftBytes -= waiting.size;
    if (batch.overdue) {
      this.#overdue--;
      this.#overdueBytes -= waiting.size;
    }
    if (result instanceof Error) waiting.reject(result);
    else waiting.resolve(result);
  }
}
