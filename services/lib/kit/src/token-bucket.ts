/** Options of {@link TokenBucket}. */
export interface TokenBucketOptions {
  /** Tokens added per second; 0 means no limit. */
  readonly ratePerSecond: number;
  /** Most tokens held, so the largest burst; at least 1. @default one second's worth */
  readonly burst?: number;
  /** Monotonic clock in ms; for tests. */
  readonly now?: () => number;
}

/** A rate limit without timers: tokens are counted up when one is asked for. */
export class TokenBucket {
  readonly #now: () => number;
  #rate = 0;
  #burst = 0;
  #tokens = 0;
  #at: number;

  constructor(options: TokenBucketOptions) {
    this.#now = options.now ?? (() => performance.now());
    this.#at = this.#now();
    this.configure(options);
    this.#tokens = this.#burst;
  }

  /** Changes rate and burst, and keeps the tokens that fit. */
  configure(options: Pick<TokenBucketOptions, 'ratePerSecond' | 'burst'>): void {
    this.#refill();
    this.#rate = options.ratePerSecond;
    this.#burst = Math.max(1, options.burst ?? options.ratePerSecond);
    this.#tokens = Math.min(this.#tokens, this.#burst);
  }

  /** Takes `count` tokens when that many are available. */
  take(count = 1): boolean {
    if (this.#rate === 0) return true;
    this.#refill();
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Takes `count` tokens, also those to come; at most `most` are owed. @returns time in ms until none is. */
  owe(count: number, most: number): number {
    if (this.#rate === 0) return 0;
    this.#refill();
    this.#tokens = Math.max(-most, this.#tokens - count);
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#rate) * 1_000;
  }

  /** Time in ms until `count` tokens are available; 0 when they are. */
  waitMs(count = 1): number {
    if (this.#rate === 0) return 0;
    this.#refill();
    const missing = count - this.#tokens;
    return missing <= 0 ? 0 : (missing / this.#rate) * 1_000;
  }

  #refill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.#rate) / 1_000);
    this.#at = now;
  }
}

/** What holds for a key now; it may differ from call to call. */
export type KeyLimit = Required<Pick<TokenBucketOptions, 'ratePerSecond' | 'burst'>>;

/** Options of {@link KeyedBuckets}. */
export interface KeyedBucketsOptions {
  /** Most keys remembered; of more, the one used longest ago starts with a full bucket again. */
  readonly max: number;
  /** Monotonic clock in ms; for tests. */
  readonly now?: () => number;
}

/** One {@link TokenBucket} per key, for instance per user, in bounded memory. */
export class KeyedBuckets {
  readonly #options: KeyedBucketsOptions;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: KeyedBucketsOptions) {
    this.#options = options;
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes `count` tokens of a key when that many are available; what is larger than the burst takes a full bucket. */
  take(key: string, limit: KeyLimit, count = 1): boolean {
    if (limit.ratePerSecond === 0) return true;
    return this.#bucket(key, limit).take(Math.min(count, Math.max(1, limit.burst)));
  }

  /** Takes `count` tokens of a key, also those to come; at most `most` are owed. @returns time in ms until none is. */
  owe(key: string, limit: KeyLimit, count: number, most: number): number {
    if (limit.ratePerSecond === 0) return 0;
    return this.#bucket(key, limit).owe(count, most);
  }

  #bucket(key: string, limit: KeyLimit): TokenBucket {
    const { max, now } = this.#options;
    let bucket = this.#buckets.get(key);
    if (bucket) {
      this.#buckets.delete(key);
      bucket.configure(limit);
    } else {
      bucket = new TokenBucket({ ...limit, ...(now && { now }) });
      if (this.#buckets.size >= max) {
        const [oldest] = this.#buckets.keys();
        if (oldest !== undefined) this.#buckets.delete(oldest);
      }
    }
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
