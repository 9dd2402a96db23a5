/** Most receivers of a page. */
const PAGE = 100;
/** Messages per second of a broadcast, so that it takes little of what a process can do. */
const PER_SECOND = 200;
/** Share of the tenant's own limit, so that its users have the rest. */
const QUOTA_SHARE = 0.5;

/** Messages per second of a broadcast of a tenant. @param quota of the tenant; 0: none */
export function paceOf(quota: number): number {
  return quota > 0 ? Math.min(PER_SECOND, Math.max(1, quota * QUOTA_SHARE)) : PER_SECOND;
}

/** Receivers of a page at a pace: those of half a second, as more at once would use up what others may send. */
export function pageSizeAt(perSecond: number): number {
  return Math.max(1, Math.min(PAGE, Math.floor(perSecond / 2)));
}
