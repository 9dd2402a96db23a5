import { TokenBucket, tokenHash } from '@im/kit';

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
 * gateway admits of all clients. By token, not by user: the token is not verified yet, and nobody shall
 * use up what another user is admitted.
 */
export class LoginRate {
  readonly #buckets = new Map<string, TokenBucket>();
  #limits: LoginRateLimits;

  constructor(limits: LoginRateLimits) {
    this.#limits = limits;
  }

  /** Logins remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Changes the limits, for logins seen from now on at once, for the others when they are next seen. */
  configure(limits: LoginRateLimits): void {
    this.#limits = limits;
    for (const bucket of this.#buckets.values()) bucket.configure(limits);
  }

  /** Takes one connection of the token's budget. */
  take(token: string): boolean {
    if (this.#limits.ratePerSecond === 0) return true;
    const key = tokenHash(token);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#limits);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MAX_LOGINS) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return bucket.take();
  }
}
