import type { Counter, Metrics } from '@im/kit';

/** The counts of messages under the names that OpenIM's dashboards ask for. */
export function referenceMetrics(metrics: Metrics, sent: Counter<'session' | 'outcome'>): void {
  const sum = (session: string, succeeded: boolean) => () =>
    sent
      .get()
      .values.filter(({ labels }) => labels.session === session && (labels.outcome === 'ok') === succeeded);
  metrics.derived(
    'single_chat_msg_process_success_total',
    'Messages to users that were taken; OpenIM’s name',
    [],
    sum('single', true),
  );
  metrics.derived(
    'single_chat_msg_process_failed_total',
    'Messages to users that were refused; OpenIM’s name',
    [],
    sum('single', false),
  );
  metrics.derived(
    'group_chat_msg_process_success_total',
    'Messages to groups that were taken; OpenIM’s name',
    [],
    sum('group', true),
  );
  metrics.derived(
    'group_chat_msg_process_failed_total',
    'Messages to groups that were refused; OpenIM’s name',
    [],
    sum('group', false),
  );
}
