import { NO_PROBER_COUNTS, type ProberCounts, type ProberTotals } from '@im/contract';
import type { Metrics } from '@im/kit';

/** What the prober exports. */
export interface ProberMetrics {
  /** Sets the counts of all judged rounds; before the first one, nothing was sent that would have to be judged. */
  totals(totals: ProberTotals): void;
  /** A message took this long to be acknowledged, s. */
  acknowledged(seconds: number): void;
  /** Nothing arrived for this long, s. */
  gap(seconds: number): void;
}

const COUNTS = Object.keys(NO_PROBER_COUNTS) as (keyof ProberCounts)[];

/** Registers the metrics of the prober. */
export function proberMetrics(metrics: Metrics): ProberMetrics {
  const messages = metrics.gauge(
    'openim_prober_messages',
    'Checked messages of the prober since its first start, by outcome: sent, acknowledged, received, lost, duplicated, reordered, refused, other',
    ['outcome'],
  );
  const judgedUntil = metrics.gauge(
    'openim_prober_judged_until_seconds',
    'Messages that the prober sent until this time are judged, seconds since the epoch',
  );
  const acknowledge = metrics.histogram(
    'openim_prober_acknowledge_seconds',
    'From sending a message of the prober to its acknowledgement, repetitions included',
    [],
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  );
  const gap = metrics.gauge(
    'openim_prober_longest_gap_seconds',
    'Longest time without an arrival at any user of the prober in the last judged round',
  );
  return {
    totals(totals) {
      for (const outcome of COUNTS) messages.set({ outcome }, totals[outcome]);
      judgedUntil.set(Math.max(totals.judgedUntil, totals.since) / 1_000);
    },
    acknowledged: (seconds) => acknowledge.observe(seconds),
    gap: (seconds) => gap.set(seconds),
  };
}
