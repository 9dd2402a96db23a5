import type { Counter, Metrics } from '@im/kit';

/** Counts what is handed to the queue of deliveries: by calls, and by the dispatcher for messages. */
export function handedCounter(metrics: Metrics): Counter<'event' | 'outcome'> {
  return metrics.counter(
    'openim_webhook_handed_total',
    'After-webhooks handed to the queue of deliveries, by event and outcome',
    ['event', 'outcome'],
  );
}
