/** A pace that is valid for a while. */
interface Lease {
  readonly perSecond: number;
  /** ms of the monotonic clock. */
  readonly until: number;
}

/**
 * Most connections closed per second: the configured pace, or a leased one for as long as it is valid. A caller
 * that no longer renews its lease leaves the gateway with the pace of its config.
 */
export class LeasedPace {
  readonly #configured: () => number;
  readonly #now: () => number;
  #lease: Lease | undefined;

  /** @param now monotonic clock in ms; for tests. */
  constructor(configured: () => number, now: () => number = () => performance.now()) {
    this.#configured = configured;
    this.#now = now;
  }

  get perSecond(): number {
    if (this.#lease && this.#now() >= this.#lease.until) this.#lease = undefined;
    return this.#lease?.perSecond ?? this.#configured();
  }

  /** @param ttlMs validity; without it until {@link release}. */
  lease(perSecond: number, ttlMs = Number.POSITIVE_INFINITY): void {
    this.#lease = { perSecond, until: this.#now() + ttlMs };
  }

  release(): void {
    this.#lease = undefined;
  }
}
