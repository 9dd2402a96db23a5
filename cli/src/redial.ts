const DELAYS_MS = [200, 500, 1_000, 2_000, 5_000] as const;

/** How long to wait before the given attempt (from 0) to connect again, in ms, with jitter of a quarter either way. */
export function redialDelayMs(attempt: number, random: () => number = Math.random): number {
  const base = DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)] ?? 0;
  return base * (0.75 + random() / 2);
}

/** Codes after which the same request may succeed later; the request itself was not at fault. */
const RETRYABLE = new Set([429, 500, 1601, 90_002, 90_004]);

/** Whether an error of the wire client may go away by itself: a lost or refused connection, an overloaded server. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  if (error.name === 'WireError') return typeof code === 'number' && RETRYABLE.has(code);
  return error.name === 'ConnectionLost' || typeof code === 'string';
}
