import type { Connection } from './connection.ts';
import type { CloseReason } from './metrics.ts';

/** Options of {@link drain}. */
export interface DrainOptions {
  readonly reason: CloseReason;
  /** Most connections closed per second, unless the time left demands more. */
  readonly maxPerSecond: number;
  /** Time within which all must be closed, ms. */
  readonly withinMs: number;
  /** Closes all that is left at once when it aborts. */
  readonly signal: AbortSignal;
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
export async function drain(connections: Iterable<Connection>, options: DrainOptions): Promise<void> {
  const { reason, maxPerSecond, withinMs, signal } = options;
  const waiting = shuffled(connections);
  const perMs = Math.max(maxPerSecond / 1_000, waiting.length / withinMs);
  const begun = performance.now();
  let answering: { readonly connection: Connection; readonly until: number }[] = [];
  let taken = 0;
  for (;;) {
    const now = performance.now();
    const due = signal.aborted ? Number.POSITIVE_INFINITY : (now - begun + STEP_MS) * perMs;
    while (taken < due) {
      const connection = waiting.pop();
      if (!connection) break;
      taken++;
      if (connection.busy) answering.push({ connection, until: now + REQUEST_GRACE_MS });
      else connection.close(reason);
    }
    answering = answering.filter(({ connection, until }) => {
      if (connection.busy && now < until && !signal.aborted) return true;
      connection.close(reason);
      return false;
    });
    if (waiting.length === 0 && answering.length === 0) return;
    await pause(signal);
  }
}

/** One step; ends at once when the signal aborts. */
async function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, STEP_MS);
  const onAbort = () => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', onAbort);
}
