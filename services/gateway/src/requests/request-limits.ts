import { KeyedBuckets } from '@im/kit';
import type { Connection } from '../connection/connection.ts';

/** How much each connection may ask. */
export interface InputRateLimits {
  /** Frames per second; 0 means no limit. */
  readonly ratePerSecond: number;
  /** Frames at once. */
  readonly burst: number;
}

/** Interval at which throttled connections are checked, ms. */
const POLL_MS = 50;

/**
 * Limits what each connection may ask: requests, texts, pings and pongs alike, dear requests counting
 * more. A connection that exceeds them is not read for a while, so that TCP holds the client back:
 * nothing is refused, and no connection is closed. A bucket per connection, in two numbers of it; one
 * timer for all, and only while a connection is throttled.
 */
export class InputRate {
  readonly #throttled = new Set<Connection>();
  readonly #onThrottled: () => void;
  #limits: InputRateLimits;
  #timer: NodeJS.Timeout | undefined;

  /** @param onThrottled called each time that a connection is held back. */
  constructor(limits: InputRateLimits, onThrottled: () => void) {
    this.#limits = limits;
    this.#onThrottled = onThrottled;
  }

  /** Connections that are held back. */
  get size(): number {
    return this.#throttled.size;
  }

  /** Changes the limits for what comes from now on. */
  configure(limits: InputRateLimits): void {
    this.#limits = limits;
  }

  /** The connection has asked something. @param cost 1 for a usual frame. */
  charge(connection: Connection, cost: number, now: number = performance.now()): void {
    if (this.#limits.ratePerSecond === 0) return;
    this.#refill(connection, now);
    // The debt is bounded, so that reading goes on before the connection counts as silent.
    connection.allowance = Math.max(-this.#limits.burst, connection.allowance - cost);
    if (connection.allowance >= 0 || connection.throttled || !connection.open) return;
    connection.throttled = true;
    connection.webSocket.pause();
    this.#throttled.add(connection);
    this.#onThrottled();
    this.#timer ??= setTimeout(this.#poll, POLL_MS);
  }

  /** Ends all throttling. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#throttled.clear();
  }

  #refill(connection: Connection, now: number): void {
    const { ratePerSecond, burst } = this.#limits;
    if (connection.allowanceAt === 0) connection.allowance = burst;
    const gained = ((now - connection.allowanceAt) * ratePerSecond) / 1_000;
    connection.allowance = Math.min(burst, connection.allowance + gained);
    connection.allowanceAt = now;
  }

  readonly #poll = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const connection of this.#throttled) {
      this.#refill(connection, now);
      if (connection.open && connection.allowance < 0) continue;
      this.#throttled.delete(connection);
      connection.throttled = false;
      connection.resumeReading();
    }
    if (this.#throttled.size > 0) this.#timer = setTimeout(this.#poll, POLL_MS);
  };
}

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
