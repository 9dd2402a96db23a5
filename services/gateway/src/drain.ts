import { sleep } from '@im/kit';
import type { Connection } from './connection.ts';
import type { CloseReason } from './metrics.ts';

/** Options of {@link Drain}. */
export interface DrainOptions {
  readonly reason: CloseReason;
  /** Most connections closed per second, unless the time left demands more; asked again at every step. */
  readonly maxPerSecond: () => number;
  /** Time within which all must be closed, ms. */
  readonly withinMs: number;
  /** Time before the first is closed, ms; none unless told. */
  readonly settleMs?: number;
}

const STEP_MS = 50;
/** Longest that a connection waits for the answer to the request that it is working on, ms. */
const REQUEST_GRACE_MS = 2_000;

function shuffled<T>(items: Iterable<T>): T[] {
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
export class Drain {
  readonly #connections: ReadonlySet<Connection>;
  readonly #options: DrainOptions;
  #beginsAt: number;
  #endsAt: number;
  #waiting: Connection[] | undefined;
  #answering: { readonly connection: Connection; readonly until: number }[] = [];
  #cancelled = false;

  /** @param connections those that are there when the first is closed are drained. */
  constructor(connections: ReadonlySet<Connection>, options: DrainOptions) {
    const now = performance.now();
    this.#connections = connections;
    this.#options = options;
    this.#beginsAt = now + (options.settleMs ?? 0);
    this.#endsAt = now + options.withinMs;
  }

  /** Resolves when each was told to close, or the drain was cancelled. */
  async run(): Promise<void> {
    while (performance.now() < this.#beginsAt && !this.#cancelled) await sleep(STEP_MS);
    const waiting = shuffled(this.#connections);
    this.#waiting = waiting;
    let allowed = 0;
    let before = performance.now() - STEP_MS;
    while (!this.#cancelled) {
      const now = performance.now();
      allowed += (now - before) * this.#perMs(now);
      before = now;
      for (; waiting.length > 0 && (allowed >= 1 || now >= this.#endsAt); allowed--) this.#take(now);
      this.#answering = this.#answering.filter(({ connection, until }) => {
        if (connection.busy && connection.open && now < until && now < this.#endsAt) return true;
        connection.close(this.#options.reason);
        return false;
      });
      if (waiting.length === 0 && this.#answering.length === 0) return;
      await sleep(STEP_MS);
    }
  }

  /** Time until the last is told to close at the present pace, ms. */
  get etaMs(): number {
    const now = performance.now();
    const left = this.#waiting?.length ?? this.#connections.size;
    if (left === 0) return 0;
    return Math.max(0, this.#beginsAt - now) + left / this.#perMs(Math.max(now, this.#beginsAt));
  }

  /** Sets the time within which all must be closed anew, counted from now. */
  within(ms: number): void {
    this.#endsAt = performance.now() + ms;
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
    const left = this.#waiting?.length ?? this.#connections.size;
    const demanded = left / Math.max(this.#endsAt - now, STEP_MS);
    return Math.max(this.#options.maxPerSecond() / 1_000, demanded);
  }

  #take(now: number): void {
    let connection = this.#waiting?.pop();
    // Those that went by themselves cost nothing.
    while (connection && !connection.open) connection = this.#waiting?.pop();
    if (connection?.busy) this.#answering.push({ connection, until: now + REQUEST_GRACE_MS });
    else connection?.close(this.#options.reason);
  }
}
