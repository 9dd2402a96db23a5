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

/** Seconds that a rate is averaged over. */
const SECONDS = 10;

/** Rate of an event over the last ten seconds; a few bytes and no timer. */
export class RecentRate {
  readonly #counts = new Uint32Array(SECONDS);
  readonly #now: () => number;
  #second: number;

  /** @param now monotonic clock in ms; for tests. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#second = Math.floor(now() / 1_000);
  }

  count(): void {
    this.#advance();
    const slot = this.#second % SECONDS;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** Average of the last 10 s, the present second included. */
  get perSecond(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0) / SECONDS;
  }

  #advance(): void {
    const second = Math.floor(this.#now() / 1_000);
    if (second - this.#second >= SECONDS) this.#counts.fill(0);
    else for (let s = this.#second + 1; s <= second; s++) this.#counts[s % SECONDS] = 0;
    this.#second = second;
  }
}
