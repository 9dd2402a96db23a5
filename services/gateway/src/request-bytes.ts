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
  readonly #users = new Map<string, { allowance: number; at: number }>();
  #limits: RequestBytesLimits;

  constructor(limits: RequestBytesLimits) {
    this.#limits = limits;
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
  take(user: string, bytes: number, now: number = performance.now()): number {
    const { bytesPerSecond, byteBurst } = this.#limits;
    if (bytesPerSecond === 0) return 0;
    const known = this.#users.get(user) ?? { allowance: byteBurst, at: now };
    this.#users.delete(user);
    this.#users.set(user, known);
    if (this.#users.size > MAX_USERS) {
      for (const oldest of this.#users.keys()) {
        this.#users.delete(oldest);
        break;
      }
    }
    const gained = ((now - known.at) * bytesPerSecond) / 1_000;
    const most = (bytesPerSecond * MAX_WAIT_MS) / 1_000;
    known.allowance = Math.max(-most, Math.min(byteBurst, known.allowance + gained) - bytes);
    known.at = now;
    return known.allowance >= 0 ? 0 : (-known.allowance * 1_000) / bytesPerSecond;
  }
}
