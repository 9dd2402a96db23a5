import type { BusDeps } from './types.ts';

/** Sizes of a feed at the time of asking. */
export interface FeedSizes {
  readonly subjects: () => number;
  readonly waiting: () => number;
  readonly waitingBytes: () => number;
  readonly remembered: () => number;
}

/** Registers the metrics of a feed. @returns its counters. */
export function feedMetrics({ metrics }: BusDeps, sizes: FeedSizes) {
  metrics.observe('openim_feed_subjects', 'Users and groups that deliveries are awaited for', sizes.subjects);
  metrics.observe('openim_feed_waiting', 'Deliveries that wait for a replay', sizes.waiting);
  metrics.observe(
    'openim_feed_waiting_bytes',
    'Bytes of deliveries that wait for a replay, or for a group just joined to be caught up on',
    sizes.waitingBytes,
  );
  metrics.observe(
    'openim_feed_remembered',
    'Conversations whose last forwarded place is remembered, to drop copies',
    sizes.remembered,
  );
  return {
    forwarded: metrics.counter('openim_feed_forwarded_total', 'Deliveries forwarded'),
    dropped: metrics.counter('openim_feed_dropped_total', 'Deliveries dropped: copies, stale, faulty', [
      'reason',
    ]),
    replays: metrics.counter('openim_feed_replays_total', 'Times that deliveries may have been missed'),
    replayed: metrics.counter('openim_feed_replayed_total', 'Kept deliveries looked at in replays'),
    gaps: metrics.counter('openim_feed_gaps_total', 'Deliveries missed for good'),
  };
}
