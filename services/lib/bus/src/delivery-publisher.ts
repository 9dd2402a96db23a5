import { COUNT_BUCKETS, LATENCY_BUCKETS } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { MAX_BATCH_MESSAGES, type OutgoingMessage, publishAtomically } from './atomic-publish.ts';
import type { NatsLink } from './nats-link.ts';
import { groupSubject, userSubject } from './subjects.ts';
import type { BusDeps, OutgoingDelivery } from './types.ts';

const MAX_BATCH_BYTES = 1_048_576;
const ACK_TIMEOUT_MS = 5_000;
const MAX_QUEUED_BYTES = 67_108_864;

interface Call {
  readonly messages: readonly OutgoingMessage[];
  /** Messages that SEQ has. */
  stored: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Publishes deliveries in the order of the calls: one atomic batch at a time, so that a batch whose
 * fate is unknown is never overtaken by a later one. When one fails, all that wait behind it fail.
 */
export class DeliveryPublisher {
  readonly #link: NatsLink;
  readonly #instanceId: string;
  readonly #batchSize;
  readonly #latency;
  #calls: Call[] = [];
  #queuedBytes = 0;
  #running = false;
  #lastSequence = -1;

  constructor(link: NatsLink, deps: BusDeps) {
    this.#link = link;
    this.#instanceId = deps.instanceId;
    const { metrics } = deps;
    link.listen({
      onDown: () => {
        this.#lastSequence = -1;
      },
    });
    this.#batchSize = metrics.histogram(
      'openim_delivery_batch_deliveries',
      'Deliveries published at once',
      [],
      COUNT_BUCKETS,
    );
    this.#latency = metrics.histogram(
      'openim_delivery_publish_seconds',
      'Time until the stream of deliveries acknowledged a batch',
      [],
      LATENCY_BUCKETS,
    );
    metrics.observe(
      'openim_delivery_queue_bytes',
      'Deliveries that wait to be published',
      () => this.#queuedBytes,
    );
  }

  /** Sequence of the last delivery that SEQ acknowledged on this connection; -1 when there was none. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return !this.#running;
  }

  publish(batch: readonly OutgoingDelivery[]): Promise<void> {
    if (batch.length === 0) return Promise.resolve();
    if (this.#queuedBytes > MAX_QUEUED_BYTES) {
      return Promise.reject(new ImError(ERR.NetworkError, 'too many deliveries wait to be published'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const messages = batch.map((delivery) => ({ subject: subjectOf(delivery), payload: delivery.payload }));
    for (const message of messages) this.#queuedBytes += message.payload.length;
    this.#calls.push({ messages, stored: 0, resolve, reject });
    if (!this.#running) {
      this.#running = true;
      void this.#drain();
    }
    return promise;
  }

  /** Never rejects: every outcome goes to the callers. */
  async #drain(): Promise<void> {
    while (this.#calls.length > 0) {
      const batch = this.#nextBatch();
      const end = this.#latency.startTimer();
      try {
        this.#lastSequence = await publishAtomically(this.#link, this.#instanceId, batch, ACK_TIMEOUT_MS);
        end();
        this.#batchSize.observe(batch.length);
        this.#stored(batch.length);
      } catch (error) {
        this.#failAll(error);
      }
    }
    this.#running = false;
  }

  #nextBatch(): OutgoingMessage[] {
    const batch: OutgoingMessage[] = [];
    let bytes = 0;
    for (const call of this.#calls) {
      for (let i = call.stored; i < call.messages.length; i++) {
        const message = call.messages[i] as OutgoingMessage;
        bytes += message.payload.length;
        if (batch.length === MAX_BATCH_MESSAGES || (bytes > MAX_BATCH_BYTES && batch.length > 0))
          return batch;
        batch.push(message);
      }
    }
    return batch;
  }

  #stored(count: number): void {
    let left = count;
    while (left > 0) {
      const call = this.#calls[0] as Call;
      const part = Math.min(left, call.messages.length - call.stored);
      for (let i = 0; i < part; i++) {
        this.#queuedBytes -= (call.messages[call.stored + i] as OutgoingMessage).payload.length;
      }
      call.stored += part;
      left -= part;
      if (call.stored < call.messages.length) return;
      this.#calls.shift();
      call.resolve();
    }
  }

  #failAll(error: unknown): void {
    const calls = this.#calls;
    this.#calls = [];
    this.#queuedBytes = 0;
    for (const call of calls) call.reject(error);
  }
}

/** @throws RangeError unless the delivery has exactly one target. */
export function subjectOf(delivery: OutgoingDelivery): string {
  const { tenant, targetUserID, targetGroupID } = delivery;
  if (targetUserID !== undefined && targetGroupID === undefined) return userSubject(tenant, targetUserID);
  if (targetGroupID !== undefined && targetUserID === undefined) return groupSubject(tenant, targetGroupID);
  throw new RangeError('a delivery has exactly one target, a user or a group');
}
