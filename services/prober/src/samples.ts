import type { ProberGap } from '@im/contract';
import type { Fact } from '@im/proof';

/** Shortest time without an arrival that is a gap, ms. */
const GAP_MS = 1_000;

/** Times without an arrival at any device. */
export function gapsOf(facts: readonly Fact[]): ProberGap[] {
  const arrivals = facts.flatMap((fact) => (fact.kind === 'got' ? [fact.at] : [])).sort((a, b) => a - b);
  return arrivals.flatMap((at, i) => {
    const ms = Math.round(at - (arrivals[i - 1] ?? at));
    return ms > GAP_MS ? [{ at: Math.round(at), ms }] : [];
  });
}

/** The value that a share of `values` do not exceed; 0 without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
