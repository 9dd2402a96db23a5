import type { Counter, Metrics } from '@im/kit';

/** Counts what is handed over for delivery: by calls to the queue, and by the dispatcher for messages, which the log keeps. */
export function handedCounter(metrics: Metrics): Counter<'event' | 'outcome'> {
  return metrics.counter(
    'openim_webhook_handed_total',
    'After-webhooks handed over for delivery, by event and outcome',
    ['event', 'outcome'],
  );
}
