import type { Metrics } from '@im/kit';

/** What push counts. */
export function pushMetrics(metrics: Metrics) {
  const users = metrics.counter(
    'openim_push_users_total',
    'Users judged for an offline notification, by outcome: online, silenced, unreachable (no device), limited, failed (given up)',
    ['outcome'],
  );
  const devices = metrics.counter(
    'openim_push_devices_total',
    'Devices handed to push providers, by provider, outcome (taken, gone, later, refused) and reason',
    ['provider', 'outcome', 'reason'],
  );
  metrics.derived(
    'msg_offline_push_failed_total',
    'Devices that a provider refused, and users whose offline notification was given up; OpenIM’s name',
    [],
    () => {
      const refused = devices.get().values.filter(({ labels }) => labels.outcome === 'refused');
      const failed = users.get().values.filter(({ labels }) => labels.outcome === 'failed');
      const value = [...refused, ...failed].reduce((sum, one) => sum + one.value, 0);
      return value > 0 ? [{ labels: {}, value }] : [];
    },
  );
  return {
    users,
    devices,
    dropped: metrics.counter(
      'openim_push_dropped_total',
      'Deliveries given up before it was known whom to wake, by reason',
      ['reason'],
    ),
    late: metrics.counter(
      'msg_long_time_push_total',
      'Messages that were published for delivery more than 10 s after the log took them; OpenIM’s name',
    ),
    tokensRemoved: metrics.counter(
      'openim_push_tokens_removed_total',
      'Push tokens removed because their provider reported them as gone',
    ),
  };
}
export type PushMetrics = ReturnType<typeof pushMetrics>;
