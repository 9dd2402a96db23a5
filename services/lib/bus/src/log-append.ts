import type { TenantId } from '@im/contract';
import { Backoff, COUNT_BUCKETS, FairQueue } from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';
import { MAX_BATCH_MESSAGES, type OutgoingMessage, publishAtomically } from './atomic-publish.ts';
import { FoldPace, LARGE_RECORD_BYTES } from './fold-pace.ts';
import { JetStreamApiError, JS_ERROR } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { logSubject } from './subjects.ts';
import type { Appended, AppendOptions, BusConfig, BusDeps } from './types.ts';

const MAX_QUEUE = 20_000;
const MAX_QUEUE_BYTES = 134_217_728;
/** Most bytes of large records that wait: they leave room for small ones. */
const MAX_LARGE_BYTES = MAX_QUEUE_BYTES / 2;
/** What a delivery made of a record may need more than the record itself. */
const DELIVERY_MARGIN_BYTES = 4_096;
/** A small record waits for at most one batch that is being written. */
const MAX_BATCH_BYTES = 262_144;
/** An attempt without an answer for this long is made again; an election takes several of them. */
const ATTEMPT_MS = 3_000;
/**
 * Up to this many records go as single publishes in a row. A file-backed stream stages an atomic
 * batch in a separate store, which costs as much as a dozen synced writes.
 */
const SINGLES = 12;

const LOG_FULL = 'the message log is full (nats.logMaxBytes); try again later';

/** Decides whether the log takes records of users. */
export interface Admission {
  /** Whether the log is so full that it takes none. */
  readonly isFull: () => boolean;
  /** Why it takes none of this tenant; undefined when it does. */
  readonly refusalOf: (tenant: TenantId) => string | undefined;
}

interface Waiting {
  readonly message: OutgoingMessage;
  readonly partition: number;
  /** performance.now() after which no caller waits. */
  readonly expires: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** The writing end of the log: what arrives in one tick goes together, one batch at a time. */
export class LogAppender {
  readonly #link: NatsLink;
  readonly #instanceId: string;
  readonly #timeoutMs: number;
  readonly #admission: Admission;
  readonly #batchSize;
  readonly #resent;
  readonly #refused;
  /** By subject and queue key: a conversation's records keep their order, and large ones delay only those. */
  readonly #queue = new FairQueue<Waiting>();
  readonly #pace = new FoldPace();
  #largeBytes = 0;
  #roomTimer: NodeJS.Timeout | undefined;
  #busy = false;
  #scheduled = false;
  #idle: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(link: NatsLink, config: BusConfig, deps: BusDeps, admission: Admission) {
    this.#link = link;
    this.#instanceId = deps.instanceId;
    this.#timeoutMs = config.publishTimeoutMs;
    this.#admission = admission;
    this.#batchSize = deps.metrics.histogram(
      'openim_log_append_batch_records',
      'Records written to the log at once',
      [],
      COUNT_BUCKETS,
    );
    this.#resent = deps.metrics.counter(
      'openim_log_append_resent_total',
      'Records sent again because their fate was unknown',
    );
    this.#refused = deps.metrics.counter('openim_log_append_refused_total', 'Records refused', ['reason']);
    deps.metrics.observe(
      'openim_log_append_queue',
      'Records that wait to be written',
      () => this.#queue.length,
    );
    deps.metrics.observe(
      'openim_log_append_queue_bytes',
      'Bytes of records that wait to be written',
      () => this.#queue.bytes,
    );
    deps.metrics.observe(
      'openim_log_unfolded_bytes',
      'Bytes of large records that this process appended and transfer has not folded yet; large records wait while there are too many',
      () => this.#pace.bytes,
    );
  }

  append(
    tenant: TenantId,
    partition: number,
    record: Uint8Array,
    { whenFull = false, queueKey = '' }: AppendOptions = {},
  ): Promise<Appended> {
    if (this.#closed) return this.#refuse('stopping', 'this process stops');
    if (this.#queue.length >= MAX_QUEUE || this.#queue.bytes > MAX_QUEUE_BYTES) {
      return this.#refuse('queue', 'too many messages wait for the log, try again');
    }
    const isLarge = record.length >= LARGE_RECORD_BYTES;
    if (isLarge && this.#largeBytes > MAX_LARGE_BYTES) {
      return this.#refuse('large', 'too many large messages wait for the log, try again');
    }
    if (!whenFull) {
      if (this.#admission.isFull()) return this.#refuse('full', LOG_FULL);
      const refusal = this.#admission.refusalOf(tenant);
      if (refusal !== undefined) return this.#refuse('tenant', refusal);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Appended>();
    const subject = logSubject(tenant, partition);
    const expires = performance.now() + this.#timeoutMs;
    this.#queue.push(
      `${subject} ${queueKey}`,
      { message: { subject, payload: record }, partition, expires, resolve, reject },
      record.length,
    );
    if (isLarge) this.#largeBytes += record.length;
    this.#schedule();
    return promise;
  }

  /** Transfer has folded large records up to these positions. */
  folded(positions: readonly (readonly [partition: number, position: number])[]): void {
    const now = performance.now();
    for (const [partition, position] of positions) this.#pace.folded(partition, position, now);
    if (this.#queue.length > 0) this.#schedule();
  }

  /** Refuses new records and resolves when those accepted have their answers. */
  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#busy && this.#queue.length === 0) return;
    this.#schedule();
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  #refuse(reason: string, detail: string): Promise<never> {
    this.#refused.inc({ reason });
    return Promise.reject(new ImError(ERR.NetworkError, detail));
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#busy = true;
      void this.#drain();
    });
  }

  /** Never rejects: every outcome goes to the callers. */
  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#take();
      if (batch.length === 0) break;
      this.#batchSize.observe(batch.length);
      await this.#write(batch);
    }
    this.#busy = false;
    clearTimeout(this.#roomTimer);
    if (this.#queue.length > 0) this.#scheduleWithRoom();
    else this.#idle?.resolve();
  }

  /** The next batch: large records only while there is room for them, or when everything is to be written. */
  #take(): Waiting[] {
    const large = this.#closed || this.#pace.hasRoom(performance.now());
    const maxItemBytes = large ? undefined : LARGE_RECORD_BYTES - 1;
    const batch = this.#queue.take(MAX_BATCH_MESSAGES, MAX_BATCH_BYTES, maxItemBytes);
    if (large && this.#largeBytes > 0) {
      for (const { message } of batch) {
        if (message.payload.length >= LARGE_RECORD_BYTES) this.#largeBytes -= message.payload.length;
      }
    }
    return batch;
  }

  /** Continues when large records have room, whether transfer announces it or not. */
  #scheduleWithRoom(): void {
    this.#roomTimer = setTimeout(() => this.#schedule(), Math.ceil(this.#pace.roomIn(performance.now())));
  }

  #accept({ message, partition, resolve }: Waiting, position: number): void {
    this.#pace.appended(partition, position, message.payload.length, performance.now());
    resolve({ position });
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 500 });
    let left = batch;
    let lastError: unknown;
    for (;;) {
      left = this.#dropExpired(left, lastError);
      if (left.length === 0) return;
      try {
        await this.#link.whenUp(timeLeft(left));
        left = this.#dropTooLarge(left);
        if (left.length === 0) return;
        left = left.length <= SINGLES ? await this.#single(left) : await this.#together(left);
        if (left.length === 0) return;
      } catch (error) {
        lastError = error;
      }
      this.#resent.inc(left.length);
      await backoff.wait();
    }
  }

  /** @returns the ones to send again. */
  async #single(batch: readonly Waiting[]): Promise<Waiting[]> {
    const again = await Promise.all(
      batch.map(async (waiting) => {
        try {
          const timeoutMs = Math.min(ATTEMPT_MS, timeLeft([waiting]));
          const position = await publishAtomically(
            this.#link,
            this.#instanceId,
            [waiting.message],
            timeoutMs,
          );
          this.#accept(waiting, position);
          return undefined;
        } catch (error) {
          return this.#rejectIfFinal([waiting], error) ? undefined : waiting;
        }
      }),
    );
    return again.filter((waiting) => waiting !== undefined);
  }

  /** @returns the ones to send again: all or none. @throws what went wrong, when all are to be sent again. */
  async #together(batch: readonly Waiting[]): Promise<Waiting[]> {
    const messages = batch.map((waiting) => waiting.message);
    try {
      const timeoutMs = Math.min(ATTEMPT_MS, timeLeft(batch));
      const last = await publishAtomically(this.#link, this.#instanceId, messages, timeoutMs);
      for (const [i, waiting] of batch.entries()) this.#accept(waiting, last - batch.length + 1 + i);
      return [];
    } catch (error) {
      if (this.#rejectIfFinal(batch, error)) return [];
      throw error;
    }
  }

  /** A log that is full says so; sending again would only fill the queue as well. */
  #rejectIfFinal(batch: readonly Waiting[], error: unknown): boolean {
    if (!(error instanceof JetStreamApiError) || error.errCode !== JS_ERROR.StoreFailed) return false;
    this.#refused.inc({ reason: 'full' }, batch.length);
    const refusal = new ImError(ERR.NetworkError, LOG_FULL, undefined, { cause: error });
    for (const waiting of batch) waiting.reject(refusal);
    return true;
  }

  /** One that the server does not take would fail all others of its batch, again and again. */
  #dropTooLarge(batch: readonly Waiting[]): Waiting[] {
    const limit = this.#link.maxPayload - DELIVERY_MARGIN_BYTES;
    return batch.filter((waiting) => {
      const { length } = waiting.message.payload;
      if (length <= limit) return true;
      this.#refused.inc({ reason: 'size' });
      waiting.reject(argsError(`the message is too large: ${length} bytes, at most ${limit} fit`));
      return false;
    });
  }

  #dropExpired(batch: readonly Waiting[], cause: unknown): Waiting[] {
    const now = performance.now();
    const alive: Waiting[] = [];
    for (const waiting of batch) {
      if (waiting.expires > now) {
        alive.push(waiting);
      } else {
        this.#refused.inc({ reason: 'timeout' });
        const detail = `the log did not acknowledge within ${this.#timeoutMs} ms`;
        waiting.reject(new ImError(ERR.NetworkError, detail, undefined, { cause }));
      }
    }
    return alive;
  }
}

/** Time until the last of them expires, at least 1 ms. */
function timeLeft(batch: readonly Waiting[]): number {
  const last = batch.reduce((latest, { expires }) => Math.max(latest, expires), 0);
  return Math.max(1, Math.ceil(last - performance.now()));
}
