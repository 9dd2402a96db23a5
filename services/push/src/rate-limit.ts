import { KEY_SEPARATOR, TokenBucket } from '@im/kit';
import { LRUCache } from 'lru-cache';

/** Limits how often one user is woken: a burst, then a steady rate. Users beyond `max` are forgotten, oldest first. */
export class WakeLimit {
  readonly #max: number;
  /** Made for the first user: it takes room for all that it may hold. */
  #buckets: LRUCache<string, TokenBucket> | undefined;
  #ratePerSecond: number;
  #burst: number;
  readonly #now: (() => number) | undefined;

  constructor(options: { perMinute: number; burst: number; max?: number; now?: () => number }) {
    this.#max = options.max ?? 100_000;
    this.#ratePerSecond = options.perMinute / 60;
    this.#burst = options.burst;
    this.#now = options.now;
  }

  /** Changes the limit; users who were woken of late keep what they had left of it, up to the new burst. */
  configure({ perMinute, burst }: { readonly perMinute: number; readonly burst: number }): void {
    const ratePerSecond = perMinute / 60;
    this.#ratePerSecond = ratePerSecond;
    this.#burst = burst;
    for (const bucket of this.#buckets?.values() ?? []) bucket.configure({ ratePerSecond, burst });
  }

  /** True if this user may be woken now. */
  allows(tenant: string, userID: string): boolean {
    return (this.#buckets?.get(keyOf(tenant, userID))?.waitMs() ?? 0) === 0;
  }

  /** True if this user may be woken now; counts the wake. */
  take(tenant: string, userID: string): boolean {
    const key = keyOf(tenant, userID);
    this.#buckets ??= new LRUCache({ max: this.#max });
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket({ ratePerSecond: this.#ratePerSecond, burst: this.#burst, now: this.#now });
      this.#buckets.set(key, bucket);
    }
    return bucket.take();
  }
}

function keyOf(tenant: string, userID: string): string {
  return `${tenant}${KEY_SEPARATOR}${userID}`;
}
