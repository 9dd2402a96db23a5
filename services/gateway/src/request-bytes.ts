import { KeyedBuckets } from '@im/kit';

/** How many bytes of requests a user may have looked at, after gunzip. */
export interface RequestBytesLimits {
  /** Bytes per second; 0 means no limit. */
  readonly bytesPerSecond: number;
  /** Bytes at once. */
  readonly byteBurst: number;
}

/** Users remembered; of more, the one who asked longest ago is forgotten first. */
const MAX_USERS = 20_000;
/** A request waits no longer than this, ms: reading goes on before its connection counts as silent. */
const MAX_WAIT_MS = 10_000;

/**
 * Limits the bytes of large requests of each user, over all their connections and logins: a small gzipped frame can
 * inflate to a thousand times its size, and to look at it costs as much as at any other request of that size. Nothing
 * is refused; who asks more waits.
 */
export class RequestBytes {
  readonly #users: KeyedBuckets;
  #limits: RequestBytesLimits;

  /** @param now monotonic clock in ms; for tests. */
  constructor(limits: RequestBytesLimits, now?: () => number) {
    this.#limits = limits;
    this.#users = new KeyedBuckets({ max: MAX_USERS, ...(now && { now }) });
  }

  /** Users remembered. */
  get size(): number {
    return this.#users.size;
  }

  /** Changes the limits for what comes from now on. */
  configure(limits: RequestBytesLimits): void {
    this.#limits = limits;
  }

  /** Takes bytes of a user's allowance. @returns how long to wait before looking at them, ms. */
  take(user: string, bytes: number): number {
    const { bytesPerSecond, byteBurst } = this.#limits;
    const limit = { ratePerSecond: bytesPerSecond, burst: byteBurst };
    return this.#users.owe(user, limit, bytes, (bytesPerSecond * MAX_WAIT_MS) / 1_000);
  }
}
