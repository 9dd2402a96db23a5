import { KeyedBuckets, TokenBucket } from '@im/kit';

/** Options of {@link SpanBudget}. */
export interface SpanBudgetOptions {
  readonly perSecond: number;
  /** Whether several tenants share the budget: then none gets more than half of it. */
  readonly shared: () => boolean;
  /** Monotonic clock in ms; for tests. */
  readonly now?: () => number;
}

const MAX_TENANTS = 10_000;

/**
 * Bounds the spans that a process records per second. What was started is recorded to its end, and is paid for by what
 * could have started next.
 */
export class SpanBudget {
  readonly #perSecond: number;
  readonly #all: TokenBucket;
  readonly #tenants: KeyedBuckets;
  readonly #ofTenant: { readonly ratePerSecond: number; readonly burst: number };
  readonly #shared: () => boolean;

  constructor({ perSecond, shared, now }: SpanBudgetOptions) {
    this.#perSecond = perSecond;
    this.#all = new TokenBucket({ ratePerSecond: perSecond, ...(now && { now }) });
    this.#tenants = new KeyedBuckets({ max: MAX_TENANTS, ...(now && { now }) });
    const half = Math.max(1, perSecond / 2);
    this.#ofTenant = { ratePerSecond: half, burst: half };
    this.#shared = shared;
  }

  /** Takes the first span of a tenant's trace in this process. @returns false when there is no room for it. */
  begin(tenant: string): boolean {
    if (this.#all.waitMs() > 0) return false;
    if (this.#shared() && !this.#tenants.take(tenant, this.#ofTenant)) return false;
    return this.#all.take();
  }

  /** Takes a further span of a trace that was started; at most a second's worth is owed. */
  owe(tenant: string): void {
    this.#all.owe(1, this.#perSecond);
    if (this.#shared()) this.#tenants.owe(tenant, this.#ofTenant, 1, this.#ofTenant.burst);
  }
}
