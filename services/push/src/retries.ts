import type { KeptDelivery, PutOff } from '@im/bus';
import type { TenantId } from '@im/contract';

/** How often a delivery is judged before it is given up; with the waits between, about three minutes. */
const ATTEMPTS = 10;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/**
 * Deliveries of one tenant, and of all, that may wait to come again. What waits counts for what the
 * reader may hold unacknowledged: without a bound, one tenant's would keep those of all others away.
 */
const WAITING_PER_TENANT = 250;
const WAITING = 1_000;
/** Longest time after which a delivery may come again: it is not kept for longer. */
const KEPT_MS = 8 * 60_000;

/** Decides about deliveries that could not be judged: which come again, and when. */
export class Retries {
  /** When each is due again, with a margin: another process may have taken it. */
  readonly #due = new Map<TenantId, Map<string, number>>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Deliveries that wait to come again. */
  get size(): number {
    let count = 0;
    for (const waiting of this.#due.values()) count += waiting.size;
    return count;
  }

  /**
   * @param leastMs shortest wait, as a provider asks for.
   * @returns when a failed delivery comes again, or undefined when it is to be given up.
   */
  putOff(kept: KeptDelivery, key: string, leastMs = 0): PutOff | undefined {
    const { tenant, attempt } = kept;
    this.settle(tenant, key);
    if (attempt >= ATTEMPTS || leastMs > KEPT_MS || !this.#hasRoom(tenant)) return undefined;
    const delayMs = Math.max(leastMs, Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1)));
    let waiting = this.#due.get(tenant);
    if (!waiting) {
      waiting = new Map();
      this.#due.set(tenant, waiting);
    }
    waiting.set(key, this.#now() + 2 * delayMs);
    return { kept, delayMs };
  }

  /** A delivery waits no more. */
  settle(tenant: TenantId, key: string): void {
    const waiting = this.#due.get(tenant);
    if (!waiting?.delete(key)) return;
    if (waiting.size === 0) this.#due.delete(tenant);
  }

  /** Whether anything of the tenant waits. */
  has(tenant: TenantId): boolean {
    return this.#due.has(tenant);
  }

  #hasRoom(tenant: TenantId): boolean {
    const fits = () => (this.#due.get(tenant)?.size ?? 0) < WAITING_PER_TENANT && this.size < WAITING;
    if (fits()) return true;
    const now = this.#now();
    for (const [of, waiting] of this.#due) {
      for (const [key, dueMs] of waiting) if (dueMs < now) this.settle(of, key);
    }
    return fits();
  }
}
