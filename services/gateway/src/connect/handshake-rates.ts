import { KeyedBuckets, tokenHash } from '@im/kit';

/** How often one login may connect. */
export interface LoginRateLimits {
  /** Connections per second; 0 means no limit. */
  readonly ratePerSecond: number;
  /** Connections at once. */
  readonly burst: number;
}

/** Logins remembered; the one that was seen longest ago is forgotten first, and would be full again by then. */
const MAX_LOGINS = 20_000;

/**
 * Limits how often one token connects, so that a client that connects in a loop does not use up what a
 * gateway admits of all clients. By token, not by user: the token is not verified yet, and no
 * client shall use up what another user is admitted.
 */
export class LoginRate {
  readonly #logins = new KeyedBuckets({ max: MAX_LOGINS });
  #limits: LoginRateLimits;

  constructor(limits: LoginRateLimits) {
    this.#limits = limits;
  }

  /** Logins remembered. */
  get size(): number {
    return this.#logins.size;
  }

  /** Changes the limits for connections from now on. */
  configure(limits: LoginRateLimits): void {
    this.#limits = limits;
  }

  /** Takes one connection of the token's budget. */
  take(token: string): boolean {
    if (this.#limits.ratePerSecond === 0) return true;
    return this.#logins.take(tokenHash(token), this.#limits);
  }
}

/** Seconds of the past that are remembered. */
const SECONDS = 10;

/** Counts of the last ten seconds by second and kind: fixed memory and no timer. */
class RecentCounts {
  readonly #kinds: number;
  readonly #counts: Uint32Array;
  readonly #now: () => number;
  #second: number;

  constructor(kinds: number, now: () => number) {
    this.#kinds = kinds;
    this.#counts = new Uint32Array(SECONDS * kinds);
    this.#now = now;
    this.#second = Math.floor(now() / 1_000);
  }

  count(kind: number): void {
    this.#advance();
    const slot = (this.#second % SECONDS) * this.#kinds + kind;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** All of them, the present second included. */
  get total(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** Those of one kind. */
  of(kind: number): number {
    this.#advance();
    let sum = 0;
    for (let slot = kind; slot < this.#counts.length; slot += this.#kinds) sum += this.#counts[slot] ?? 0;
    return sum;
  }

  #advance(): void {
    const second = Math.floor(this.#now() / 1_000);
    if (second - this.#second >= SECONDS) this.#counts.fill(0);
    else {
      for (let s = this.#second + 1; s <= second; s++) {
        const slot = (s % SECONDS) * this.#kinds;
        this.#counts.fill(0, slot, slot + this.#kinds);
      }
    }
    this.#second = second;
  }
}

/** Rate of an event over the last ten seconds. */
export class RecentRate {
  readonly #counts: RecentCounts;

  /** @param now monotonic clock in ms; for tests. */
  constructor(now: () => number = () => performance.now()) {
    this.#counts = new RecentCounts(1, now);
  }

  count(): void {
    this.#counts.count(0);
  }

  /** Average of the last 10 s, the present second included. */
  get perSecond(): number {
    return this.#counts.total / SECONDS;
  }
}

/** Four buckets for each doubling, from 1 ms to about a minute. */
const BUCKETS_PER_DOUBLING = 4;
const BUCKETS = 16 * BUCKETS_PER_DOUBLING;

/** Durations of the last ten seconds in fixed memory, precise to a fifth. */
export class RecentDurations {
  readonly #counts: RecentCounts;

  /** @param now monotonic clock in ms; for tests. */
  constructor(now: () => number = () => performance.now()) {
    this.#counts = new RecentCounts(BUCKETS, now);
  }

  add(ms: number): void {
    const bucket = Math.ceil(Math.log2(Math.max(1, ms)) * BUCKETS_PER_DOUBLING);
    this.#counts.count(Math.min(BUCKETS - 1, bucket));
  }

  /** Duration that this share of them does not exceed, ms; undefined without any. */
  quantile(share: number): number | undefined {
    const { total } = this.#counts;
    if (total === 0) return undefined;
    let left = Math.ceil(total * share);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts.of(bucket);
      if (left <= 0) return Math.round(2 ** (bucket / BUCKETS_PER_DOUBLING));
    }
    return undefined;
  }
}
