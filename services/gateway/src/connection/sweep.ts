import { PLATFORM } from '@im/protocol';
import type { Connection } from './connection.ts';

/** Times of {@link Sweep}, all in ms. */
export interface SweepTimes {
  /** A connection that was silent for this long is closed. */
  readonly readTimeoutMs: number;
  /** Between pings to web clients, whose browsers can't send any themselves. */
  readonly pingIntervalMs: number;
  /** A closing connection that the client keeps open for this long is cut. */
  readonly closeTimeoutMs: number;
}

const INTERVAL_MS = 1_000;

/**
 * The one timer of all connections: once a second it looks at each, closes the silent ones, pings
 * web clients and cuts those that do not end. A few nanoseconds per connection, nothing to keep.
 */
export class Sweep {
  readonly #connections: Iterable<Connection>;
  readonly #times: SweepTimes;
  #timer: NodeJS.Timeout | undefined;

  constructor(connections: Iterable<Connection>, times: SweepTimes) {
    this.#connections = connections;
    this.#times = times;
  }

  start(): void {
    this.#timer = setInterval(() => this.run(performance.now()), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks at every connection. @param now ms of the monotonic clock. */
  run(now: number): void {
    const { readTimeoutMs, pingIntervalMs, closeTimeoutMs } = this.#times;
    for (const connection of this.#connections) {
      const { closingSince } = connection;
      if (closingSince !== undefined) {
        if (now - closingSince >= closeTimeoutMs) connection.destroy('timeout');
        continue;
      }
      // A connection whose request is being worked on may be one that is not read meanwhile.
      if (!connection.busy && now - connection.lastSeen >= readTimeoutMs) {
        connection.destroy('timeout');
      } else if (connection.platformID === PLATFORM.Web && now - connection.lastPing >= pingIntervalMs) {
        connection.lastPing = now;
        connection.ping();
      }
    }
  }
}
