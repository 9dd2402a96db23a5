import type { Connection } from './connection.ts';

/** How much each connection may ask. */
export interface InputRateLimits {
  /** Frames per second; 0 means no limit. */
  readonly ratePerSecond: number;
  /** Frames at once. */
  readonly burst: number;
}

/** How often it is looked whether a connection may be read again, ms. */
const LOOK_MS = 50;

/**
 * Limits what each connection may ask: requests, texts, pings and pongs alike, dear requests counting
 * more. Who asks more is not read for a while, so that TCP holds the client back: nothing is refused,
 * and no connection is closed. A bucket per connection, in two numbers of it; one timer for all, and
 * only while someone is held back.
 */
export class InputRate {
  readonly #readOn: (connection: Connection) => void;
  readonly #throttled = new Set<Connection>();
  readonly #bit: () => void;
  #limits: InputRateLimits;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param readOn reads a connection again.
   * @param bit told each time that a connection is held back.
   */
  constructor(limits: InputRateLimits, readOn: (connection: Connection) => void, bit: () => void = () => {}) {
    this.#limits = limits;
    this.#readOn = readOn;
    this.#bit = bit;
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
    this.#bit();
    this.#timer ??= setTimeout(this.#look, LOOK_MS);
  }

  /** Holds back nobody any more. */
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

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const connection of this.#throttled) {
      this.#refill(connection, now);
      if (connection.open && connection.allowance < 0) continue;
      this.#throttled.delete(connection);
      connection.throttled = false;
      this.#readOn(connection);
    }
    if (this.#throttled.size > 0) this.#timer = setTimeout(this.#look, LOOK_MS);
  };
}
