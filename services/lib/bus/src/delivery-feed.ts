import { STREAM, type TenantId } from '@im/contract';
import { Backoff, onAbort, sleep } from '@im/kit';
import { acceptLoss, type Logger } from '@im/process';
import { decode } from '@im/protocol';
import type { Msg } from '@nats-io/transport-node';
import { DeliveryMemory } from './delivery-memory.ts';
import { REPLAY_BEGINS_AGAIN, readKept, replayStart } from './delivery-replay.ts';
import { feedMetrics } from './feed-metrics.ts';
import { streamInfo } from './jetstream-api.ts';
import { LateSubjects } from './late-subjects.ts';
import type { NatsLink } from './nats-link.ts';
import type { ProducerWatch } from './producer-watch.ts';
import { groupSubject, subjectTenant, userSubject } from './subjects.ts';
import type { BusDeps, DeliveryFeed, FeedOptions, JoinedAt, Unsubscribe } from './types.ts';

/** Conversations of one generation of the memory: forwarded places of the busiest ones. */
const REMEMBERED_CONVERSATIONS = 100_000;
/** Live deliveries that wait while older ones are replayed; beyond it the replay begins again. */
const MAX_WAITING = 100_000;
const MAX_WAITING_BYTES = 134_217_728;
/**
 * Producers deliver again from this long before their cursor. A feed that was further behind than that
 * when SEQ was lost cannot be served from it.
 */
const REDELIVERED_MS = 4_000;
const OWNERSHIP_LIMIT_MS = 4_000;
const OWNERSHIP_POLL_MS = 50;

interface Subscribed {
  count: number;
  readonly end: Unsubscribe;
  /** Doubts raised before it was added do not concern it. */
  readonly since: number;
}

interface Waiting {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** See {@link DeliveryFeed}: live subscriptions, and a replay of SEQ whenever something may have been missed. */
export class NatsDeliveryFeed implements DeliveryFeed {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #watch: ProducerWatch;
  readonly #options: FeedOptions;
  readonly #memory = new DeliveryMemory(REMEMBERED_CONVERSATIONS);
  readonly #subjects = new Map<string, Subscribed>();
  readonly #late: LateSubjects;
  /** Shared by all subjects. */
  readonly #onMessage = (message: Msg, subject: string) => this.#receive(subject, message.data);
  readonly #stopped = new AbortController();
  readonly #ends: Unsubscribe[];
  readonly #counters;
  /** Live deliveries held back while a replay runs; undefined when none runs. */
  #waiting: Waiting[] | undefined;
  #waitingBytes = 0;
  /** Everything up to this sequence of SEQ arrived, when the first doubt of the replay was raised. */
  #replayAfter = 0;
  #behindMs = 0;
  #doubts = 0;
  #created = '';
  #lastKnown = 0;
  #wake = Promise.withResolvers<void>();

  constructor(link: NatsLink, deps: BusDeps, watch: ProducerWatch, options: FeedOptions) {
    this.#link = link;
    this.#log = deps.log;
    this.#watch = watch;
    this.#options = options;
    this.#counters = feedMetrics(deps, {
      subjects: () => this.#subjects.size,
      waiting: () => this.#waiting?.length ?? 0,
      waitingBytes: () => this.#waitingBytes + this.#late.bytes,
      remembered: () => this.#memory.size,
    });
    this.#ends = [
      watch.listen({ onDoubt: (reason) => this.#doubt(reason) }),
      link.listen({ onUp: () => this.#wake.resolve(), onDown: () => this.#wake.resolve() }),
    ];
    this.#late = new LateSubjects({
      link,
      watch,
      tasks: deps.tasks,
      log: deps.log,
      forward: (subject, data, kept) => {
        if (kept) this.#forward(subject, data, true);
        else this.#accept(subject, data);
      },
      signal: this.#stopped.signal,
    });
    // The state of SEQ must be known before the first loss: a feed begins with a replay of nothing.
    this.#waiting = [];
    this.#replayAfter = Number.POSITIVE_INFINITY;
    deps.tasks.spawn('bus-feed', (signal) => this.#follow(signal), {
      // Started once; a process that stops forwards nothing more.
      onRefused: acceptLoss,
    });
  }

  addUser(tenant: TenantId, userID: string): void {
    this.#add(userSubject(tenant, userID));
  }

  removeUser(tenant: TenantId, userID: string): void {
    this.#remove(userSubject(tenant, userID));
  }

  addGroup(
    tenant: TenantId,
    groupID: string,
    joinedAt?: JoinedAt,
    onCaughtUp: () => void = () => {},
  ): boolean {
    const subject = groupSubject(tenant, groupID);
    if (!this.#add(subject) || !joinedAt) return false;
    this.#late.begin(subject, joinedAt, onCaughtUp);
    return true;
  }

  removeGroup(tenant: TenantId, groupID: string): void {
    this.#remove(groupSubject(tenant, groupID));
  }

  barrier(): Promise<void> {
    return this.#watch.barrier();
  }

  async allPartitionsOwned(): Promise<void> {
    for (const limit = performance.now() + OWNERSHIP_LIMIT_MS; !this.#watch.allPartitionsOwned; ) {
      if (this.#stopped.signal.aborted || performance.now() > limit) return;
      await sleep(OWNERSHIP_POLL_MS);
    }
  }

  generation(): number {
    return this.#watch.generation;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake.resolve();
    for (const end of this.#ends) end();
    for (const { end } of this.#subjects.values()) end();
    this.#subjects.clear();
  }

  /** @returns whether the subject is new. */
  #add(subject: string): boolean {
    const known = this.#subjects.get(subject);
    if (known) {
      known.count++;
      return false;
    }
    const end = this.#link.subscribe(subject, this.#onMessage);
    this.#subjects.set(subject, { count: 1, end, since: this.#doubts });
    return true;
  }

  #remove(subject: string): void {
    const known = this.#subjects.get(subject);
    if (!known || --known.count > 0) return;
    known.end();
    this.#subjects.delete(subject);
    this.#late.drop(subject);
  }

  #receive(subject: string, data: Uint8Array): void {
    if (!this.#late.hold(subject, data)) this.#accept(subject, data);
  }

  /** A live delivery whose turn it is, but for a replay. */
  #accept(subject: string, data: Uint8Array): void {
    if (!this.#waiting) {
      this.#forward(subject, data);
      return;
    }
    this.#waiting.push({ subject, data });
    this.#waitingBytes += data.length;
    if (this.#waiting.length <= MAX_WAITING && this.#waitingBytes <= MAX_WAITING_BYTES) return;
    // SEQ has them all: what waits here is dropped, and the replay goes further.
    this.#log.warn({ waiting: this.#waiting.length }, 'a replay of deliveries begins again');
    this.#clearWaiting();
    this.#doubts++;
  }

  #forward(subject: string, data: Uint8Array, replayed = false): void {
    try {
      const delivery = decode('log.Delivery', data);
      if (delivery.tenant !== subjectTenant(subject)) throw new Error('a delivery of another tenant');
      const transient = delivery.position === 0;
      if (transient && replayed) return;
      if (replayed && !this.#late.isWanted(subject, delivery)) return;
      const verdict = transient ? 'new' : this.#memory.judge(subject, delivery);
      if (verdict === 'new') {
        this.#options.onDelivery(delivery, data);
        this.#counters.forwarded.inc();
      } else {
        this.#counters.dropped.inc({ reason: verdict });
      }
    } catch (error) {
      this.#counters.dropped.inc({ reason: 'error' });
      this.#log.error({ err: error, subject }, 'a delivery could not be forwarded');
    }
  }

  #doubt(reason: string): void {
    this.#doubts++;
    if (this.#waiting) {
      // A replay that has not started is at infinity; its start decides what there was to miss.
      if (this.#replayAfter === Number.POSITIVE_INFINITY) this.#replayAfter = this.#safeSequence();
      return;
    }
    this.#log.debug({ reason }, 'deliveries may have been missed');
    this.#waiting = [];
    this.#replayAfter = this.#safeSequence();
    this.#behindMs = this.#watch.behindMs();
    this.#counters.replays.inc();
    this.#wake.resolve();
  }

  #safeSequence(): number {
    return this.#watch.safeSequence() ?? this.#lastKnown;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#stopped.signal]);
    using _ = onAbort(ended, () => this.#wake.resolve());
    const backoff = new Backoff({ baseMs: 20, maxMs: 500 });
    while (!ended.aborted && !this.#link.stopped) {
      if (!this.#waiting || !this.#link.up) {
        this.#wake = Promise.withResolvers();
        if (!this.#waiting || !this.#link.up) await this.#wake.promise;
        continue;
      }
      try {
        await this.#catchUp(ended);
        backoff.reset();
      } catch (error) {
        if (error !== REPLAY_BEGINS_AGAIN)
          this.#log.debug({ err: error }, 'replay of deliveries interrupted');
        if (!ended.aborted) await backoff.wait(ended).catch(() => undefined);
      }
    }
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const doubts = this.#doubts;
    // From here on, what producers publish arrives live; what they published before is in SEQ.
    await this.#watch.barrier();
    const info = await streamInfo(this.#link, STREAM.deliveries);
    const last = info.state.last_seq;
    const { start, gap } = replayStart(info, this.#replayAfter, this.#created);
    if (gap === 'lost') {
      this.#watch.requestRedelivery(info.created);
      this.#log.warn({ behindMs: this.#behindMs }, 'kept deliveries were lost; producers deliver again');
      if (this.#behindMs > REDELIVERED_MS)
        this.#gap('kept deliveries were lost while this process was behind');
    } else if (gap === 'expired') {
      this.#gap('an outage lasted longer than deliveries are kept');
    }
    if (start <= last) await this.#replay(start, last, signal);
    if (this.#doubts !== doubts) throw REPLAY_BEGINS_AGAIN;
    this.#created = info.created;
    this.#lastKnown = last;
    this.#goLive();
  }

  #gap(reason: string): void {
    this.#counters.gaps.inc();
    this.#log.error({ reason }, 'deliveries were missed for good');
    this.#options.onGap(reason);
  }

  #goLive(): void {
    // Forwarding may raise a doubt through the watch, but never adds to what waits.
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.#waitingBytes = 0;
    for (const { subject, data } of waiting) this.#forward(subject, data);
  }

  #clearWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Forwards what SEQ holds from `start` to `end` for the subjects that had it coming. */
  async #replay(start: number, end: number, signal: AbortSignal): Promise<void> {
    const doubts = this.#doubts;
    const wanted = [...this.#subjects].filter(([, { since }]) => since < doubts).map(([subject]) => subject);
    if (wanted.length === 0) return;
    const passed = await readKept(this.#link, {
      subjects: wanted,
      start,
      end,
      onKept: (subject, data) => this.#forwardReplayed(subject, data, doubts),
      isOutdated: () => this.#doubts !== doubts,
      signal,
      log: this.#log,
    });
    this.#counters.replayed.inc(passed);
  }

  #forwardReplayed(subject: string, data: Uint8Array, doubts: number): void {
    const known = this.#subjects.get(subject);
    if (known && known.since < doubts) this.#forward(subject, data, true);
  }
}
