/** From when on something is a warning, or critical. */
export const THRESHOLDS = {
  /** Parts of a disk or a store's space that are used. */
  spaceUsed: { warning: 0.8, critical: 0.95 },
  /** Parts of the memory of a machine that are available. */
  memoryFree: { warning: 0.1, critical: 0.03 },
  /** Difference of clocks, ms. Tokens of a minute and presigned URLs of S3 (15 min) suffer first. */
  clockMs: { warning: 2_000, critical: 60_000 },
  /** Time until a certificate expires, ms. */
  certificateMs: { warning: 21 * 86_400_000, critical: 3 * 86_400_000 },
  /** File descriptors that a process may open. */
  descriptors: { warning: 65_536, critical: 4_096 },
  /** Parts of these that are open. */
  descriptorsUsed: { warning: 0.7, critical: 0.9 },
  /** How late the event loop of a process is, ms. */
  eventLoopMs: { warning: 200, critical: 2_000 },
} as const;

/** @returns which of two thresholds a value has reached. */
export function reached(
  value: number,
  { warning, critical }: { readonly warning: number; readonly critical: number },
): 'ok' | 'warning' | 'critical' {
  const isBeyond =
    critical >= warning ? (limit: number) => value >= limit : (limit: number) => value <= limit;
  if (isBeyond(critical)) return 'critical';
  return isBeyond(warning) ? 'warning' : 'ok';
}
