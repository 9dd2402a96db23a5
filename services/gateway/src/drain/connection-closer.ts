import { sleep } from '@im/kit';
import type { Connection } from '../connection/connection.ts';
import type { CloseReason } from '../metrics.ts';

export interface CloserOptions {
  readonly reason: CloseReason;
  /** Most connections closed per second, unless the time left demands more; asked again at every step. */
  readonly maxPerSecond: () => number;
  /** Time within which all must be closed, ms. @default no limit */
  readonly withinMs?: number;
  /** Time before the first is closed, ms. @default 0 */
  readonly settleMs?: number;
  /** Called for each connection before its close. */
  readonly onClosing?: (connection: Connection) => void;
}

const STEP_MS = 50;
/** Longest that a connection waits for the answer to the request that it is working on, ms. */
const REQUEST_GRACE_MS = 2_000;

/** A copy in random order. */
export function shuffled<T>(items: Iterable<T>): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    const swap = list[i] as T;
    list[i] = list[j] as T;
    list[j] = swap;
  }
  return list;
}

/**
 * Closes connections in random order at an even pace, because clients dial again at once: the
 * gateways that take them shall not be hit all at once. Each is closed behind what is queued for it
 * and behind the answer it waits for.
 */
export class ConnectionCloser {
  readonly #connections: ReadonlySet<Connection>;
  readonly #options: CloserOptions;
  #beginsAt: number;
  #endsAt: number;
  #waiting: Connection[] | undefined;
  #answering: { readonly connection: Connection; readonly until: number }[] = [];
  #cancelled = false;

  /** @param connections those in the set when the first is closed are closed. */
  constructor(connections: ReadonlySet<Connection>, options: CloserOptions) {
    const now = performance.now();
    this.#connections = connections;
    this.#options = options;
    this.#beginsAt = now + (options.settleMs ?? 0);
    this.#endsAt = now + (options.withinMs ?? Number.POSITIVE_INFINITY);
  }

  /** Resolves when the close of each has started, or after {@link cancel}. */
  async run(): Promise<void> {
    while (performance.now() < this.#beginsAt && !this.#cancelled) await sleep(STEP_MS);
    this.#waiting ??= shuffled(this.#connections);
    let allowed = 0;
    let before = performance.now() - STEP_MS;
    while (!this.#cancelled) {
      const now = performance.now();
      allowed += (now - before) * this.#perMs(now);
      before = now;
      for (; this.remaining > 0 && (allowed >= 1 || now >= this.#endsAt); allowed--) this.#take(now);
      this.#answering = this.#answering.filter(({ connection, until }) => {
        if (connection.busy && connection.open && now < until && now < this.#endsAt) return true;
        connection.close(this.#options.reason);
        return false;
      });
      if (this.remaining === 0 && this.#answering.length === 0) return;
      await sleep(STEP_MS);
    }
  }

  /** Connections whose turn has not come yet. */
  get remaining(): number {
    return this.#waiting?.length ?? this.#connections.size;
  }

  /** Time until the close of the last begins at the present pace, ms. */
  get etaMs(): number {
    if (this.remaining === 0) return 0;
    const now = performance.now();
    return Math.max(0, this.#beginsAt - now) + this.remaining / this.#perMs(now);
  }

  /** Connections closed per second at present, or as soon as the first is closed. */
  get perSecond(): number {
    return this.remaining === 0 ? 0 : this.#perMs(performance.now()) * 1_000;
  }

  /** Replaces the time within which all must be closed, counted from now. */
  within(ms: number): void {
    this.#endsAt = performance.now() + ms;
  }

  /** Replaces those whose turn has not come yet; has no effect once {@link run} has resolved. */
  replace(connections: Iterable<Connection>): void {
    this.#waiting = shuffled(connections);
  }

  /** Begins to close now, whatever `settleMs` said. */
  begin(): void {
    this.#beginsAt = Math.min(this.#beginsAt, performance.now());
  }

  /** Leaves those that are still open. */
  cancel(): void {
    this.#cancelled = true;
  }

  #perMs(now: number): number {
    const demanded = this.remaining / Math.max(this.#endsAt - Math.max(now, this.#beginsAt), STEP_MS);
    return Math.max(this.#options.maxPerSecond() / 1_000, demanded);
  }

  #take(now: number): void {
    let connection = this.#waiting?.pop();
    // Those that went by themselves cost nothing.
    while (connection && !connection.open) connection = this.#waiting?.pop();
    if (!connection) return;
    this.#options.onClosing?.(connection);
    if (connection.busy) this.#answering.push({ connection, until: now + REQUEST_GRACE_MS });
    else connection.close(this.#options.reason);
  }
}
