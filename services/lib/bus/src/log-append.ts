import type { TenantId } from '@im/contract';
import { Backoff, COUNT_BUCKETS, FairQueue } from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';
import { MAX_BATCH_MESSAGES, type OutgoingMessage, publishAtomically } from './atomic-publish.ts';
import { JetStreamApiError, JS_ERROR } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { logSubject } from './subjects.ts';
import type { Appended, AppendOptions, BusConfig, BusDeps } from './types.ts';

const MAX_QUEUE = 20_000;
const MAX_QUEUE_BYTES = 134_217_728;
/** What a delivery made of a record may need more than the record itself. */
const DELIVERY_MARGIN_BYTES = 4_096;
/** A small record waits for at most one batch that is being written. */
const MAX_BATCH_BYTES = 524_288;
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
  /** By subject: a conversation's records keep their order, and large ones delay only those of their partition. */
  readonly #queue = new FairQueue<Waiting>();
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
  }

  append(
    tenant: TenantId,
    partition: number,
    record: Uint8Array,
    { whenFull = false }: AppendOptions = {},
  ): Promise<Appended> {
    if (this.#closed) return this.#refuse('stopping', 'this process stops');
    if (this.#queue.length >= MAX_QUEUE || this.#queue.bytes > MAX_QUEUE_BYTES) {
      return this.#refuse('queue', 'too many messages wait for the log, try again');
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
      subject,
      { message: { subject, payload: record }, expires, resolve, reject },
      record.length,
    );
    this.#schedule();
    return promise;
  }

  /** Refuses new records and resolves when those accepted have their answers. */
  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#busy && this.#queue.length === 0) return;
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
      const batch = this.#queue.take(MAX_BATCH_MESSAGES, MAX_BATCH_BYTES);
      this.#batchSize.observe(batch.length);
      await this.#write(batch);
    }
    this.#busy = false;
    this.#idle?.resolve();
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
          waiting.resolve({ position });
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
      for (const [i, waiting] of batch.entries()) waiting.resolve({ position: last - batch.length + 1 + i });
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
