import type { Metrics } from '@im/kit';

/** Buckets for the age of a delivery in seconds, 10 ms to a day. */
const AGE_BUCKETS: readonly number[] = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3_600, 21_600, 86_400];

/** What dispatchers count. */
export type DispatchMetrics = ReturnType<typeof dispatchMetrics>;

/** The metrics of a process's dispatcher. */
export function dispatchMetrics(metrics: Metrics) {
  return {
    /** `delivered`, `failed` (comes again), `dead`, `off`, `gone`. */
    outcomes: metrics.counter(
      'openim_webhook_deliveries_total',
      'Attempts at after-webhooks and what became of deliveries, by event and outcome: failed ones come again, dead ones do not',
      ['event', 'outcome'],
    ),
    age: metrics.histogram(
      'openim_webhook_delivery_age_seconds',
      'Age of after-webhooks when their receiver took them',
      [],
      AGE_BUCKETS,
    ),
    dropped: metrics.counter(
      'openim_webhook_dropped_total',
      'After-webhooks that are no longer kept, by reason',
      ['reason'],
    ),
  };
}
