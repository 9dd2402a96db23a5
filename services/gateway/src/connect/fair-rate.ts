import type { TenantId } from '@im/contract';
import { TokenBucket } from '@im/kit';

/** A tenant without a handshake for this long has no share any more, ms. */
const ACTIVE_MS = 5_000;
const SWEEP_MS = 1_000;
/** Shares that are due may go so far beyond what the rate gives, as a time of it. */
const DEBT_SECONDS = 1;

/** What all tenants may take. */
interface RateLimit {
  readonly ratePerSecond: number;
  readonly burst: number;
}

interface Share {
  readonly bucket: TokenBucket;
  takenAt: number;
}

/**
 * Rate of new connections of a gateway. Tenants whose clients come at once are each sure of an equal share of it; what
 * some do not use is for the others. So a storm of reconnects of one tenant keeps no other from connecting.
 */
export class FairRate {
  readonly #bucket: TokenBucket;
  readonly #shares = new Map<TenantId, Share>();
  readonly #now: () => number;
  #rate: number;
  #sweptAt: number;

  /** @param now monotonic clock in ms; for tests. */
  constructor(limit: RateLimit, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#bucket = new TokenBucket({ ...limit, now });
    this.#rate = limit.ratePerSecond;
    this.#sweptAt = now();
  }

  /** Tenants whose clients came of late. */
  get tenants(): number {
    return this.#shares.size;
  }

  configure(limit: RateLimit): void {
    this.#bucket.configure(limit);
    this.#rate = limit.ratePerSecond;
  }

  /** Takes one connection of the rate, or of the tenant's share when the rate is used up. */
  take(tenant: TenantId): boolean {
    if (this.#rate === 0) return true;
    const inShare = this.#shareOf(tenant).take();
    if (this.#bucket.take()) return true;
    if (!inShare || this.#shares.size === 1) return false;
    if (this.#bucket.waitMs() > DEBT_SECONDS * 1_000) return false;
    this.#bucket.owe(1, this.#rate * DEBT_SECONDS);
    return true;
  }

  #shareOf(tenant: TenantId): TokenBucket {
    const now = this.#now();
    if (now - this.#sweptAt >= SWEEP_MS) {
      this.#sweptAt = now;
      for (const [id, { takenAt }] of this.#shares) if (now - takenAt > ACTIVE_MS) this.#shares.delete(id);
    }
    const known = this.#shares.get(tenant);
    const ratePerSecond = this.#rate / (this.#shares.size + (known ? 0 : 1));
    if (known) {
      known.takenAt = now;
      known.bucket.configure({ ratePerSecond });
      return known.bucket;
    }
    const bucket = new TokenBucket({ ratePerSecond, now: this.#now });
    this.#shares.set(tenant, { bucket, takenAt: now });
    return bucket;
  }
}
