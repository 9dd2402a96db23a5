import { Backoff, onAbort, randomId } from '@im/kit';
import type { Logger } from '@im/process';
import type { Msg } from '@nats-io/transport-node';
import {
  type AckInfo,
  createConsumer,
  deleteConsumer,
  isApiError,
  JS_ERROR,
  NS_PER_MS,
  parseAckSubject,
} from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import type { Unsubscribe } from './types.ts';

/** Where reading begins. */
export type ReadStart = { readonly sequence: number } | { readonly timeMs: number };

/** A message of a stream, with its place there. */
export interface StreamMessage extends AckInfo {
  readonly subject: string;
  readonly data: Uint8Array;
}

export interface OrderedReadOptions {
  readonly stream: string;
  readonly filters: readonly string[];
  readonly start: ReadStart;
  /** Called synchronously, in stream order, each message once. Must not throw. */
  readonly onMessage: (message: StreamMessage) => void;
  /** While it returns false, the server is asked for no more than it has already been granted. */
  readonly hasRoom: () => boolean;
  /**
   * Called before reading begins and before it goes on after an outage; a rejection with an error
   * that {@link isFinal} knows ends the reading, any other is tried again.
   * @param last sequence of the last message delivered; 0 when there was none.
   */
  readonly onAttach?: (last: number) => Promise<void>;
  readonly isFinal?: (error: unknown) => boolean;
  /** Called when the first consumer exists and nothing at all is waiting for it. */
  readonly onNothing?: () => void;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

const HEARTBEAT_MS = 2_000;
const STATUS_CHECK_MS = 1_000;
const IDLE_CONSUMER_MS = 30_000;

/** Returned by {@link readOrdered}: lets the reader take more after {@link OrderedReadOptions.hasRoom} said no. */
export interface OrderedReading {
  /** Settles when the signal aborts, the bus stops or the reading ends for good. */
  readonly done: Promise<void>;
  /** Room was made. */
  resume(): void;
}

/**
 * Reads a stream in order without acknowledgements: a push consumer with flow control that lives
 * only as long as it is in order. After any doubt (a gap, silence, a lost connection) it is
 * recreated behind the last message that was delivered.
 */
export function readOrdered(link: NatsLink, options: OrderedReadOptions): OrderedReading {
  const reader = new OrderedReader(link, options);
  return { done: reader.run(), resume: () => reader.resume() };
}

class OrderedReader {
  readonly #link: NatsLink;
  readonly #options: OrderedReadOptions;
  #last = 0;
  #expected = 1;
  #consumer = '';
  #end: Unsubscribe | undefined;
  #heardAt = 0;
  #doubt: PromiseWithResolvers<void> = Promise.withResolvers();
  #owedFlow: string | undefined;
  #first = true;

  constructor(link: NatsLink, options: OrderedReadOptions) {
    this.#link = link;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { signal, log, isFinal } = this.#options;
    const backoff = new Backoff({ baseMs: 50, maxMs: 1_000 });
    const stopListening = this.#link.listen({ onDown: () => this.#doubt.resolve() });
    using _ = onAbort(signal, () => this.#doubt.resolve());
    try {
      while (!signal.aborted && !this.#link.stopped) {
        this.#doubt = Promise.withResolvers();
        try {
          await this.#attach();
          backoff.reset();
          await this.#untilDoubt();
        } catch (error) {
          if (isFinal?.(error)) throw error;
          log.debug({ err: error, stream: this.#options.stream }, 'reading of a stream was interrupted');
          if (!signal.aborted) await waitQuietly(backoff, signal);
        } finally {
          await this.#detach();
        }
      }
    } finally {
      stopListening();
    }
  }

  resume(): void {
    if (this.#owedFlow === undefined || !this.#options.hasRoom()) return;
    this.#link.publish(this.#owedFlow, new Uint8Array(0));
    this.#owedFlow = undefined;
  }

  async #attach(): Promise<void> {
    const { stream, filters, start } = this.#options;
    await this.#link.whenUp(5_000);
    await this.#options.onAttach?.(this.#last);
    const name = `r${randomId(8)}`;
    const inbox = `_INBOX.${name}`;
    this.#expected = 1;
    this.#owedFlow = undefined;
    this.#end = this.#link.subscribe(inbox, (message) => this.#receive(name, message));
    this.#consumer = name;
    const info = await createConsumer(this.#link, stream, {
      name,
      deliver_subject: inbox,
      ack_policy: 'none',
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: HEARTBEAT_MS * NS_PER_MS,
      inactive_threshold: IDLE_CONSUMER_MS * NS_PER_MS,
      mem_storage: true,
      num_replicas: 1,
      filter_subjects: filters,
      ...(this.#last > 0
        ? { deliver_policy: 'by_start_sequence', opt_start_seq: this.#last + 1 }
        : policy(start)),
    });
    this.#heardAt = performance.now();
    const nothing = info.num_pending === 0 && (info.delivered?.consumer_seq ?? 0) === 0;
    if (this.#first && nothing && this.#last === 0) this.#options.onNothing?.();
    this.#first = false;
  }

  async #untilDoubt(): Promise<void> {
    const silence = setInterval(() => {
      // Heartbeats are not sent while we owe an answer to flow control.
      if (this.#owedFlow !== undefined) return;
      if (performance.now() - this.#heardAt > 2.5 * HEARTBEAT_MS) this.#doubt.resolve();
    }, STATUS_CHECK_MS);
    try {
      await this.#doubt.promise;
    } finally {
      clearInterval(silence);
    }
  }

  async #detach(): Promise<void> {
    this.#end?.();
    this.#end = undefined;
    const name = this.#consumer;
    this.#consumer = '';
    if (name === '' || !this.#link.up) return;
    try {
      await deleteConsumer(this.#link, this.#options.stream, name);
    } catch (error) {
      const gone = isApiError(error, JS_ERROR.ConsumerNotFound);
      if (!gone) this.#options.log.debug({ err: error }, 'a consumer was left behind to expire');
    }
  }

  #receive(name: string, message: Msg): void {
    if (name !== this.#consumer) return;
    this.#heardAt = performance.now();
    const ack = message.reply ? parseAckSubject(message.reply) : undefined;
    if (!ack) {
      this.#control(message);
      return;
    }
    if (ack.consumerSequence !== this.#expected) {
      this.#doubtNow('a gap in the deliveries of a consumer');
      return;
    }
    this.#expected++;
    this.#last = ack.streamSequence;
    this.#options.onMessage({ ...ack, subject: message.subject, data: message.data });
  }

  /** Heartbeats and flow control: status 100. */
  #control(message: Msg): void {
    const { headers } = message;
    if (headers?.code !== 100) {
      this.#doubtNow(`status ${headers?.code} ${headers?.description ?? ''}`);
      return;
    }
    const stalled = message.reply || headers.get('Nats-Consumer-Stalled');
    if (stalled) {
      this.#owedFlow = stalled;
      this.resume();
      return;
    }
    const lastConsumer = Number(headers.get('Nats-Last-Consumer'));
    if (Number.isFinite(lastConsumer) && lastConsumer !== this.#expected - 1) {
      this.#doubtNow('a heartbeat counts deliveries that did not arrive');
    }
  }

  #doubtNow(why: string): void {
    this.#options.log.debug({ stream: this.#options.stream, why }, 'consumer recreated');
    this.#consumer = '';
    this.#doubt.resolve();
  }
}

function policy(start: ReadStart): Record<string, unknown> {
  if ('timeMs' in start) {
    return { deliver_policy: 'by_start_time', opt_start_time: new Date(start.timeMs).toISOString() };
  }
  return start.sequence <= 1
    ? { deliver_policy: 'all' }
    : { deliver_policy: 'by_start_sequence', opt_start_seq: start.sequence };
}

async function waitQuietly(backoff: Backoff, signal: AbortSignal): Promise<void> {
  try {
    await backoff.wait(signal);
  } catch {
    // Aborted: the caller's loop ends.
  }
}
