import type { TenantId } from '@im/contract';

/** What was appended within one interval, by tenant. */
interface Interval {
  /** Position of the log at its end: when the log begins behind it, nothing of the interval is kept there. */
  readonly end: number;
  readonly bytes: ReadonlyMap<TenantId, number>;
}

/** Intervals remembered; two that follow each other become one when there are more. */
const MAX_INTERVALS = 1_000;
/** Below this, what one process has appended says little about the log. */
const MIN_BYTES = 262_144;

/**
 * Which part of the log is whose, judged by what this process appended of what the log still holds. Senders are
 * spread over processes without regard to tenants, so that each sees about the same parts.
 */
export class TenantShares {
  #open = new Map<TenantId, number>();
  #closed: Interval[] = [];
  readonly #sums = new Map<TenantId, number>();
  #total = 0;

  /** A record of this tenant is appended. */
  note(tenant: TenantId, bytes: number): void {
    this.#open.set(tenant, (this.#open.get(tenant) ?? 0) + bytes);
    this.#sums.set(tenant, (this.#sums.get(tenant) ?? 0) + bytes);
    this.#total += bytes;
  }

  /** Forgets what the log no longer holds. @param first position that it begins with. @param last its last one. */
  update(first: number, last: number): void {
    if (this.#open.size > 0) {
      this.#closed.push({ end: last, bytes: this.#open });
      this.#open = new Map();
    }
    while (this.#closed[0] !== undefined && this.#closed[0].end < first) {
      for (const [tenant, bytes] of this.#closed.shift()?.bytes ?? []) this.#forget(tenant, bytes);
    }
    if (this.#closed.length > MAX_INTERVALS) this.#closed = joinPairs(this.#closed);
  }

  /** Part of what this process has in the log that is this tenant's; 0 while that is too little to tell. */
  of(tenant: TenantId): number {
    return this.#total < MIN_BYTES ? 0 : (this.#sums.get(tenant) ?? 0) / this.#total;
  }

  /** The largest part that one tenant has. */
  get largest(): number {
    return this.#total < MIN_BYTES ? 0 : Math.max(0, ...this.#sums.values()) / this.#total;
  }

  #forget(tenant: TenantId, bytes: number): void {
    const left = (this.#sums.get(tenant) ?? 0) - bytes;
    if (left > 0) this.#sums.set(tenant, left);
    else this.#sums.delete(tenant);
    this.#total -= bytes;
  }
}

function joinPairs(intervals: readonly Interval[]): Interval[] {
  const joined: Interval[] = [];
  for (let i = 0; i < intervals.length; i += 2) {
    const pair = intervals.slice(i, i + 2);
    const bytes = new Map<TenantId, number>();
    for (const one of pair) {
      for (const [tenant, count] of one.bytes) bytes.set(tenant, (bytes.get(tenant) ?? 0) + count);
    }
    joined.push({ end: pair.at(-1)?.end ?? 0, bytes });
  }
  return joined;
}
