/** After this long without success a delivery is dead. */
export const DAY_MS = 24 * 3_600_000;

const FIRST_MS = 5_000;
const LONGEST_MS = 6 * 3_600_000;
const FACTOR = 3;
/** Part by which waits vary, to both sides. */
const JITTER = 0.2;

/**
 * Wait before the next attempt, ms: 5 s, 15 s, 45 s and so on up to six hours, a fifth more or less. The receiver may
 * ask for more.
 * @param attempts made so far, at least 1.
 * @param pace part of the usual wait; for tests.
 */
export function waitAfter(
  attempts: number,
  retryAfterMs = 0,
  pace = 1,
  random: () => number = Math.random,
): number {
  const wait = pace * Math.min(LONGEST_MS, FIRST_MS * FACTOR ** Math.min(attempts - 1, 20));
  const varied = wait * (1 - JITTER + 2 * JITTER * random());
  return Math.round(Math.max(varied, Math.min(retryAfterMs, LONGEST_MS)));
}
