import { STREAM } from '@im/contract';
import { Backoff } from '@im/kit';
import type { Logger } from '@im/process';
import type { log } from '@im/protocol';
import { streamInfo } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { readOrdered } from './ordered-reader.ts';
import type { ProducerWatch } from './producer-watch.ts';
import type { BusDeps, JoinedAt } from './types.ts';

/** Subjects that one reading selects on the server. */
const MAX_SUBJECTS = 32;
/** Live deliveries of one subject that wait; beyond it they are dropped and read from SEQ instead. */
const MAX_WAITING = 10_000;
/** Nor more bytes of all subjects together. */
const MAX_WAITING_BYTES = 67_108_864;
/** SEQ's clock may be behind that of the log by this much. */
const CLOCK_SLACK_MS = 2_000;

interface Late {
  readonly subject: string;
  readonly point: JoinedAt;
  /** Called once, when it is caught up on or not listened to any more. */
  readonly onEnd: () => void;
  waiting: Uint8Array[];
  /** Their bytes. */
  bytes: number;
  /** What waited was dropped: SEQ must be read once more. */
  again: boolean;
}

export interface LateSubjectsDeps {
  readonly link: NatsLink;
  readonly watch: ProducerWatch;
  readonly tasks: BusDeps['tasks'];
  readonly log: Logger;
  /** Takes what SEQ had, in order, then what came live meanwhile. */
  readonly forward: (subject: string, data: Uint8Array, kept: boolean) => void;
  readonly signal: AbortSignal;
}

/**
 * Subjects that are subscribed because of a delivery, so a little too late: what was published on
 * them between that delivery and the subscription is read from SEQ, and goes before what comes live.
 */
export class LateSubjects {
  readonly #deps: LateSubjectsDeps;
  readonly #late = new Map<string, Late>();
  #fresh: Late[] = [];
  #bytes = 0;

  constructor(deps: LateSubjectsDeps) {
    this.#deps = deps;
  }

  /** Bytes of live deliveries that wait for their subject to be caught up on. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Begins to catch up on a subject that has just been subscribed.
   * @param onEnd called once, when all of it has been forwarded, or the subject was dropped.
   */
  begin(subject: string, point: JoinedAt, onEnd: () => void): void {
    const added: Late = { subject, point, onEnd, waiting: [], bytes: 0, again: false };
    this.#late.set(subject, added);
    this.#fresh.push(added);
    if (this.#fresh.length > 1) return;
    const { tasks, signal: stopped } = this.#deps;
    const catchUp = async (stopping: AbortSignal) => {
      const signal = AbortSignal.any([stopping, stopped]);
      // What is joined in one tick is caught up on together.
      await endOfTick();
      const fresh = this.#fresh;
      this.#fresh = [];
      for (let i = 0; i < fresh.length; i += MAX_SUBJECTS) {
        await this.#untilCaughtUp(fresh.slice(i, i + MAX_SUBJECTS), signal);
      }
    };
    tasks.spawn('bus-feed-join', catchUp, {
      onRefused: () => {
        const fresh = this.#fresh;
        this.#fresh = [];
        for (const late of fresh) this.#release(late);
      },
    });
  }

  /** Keeps a live delivery back while its subject is being caught up on. @returns false when it isn't. */
  hold(subject: string, data: Uint8Array): boolean {
    const late = this.#late.get(subject);
    if (!late) return false;
    late.waiting.push(data);
    late.bytes += data.length;
    this.#bytes += data.length;
    if (late.waiting.length > MAX_WAITING || this.#bytes > MAX_WAITING_BYTES) {
      this.#forget(late);
      late.again = true;
    }
    return true;
  }

  /** The subject is not listened to any more. */
  drop(subject: string): void {
    const late = this.#late.get(subject);
    if (!late) return;
    this.#late.delete(subject);
    this.#forget(late);
    late.onEnd();
  }

  /** A subject that was dropped and subscribed again since is another one, with a separate catch-up. */
  #isCurrent(late: Late): boolean {
    return this.#late.get(late.subject) === late;
  }

  #forget(late: Late): void {
    this.#bytes -= late.bytes;
    late.bytes = 0;
    late.waiting = [];
  }

  /** Whether a kept delivery of the subject lies behind the place from which it is wanted. */
  isWanted(subject: string, { position }: log.Delivery): boolean {
    const late = this.#late.get(subject);
    return late === undefined || position > late.point.position;
  }

  async #untilCaughtUp(fresh: readonly Late[], signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    const backoff = new Backoff({ baseMs: 50, maxMs: 1_000 });
    let left = fresh.filter((late) => this.#isCurrent(late));
    while (left.length > 0 && !signal.aborted) {
      try {
        await this.#read(left, signal);
        for (const late of left) this.#release(late);
      } catch (error) {
        log.debug({ err: error }, 'a joined group could not be caught up on yet');
        await backoff.wait(signal).catch(() => undefined);
      }
      left = left.filter((late) => this.#isCurrent(late));
    }
  }

  /** Forwards what SEQ has of these subjects. @throws when it could not be read to the end. */
  async #read(lates: readonly Late[], signal: AbortSignal): Promise<void> {
    const { link, watch, log, forward } = this.#deps;
    // From here on, what is published on the subjects arrives live; what was published before is in SEQ.
    await watch.barrier();
    for (const late of lates) late.again = false;
    const bySubject = new Map(lates.map((late) => [late.subject, late]));
    const { last_seq: last } = (await streamInfo(link, STREAM.deliveries)).state;
    const { outages } = link;
    const done = new AbortController();
    const reading = readOrdered(link, {
      stream: STREAM.deliveries,
      filters: [...bySubject.keys()],
      start: { timeMs: Math.min(...lates.map(({ point }) => point.timeMs)) - CLOCK_SLACK_MS },
      onMessage: ({ subject, data, streamSequence, pending }) => {
        if (done.signal.aborted) return;
        const late = bySubject.get(subject);
        if (streamSequence <= last && late && this.#isCurrent(late)) forward(subject, data, true);
        if (streamSequence >= last || pending === 0) done.abort();
      },
      hasRoom: () => true,
      onNothing: () => done.abort(),
      signal: AbortSignal.any([signal, done.signal]),
      log,
    });
    await reading.done;
    signal.throwIfAborted();
    if (link.outages !== outages) throw new Error('the connection was lost meanwhile');
  }

  /** Hands on what came live, unless some of it was dropped. */
  #release(late: Late): void {
    if (!this.#isCurrent(late) || late.again) return;
    const { subject, waiting } = late;
    this.#forget(late);
    for (const data of waiting) {
      this.#deps.forward(subject, data, false);
      // What was forwarded may have ended the interest in the rest.
      if (!this.#isCurrent(late)) return;
    }
    this.#late.delete(subject);
    late.onEnd();
  }
}

function endOfTick(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
