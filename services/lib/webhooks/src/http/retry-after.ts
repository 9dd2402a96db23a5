/** Longest wait that is believed, ms: a week. */
const LONGEST_MS = 7 * 24 * 3_600_000;
/** What dates begin with. */
const WEEKDAY = /^[A-Z][a-z]{2,8},? /;

/**
 * Wait that the value of a `Retry-After` header asks for, ms, at most a week; undefined without one, or for one that is neither
 * a number of seconds nor a date (RFC 9110, 10.2.3).
 */
export function retryAfter(header: string | null | undefined, now = Date.now()): number | undefined {
  const value = header?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, LONGEST_MS);
  // Other texts with digits pass for dates as well.
  const ms = WEEKDAY.test(value) ? Date.parse(value) - now : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_MS);
}
