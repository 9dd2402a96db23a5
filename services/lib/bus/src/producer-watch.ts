import { sleep } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { NatsLink } from './nats-link.ts';
import { decodeHeartbeat, type Heartbeat, SILENT_MS } from './producer-heartbeat.ts';
import {
  BARRIER,
  PRODUCER_HEARTBEAT,
  PRODUCER_REDELIVER,
  PRODUCER_TAKEOVER,
  PRODUCER_WHO,
} from './subjects.ts';
import type { BusDeps, Unsubscribe } from './types.ts';

/** A producer that was silent for this long, with the connection up, is forgotten. */
const FORGET_MS = 15_000;
const BARRIER_LIMIT_MS = 5_000;
/** After this a barrier request is sent again. */
const BARRIER_RESEND_MS = 250;
/** After this the list of live producers is looked at again. */
const BARRIER_RECHECK_MS = 50;
/** How long to wait for the first heartbeat of any producer, once connected. */
const INTRODUCTION_MS = 300;

interface Producer {
  n: number;
  sequence: number;
  /** performance.now() of the last heartbeat. */
  heartbeatAt: number;
  /** Least difference seen between our clock and the sender's: clock offset plus the shortest way. */
  offsetMs: number;
  lagMs: number;
  allPartitionsOwned: boolean;
}

interface Answers {
  readonly from: Set<string>;
  changed: PromiseWithResolvers<void>;
}

/** What watches for lost messages. */
export interface LossListener {
  /** Messages from some producer may have been lost since {@link ProducerWatch.safeSequence}. Called before it changes. */
  onDoubt(reason: string): void;
}

/** Knows which producers of deliveries live, up to where each was received without a loss, and runs barriers. */
export class ProducerWatch {
  readonly #link: NatsLink;
  readonly #deps: BusDeps;
  readonly #producers = new Map<string, Producer>();
  readonly #listeners = new Set<LossListener>();
  readonly #answers = new Map<number, Answers>();
  readonly #inbox: string;
  #barriers = 0;
  #generation = 0;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #upSince = 0;
  #started = false;

  constructor(link: NatsLink, deps: BusDeps) {
    this.#link = link;
    this.#deps = deps;
    this.#inbox = `_INBOX.${deps.instanceId}.barrier.`;
  }

  /** Begins to listen; the second call does nothing. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#link.subscribe(PRODUCER_HEARTBEAT, (message) => this.#onHeartbeat(message.data));
    this.#link.subscribe(PRODUCER_TAKEOVER, () => this.#doubt('a partition changed hands'));
    this.#link.subscribe(`${this.#inbox}*`, (message) => {
      const answers = this.#answers.get(Number(message.subject.slice(this.#inbox.length)));
      answers?.from.add(Buffer.from(message.data).toString('utf8'));
      answers?.changed.resolve();
    });
    this.#link.listen({
      onUp: () => this.#introduce(),
      onDown: () => this.#doubt('the connection was lost'),
    });
    this.#introduce();
    this.#deps.tasks.every('bus-producer-watch', 1_000, async () => this.#forgetSilent());
  }

  listen(listener: LossListener): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Names of the producers with a recent heartbeat. */
  live(): string[] {
    const now = performance.now();
    return [...this.#producers]
      .filter(([, { heartbeatAt }]) => now - heartbeatAt < SILENT_MS)
      .map(([id]) => id);
  }

  /** Everything up to this sequence of SEQ has arrived here; undefined when no producer is known. */
  safeSequence(): number | undefined {
    let least: number | undefined;
    for (const { sequence } of this.#producers.values()) {
      if (sequence >= 0) least = Math.min(least ?? sequence, sequence);
    }
    return least;
  }

  /**
   * How far behind the producers this process is, in ms: the time since the last heartbeat of the one
   * received best, and how late that one came. 0 when none is known.
   */
  behindMs(): number {
    const now = performance.now();
    let least = Number.POSITIVE_INFINITY;
    for (const { heartbeatAt, lagMs } of this.#producers.values()) {
      least = Math.min(least, now - heartbeatAt + lagMs);
    }
    return Number.isFinite(least) ? least : 0;
  }

  /** Highest generation of a partition consumer that any producer has announced. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether a live producer says that every partition has a consumer. */
  get allPartitionsOwned(): boolean {
    const now = performance.now();
    for (const { allPartitionsOwned, heartbeatAt } of this.#producers.values()) {
      if (allPartitionsOwned && now - heartbeatAt < SILENT_MS) return true;
    }
    return false;
  }

  /**
   * Asks all producers to deliver again, because SEQ does not have what was missed.
   * @param stream distinguishes this SEQ from the one before: the first request of all feeds is enough.
   */
  requestRedelivery(stream: string): void {
    this.#link.publish(PRODUCER_REDELIVER, Buffer.from(stream));
  }

  /** {@link DeliveryFeed.barrier} */
  barrier(): Promise<void> {
    // A round under way does not count for subscriptions made since: those wait for the next one.
    this.#next ??= this.#nextRound(this.#current);
    return this.#next;
  }

  async #nextRound(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => undefined);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    const round = this.#runBarrier();
    this.#current = round;
    this.#next = undefined;
    await round;
  }

  async #runBarrier(): Promise<void> {
    const limit = performance.now() + BARRIER_LIMIT_MS;
    while (performance.now() < limit) {
      await this.#link.whenUp(limit - performance.now());
      const { outages } = this.#link;
      const unknown = INTRODUCTION_MS - (performance.now() - this.#upSince);
      if (this.#producers.size === 0 && unknown > 0) await sleep(Math.min(unknown, 50));
      else if (await this.#askAll(limit, outages)) return;
    }
    throw new ImError(ERR.NetworkError, 'subscriptions could not be confirmed');
  }

  /** @returns false when it has to begin again. */
  async #askAll(limit: number, outages: number): Promise<boolean> {
    const round = ++this.#barriers;
    const answers: Answers = { from: new Set(), changed: Promise.withResolvers() };
    this.#answers.set(round, answers);
    try {
      let sentAt = Number.NEGATIVE_INFINITY;
      while (performance.now() < limit && this.#link.outages === outages) {
        if (performance.now() - sentAt >= BARRIER_RESEND_MS) {
          this.#link.publish(BARRIER, new Uint8Array(0), undefined, this.#inbox + round);
          sentAt = performance.now();
        }
        const live = this.live();
        if (live.length === 0) await this.#link.flush();
        if (live.every((id) => answers.from.has(id))) return true;
        await withTimeout(answers.changed.promise, BARRIER_RECHECK_MS);
        answers.changed = Promise.withResolvers();
      }
      return false;
    } catch (error) {
      this.#deps.log.debug({ err: error }, 'a barrier begins again');
      return false;
    } finally {
      this.#answers.delete(round);
    }
  }

  #introduce(): void {
    if (!this.#link.up) return;
    this.#upSince = performance.now();
    // Silence during the outage says nothing about the producers.
    for (const producer of this.#producers.values()) producer.heartbeatAt = this.#upSince;
    this.#link.publish(PRODUCER_WHO, new Uint8Array(0));
  }

  #onHeartbeat(data: Uint8Array): void {
    const beat = decodeHeartbeat(data);
    if (!beat) return;
    const now = performance.now();
    this.#generation = Math.max(this.#generation, beat.run ?? 0);
    const allPartitionsOwned = beat.covered ?? false;
    const producer = this.#producers.get(beat.id);
    if (!producer) {
      if (beat.bye) return;
      const offsetMs = now - beat.sentMs;
      this.#producers.set(beat.id, {
        n: beat.n,
        sequence: beat.sequence,
        heartbeatAt: now,
        offsetMs,
        lagMs: 0,
        allPartitionsOwned,
      });
      return;
    }
    if (beat.n > producer.n + 1) this.#doubt('heartbeats of a producer were lost');
    this.#update(producer, beat, now);
    if (beat.bye) this.#producers.delete(beat.id);
  }

  #update(producer: Producer, beat: Heartbeat, now: number): void {
    producer.n = Math.max(producer.n, beat.n);
    if (beat.sequence >= 0) producer.sequence = beat.sequence;
    producer.heartbeatAt = now;
    producer.allPartitionsOwned = beat.covered ?? false;
    producer.offsetMs = Math.min(producer.offsetMs, now - beat.sentMs);
    producer.lagMs = now - beat.sentMs - producer.offsetMs;
  }

  #forgetSilent(): void {
    if (!this.#link.up) return;
    const now = performance.now();
    for (const [id, { heartbeatAt }] of this.#producers) {
      if (now - heartbeatAt < FORGET_MS) continue;
      this.#doubt('a producer is gone');
      this.#producers.delete(id);
    }
  }

  #doubt(reason: string): void {
    for (const listener of this.#listeners) listener.onDoubt(reason);
  }
}

async function withTimeout(promise: Promise<void>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
