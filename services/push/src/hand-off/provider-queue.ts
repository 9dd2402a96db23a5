import { TokenBucket } from '@im/kit';
import {
  type Device,
  NoAccessToken,
  type Notification,
  type Outcome,
  type PushProvider,
} from '@im/push-providers';

/** Limits of one provider of a tenant. */
export interface QueueLimits {
  /** Requests at once. */
  readonly concurrency: number;
  /** 0: no limit. */
  readonly devicesPerSecond: number;
}

export interface ProviderQueueDeps {
  readonly provider: PushProvider;
  readonly limits: QueueLimits;
  /** Longest call, ms. @default 10000 */
  readonly callMs?: number;
  /** Called with every failure that is not an answer. */
  readonly onError?: (error: unknown) => void;
}

/** Some devices of one notification on their way to the provider. */
export interface Submission {
  readonly devices: readonly Device[];
  /**
   * One outcome per device, in order; resolves when they are known and kept, the former at the latest when a call has had
   * its time. Rejects when they could not be kept.
   */
  readonly outcomes: Promise<readonly Outcome[]>;
}

/** Keeps what became of devices. */
type Keep = (devices: readonly Device[], outcomes: readonly Outcome[]) => Promise<void>;

interface Waiting {
  readonly notification: Notification;
  readonly devices: readonly Device[];
  readonly keep: Keep;
  readonly resolve: (outcomes: Promise<readonly Outcome[]>) => void;
}

/** Devices that wait; more come again later. */
const MAX_WAITING = 2_000;
const CALL_MS = 10_000;
/** Calls in a row without an answer that open the breaker. */
const FAILURES = 5;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
/** Longest pause that a provider may ask for: notifications are not kept longer. */
const LONGEST_ASKED_MS = 5 * 60_000;
const FULL_MS = 5_000;
const WITHDRAWN_MS = 2_000;
const UNKNOWN_MS = 5_000;

/**
 * The way to one provider of one tenant: a bounded number of requests at once, a rate, a time limit for each call, and a
 * pause when the provider asks for one or does not answer. While it pauses, everything is put off at once.
 */
export class ProviderQueue {
  readonly provider: PushProvider;
  readonly #callMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #concurrency: number;
  readonly #rate: TokenBucket;
  readonly #waiting = new Set<Waiting>();
  #devices = 0;
  #running = 0;
  #failures = 0;
  #pausedUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ provider, limits, callMs = CALL_MS, onError = () => {} }: ProviderQueueDeps) {
    this.provider = provider;
    this.#callMs = callMs;
    this.#onError = onError;
    this.#concurrency = limits.concurrency;
    this.#rate = new TokenBucket({
      ratePerSecond: limits.devicesPerSecond,
      burst: Math.max(limits.devicesPerSecond, provider.maxDevices),
    });
  }

  /** Devices that wait for their call. */
  get waiting(): number {
    return this.#devices;
  }

  /** Whether everything is put off for now. */
  get paused(): boolean {
    return this.#pauseMs > 0;
  }

  get #pauseMs(): number {
    return Math.max(0, this.#pausedUntil - performance.now());
  }

  /**
   * Hands a notification over for these devices, in parts of what the provider takes at once.
   * @param keep called with the outcomes of each part. Until it has ended, no other request takes the place of this one:
   * no more devices are ever in doubt than requests are allowed at once. @default nothing is kept
   */
  submit(
    notification: Notification,
    devices: readonly Device[],
    keep: Keep = async () => {},
  ): readonly Submission[] {
    const submissions: Submission[] = [];
    for (let i = 0; i < devices.length; i += this.provider.maxDevices) {
      const part = devices.slice(i, i + this.provider.maxDevices);
      submissions.push({ devices: part, outcomes: this.#enqueue(notification, part, keep) });
    }
    return submissions;
  }

  /** Puts off what has not been started of these submissions. */
  withdraw(submissions: readonly Submission[]): void {
    const devices = new Set(submissions.map((submission) => submission.devices));
    for (const waiting of this.#waiting)
      if (devices.has(waiting.devices)) this.#putOff(waiting, 'waiting', WITHDRAWN_MS);
  }

  #enqueue(notification: Notification, devices: readonly Device[], keep: Keep): Promise<readonly Outcome[]> {
    if (this.paused) return kept(keep, devices, later(devices, 'paused', this.#pauseMs));
    if (this.#devices + devices.length > MAX_WAITING)
      return kept(keep, devices, later(devices, 'full', FULL_MS));
    const { promise, resolve } = Promise.withResolvers<readonly Outcome[]>();
    this.#waiting.add({ notification, devices, keep, resolve });
    this.#devices += devices.length;
    this.#next();
    return promise;
  }

  #next(): void {
    // After failures one call tries whether the provider answers again.
    const most = this.#failures >= FAILURES ? 1 : this.#concurrency;
    for (const waiting of this.#waiting) {
      if (this.#running >= most || this.#timer !== undefined) return;
      const { length } = waiting.devices;
      if (!this.#rate.take(length)) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.#next();
        }, this.#rate.waitMs(length));
        return;
      }
      this.#take(waiting);
      this.#running++;
      void this.#call(waiting).then((outcomes) => {
        const keeping = kept(waiting.keep, waiting.devices, outcomes);
        waiting.resolve(keeping);
        const ended = () => {
          this.#running--;
          this.#next();
        };
        keeping.then(ended, ended);
      });
    }
  }

  /** Never rejects. */
  async #call({ notification, devices }: Waiting): Promise<readonly Outcome[]> {
    try {
      const outcomes = await within(this.#callMs, (signal) =>
        this.provider.push(notification, devices, signal),
      );
      if (outcomes.length !== devices.length)
        throw new Error(`${outcomes.length} outcomes for ${devices.length} devices`);
      const pause = outcomes.find((outcome) => outcome.kind === 'later' && outcome.provider);
      this.#failures = 0;
      if (pause?.kind === 'later') this.#pause(Math.min(LONGEST_ASKED_MS, pause.afterMs));
      return outcomes;
    } catch (error) {
      if (error instanceof NoAccessToken) {
        if (error.outcome.kind === 'later') this.#pause(error.outcome.afterMs);
        return devices.map(() => error.outcome);
      }
      this.#onError(error);
      this.#failures++;
      const beyond = this.#failures - FAILURES;
      if (beyond < 0) return later(devices, 'noAnswer', UNKNOWN_MS);
      this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(beyond, 10)));
      return later(devices, 'noAnswer', this.#pauseMs);
    }
  }

  #pause(ms: number): void {
    // Processes that failed together do not return together.
    const until = performance.now() + ms * (1 + Math.random() / 4);
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
    for (const waiting of this.#waiting) this.#putOff(waiting, 'paused', this.#pauseMs);
  }

  #putOff(waiting: Waiting, reason: string, afterMs: number): void {
    this.#take(waiting);
    const { keep, devices } = waiting;
    waiting.resolve(kept(keep, devices, later(devices, reason, afterMs)));
  }

  #take(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.#devices -= waiting.devices.length;
  }
}

async function kept(
  keep: Keep,
  devices: readonly Device[],
  outcomes: readonly Outcome[],
): Promise<readonly Outcome[]> {
  await keep(devices, outcomes);
  return outcomes;
}

function later(devices: readonly Device[], reason: string, afterMs: number): readonly Outcome[] {
  return devices.map(() => ({ kind: 'later', reason, afterMs }));
}

/** Runs work for at most `ms`; it is not waited for longer, even if it ignores its signal. */
async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${ms} ms`);
    late.abort(error);
    reject(error);
  }, ms);
  try {
    return await Promise.race([work(late.signal), promise]);
  } finally {
    clearTimeout(timer);
  }
}
