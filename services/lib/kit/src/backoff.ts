import { setTimeout as sleepFor } from 'node:timers/promises';

/** Options of {@link Backoff}. */
export interface BackoffOptions {
  /** Upper bound of the first wait, in ms. @default 50 */
  readonly baseMs?: number;
  /** Upper bound of every wait, in ms. @default 10,000 */
  readonly maxMs?: number;
  /** Source of randomness in [0, 1); for tests. */
  readonly random?: () => number;
}

/**
 * Waits that grow exponentially, with full jitter: the n-th is uniform in [0, min(max, base · 2^n)),
 * so that many callers that failed together do not return together.
 */
export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions = {}) {
    this.#baseMs = options.baseMs ?? 50;
    this.#maxMs = options.maxMs ?? 10_000;
    this.#random = options.random ?? Math.random;
  }

  /** The next wait in ms. */
  next(): number {
    const ceiling = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return this.#random() * ceiling;
  }

  /** Starts again from the shortest wait; call it after a success. */
  reset(): void {
    this.#failures = 0;
  }

  /** Sleeps for {@link next}. @throws the signal's reason when it aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    await sleep(this.next(), signal);
  }
}

/**
 * Wait after a number of failures that is stored, whole ms: between half and all of min(max, base · 2^failures), so that it
 * is never next to nothing.
 */
export function waitAfter(
  failures: number,
  {
    baseMs,
    maxMs,
    random = Math.random,
  }: Required<Pick<BackoffOptions, 'baseMs' | 'maxMs'>> & BackoffOptions,
): number {
  return Math.round(Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30)) * (0.5 + random() / 2));
}

/** Resolves after `ms`. @throws the signal's reason when it aborts before that. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleepFor(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Options of {@link retry}. */
export interface RetryOptions extends BackoffOptions {
  /** No new attempt begins after this time, in ms since the epoch. */
  readonly deadline: number;
  /** Which errors are worth another attempt. @default all */
  readonly retryable?: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * Calls `attempt` until it succeeds, its error is not retryable, or no time is left.
 * @throws the last attempt's error, or the signal's reason.
 */
export async function retry<T>(attempt: (n: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const backoff = new Backoff(options);
  for (let n = 0; ; n++) {
    try {
      return await attempt(n);
    } catch (error) {
      if (options.retryable && !options.retryable(error)) throw error;
      const wait = backoff.next();
      if (Date.now() + wait >= options.deadline) throw error;
      await sleep(wait, options.signal);
    }
  }
}
