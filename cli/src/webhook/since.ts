/** Beginning of a span that ends now, ms since the epoch; 0 without a span. */
export function sinceTime(spanMs: number | undefined): number {
  return spanMs === undefined ? 0 : Math.round(Date.now() - spanMs);
}
