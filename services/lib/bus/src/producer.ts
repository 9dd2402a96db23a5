import { STREAM } from '@im/contract';
import type { DeliveryPublisher } from './delivery-publisher.ts';
import { streamInfo } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { encodeJson, HEARTBEAT_MS, type Heartbeat } from './producer-heartbeat.ts';
import type { ProducerWatch } from './producer-watch.ts';
import {
  BARRIER,
  PRODUCER_HEARTBEAT,
  PRODUCER_REDELIVER,
  PRODUCER_TAKEOVER,
  PRODUCER_WHO,
} from './subjects.ts';
import type { BusDeps, DeliveryProducer, ProducerOptions, Unsubscribe } from './types.ts';

/** A producer without work looks this often how far SEQ has come, so that feeds never replay much for its sake. */
const IDLE_REFRESH_BEATS = 4;
const UNKNOWN = -1;
/** A later request for the same stream means another loss: a server of a cluster that restarted keeps its name. */
const REDELIVERY_COUNTS_MS = 30_000;

/** This process as a producer of deliveries: heartbeats, answers to barriers, notices. */
export class AnnouncedProducer implements DeliveryProducer {
  readonly #link: NatsLink;
  readonly #deps: BusDeps;
  readonly #publisher: DeliveryPublisher;
  readonly #watch: ProducerWatch;
  readonly #ends: Unsubscribe[];
  readonly #state: ProducerOptions['state'];
  readonly #onRedeliver: ProducerOptions['onRedeliver'];
  #redelivered = { stream: '', at: 0 };
  readonly #stopped = new AbortController();
  #n = 0;
  /** The publisher's last sequence that {@link #sequence} was taken from. */
  #published = UNKNOWN;
  #sequence = UNKNOWN;
  #idleBeats = 0;

  constructor(
    link: NatsLink,
    deps: BusDeps,
    publisher: DeliveryPublisher,
    watch: ProducerWatch,
    options: ProducerOptions,
  ) {
    this.#link = link;
    this.#deps = deps;
    this.#publisher = publisher;
    this.#watch = watch;
    this.#state = options.state;
    this.#onRedeliver = options.onRedeliver;
    const id = Buffer.from(deps.instanceId);
    this.#ends = [
      link.subscribe(BARRIER, (message) => {
        if (!message.reply) return;
        // On the same way and before the answer: who hears the answer knows how things stand.
        this.#beat();
        link.publish(message.reply, id);
      }),
      link.subscribe(PRODUCER_WHO, () => this.#beat()),
      link.subscribe(PRODUCER_REDELIVER, (message) => this.#redeliver(message.data)),
      link.subscribe(PRODUCER_TAKEOVER, () => options.onTakeover()),
      link.listen({
        onUp: () => this.#beat(),
        onDown: () => {
          // The stream may be another one after this.
          this.#sequence = UNKNOWN;
          this.#idleBeats = 0;
        },
      }),
    ];
    this.#beat();
    deps.tasks.every('bus-producer-heartbeat', HEARTBEAT_MS, async () => {
      if (this.#stopped.signal.aborted) return;
      await this.#refreshWhenIdle();
      this.#beat();
    });
  }

  /** All feeds ask after a loss; what is delivered again for the first one is in SEQ for the others. */
  #redeliver(data: Uint8Array): void {
    const stream = Buffer.from(data).toString('utf8');
    const now = performance.now();
    if (stream === this.#redelivered.stream && now - this.#redelivered.at < REDELIVERY_COUNTS_MS) return;
    this.#redelivered = { stream, at: now };
    this.#onRedeliver();
  }

  announceTakeover(partition: number, fence: number): void {
    this.#link.publish(PRODUCER_TAKEOVER, encodeJson({ partition, fence }));
  }

  liveProducers(): readonly string[] {
    return this.#watch.live();
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    for (const end of this.#ends) end();
    this.#send({ bye: true });
  }

  #beat(): void {
    if (!this.#stopped.signal.aborted) this.#send({});
  }

  #send(extra: Partial<Heartbeat>): void {
    if (!this.#link.up) return;
    this.#notePublished();
    const { generation, allPartitionsOwned } = this.#state();
    const beat: Heartbeat = {
      id: this.#deps.instanceId,
      n: ++this.#n,
      sequence: this.#sequence,
      sentMs: Date.now(),
      run: generation,
      covered: allPartitionsOwned,
      ...extra,
    };
    this.#link.publish(PRODUCER_HEARTBEAT, encodeJson(beat));
  }

  /** @returns whether anything was published since the last look. */
  #notePublished(): boolean {
    const { lastSequence } = this.#publisher;
    if (lastSequence === this.#published) return false;
    this.#published = lastSequence;
    this.#sequence = lastSequence;
    this.#idleBeats = 0;
    return true;
  }

  async #refreshWhenIdle(): Promise<void> {
    if (this.#notePublished() || !this.#publisher.idle || !this.#link.up) return;
    if (this.#idleBeats++ % IDLE_REFRESH_BEATS !== 0) return;
    const { state } = await streamInfo(this.#link, STREAM.deliveries);
    // What was published meanwhile may not be behind this answer.
    if (this.#publisher.idle && !this.#notePublished()) this.#sequence = state.last_seq;
  }
}
