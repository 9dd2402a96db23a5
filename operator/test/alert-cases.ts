import type { ClusterName } from '../src/resources/monitoring/metric-selector.ts';

/** The cluster of all cases. */
export const CLUSTER: ClusterName = { name: 'chat', namespace: 'im' };

/** Values of series by their selectors, in promtool's notation: `0x20` is 0 and twenty more, `0+3x20` rises by 3 a minute. */
export type SeriesValues = Readonly<Record<string, string>>;

/** How one alert is tested; each case changes series of {@link HEALTHY}. */
export interface AlertCase {
  readonly fires: SeriesValues;
  /** Another fault that fires it. */
  readonly firesToo?: SeriesValues;
  /** What nearly fires it. */
  readonly quiet: SeriesValues;
  /** Minute from which on it fires. */
  readonly at: number;
  /** Further alerts that the same fault fires. */
  readonly also?: readonly string[];
}

const series = (metric: string, role: string, labels: Readonly<Record<string, string>> = {}) => {
  const all = {
    namespace: CLUSTER.namespace,
    openim_cluster: CLUSTER.name,
    role,
    pod: `chat-${role}-1`,
    ...labels,
  };
  const text = Object.entries(all).map(([name, value]) => `${name}="${value}"`);
  return `${metric}{${text.join(',')}}`;
};
const ofOperator = (metric: string, figure: string) =>
  `${metric}{namespace="im",cluster="chat",tenant="acme",figure="${figure}"}`;

const ROLES = ['gateway', 'api', 'rpc', 'transfer', 'push', 'cron', 'prober'] as const;
/** Longer than any case. */
const MINUTES = 60;
const steady = (value: number) => `${value}x${MINUTES}`;
/** A counter or a time that rises by so much a minute. */
const rising = (perMinute: number, from = 0) => `${from}+${perMinute}x${MINUTES}`;
/** A value that changes once, in this minute. */
const changing = (before: number, after: number, minute: number) =>
  `${before}x${minute - 1} ${after}x${MINUTES - minute}`;

const bucket = (le: string) => series('openim_gateway_request_seconds_bucket', 'gateway', { le });
const answers = (code: string) => series('openim_gateway_answers_total', 'gateway', { id: '1003', code });
const devices = (outcome: string, reason: string) =>
  series('openim_push_devices_total', 'push', { provider: 'fcm', outcome, reason });
const prober = (outcome: string) => series('openim_prober_messages', 'prober', { outcome });
const webhooks = (outcome: string) =>
  series('openim_webhook_deliveries_total', 'push', { event: 'afterSendMsg', outcome });
const smsMail = (outcome: string) =>
  series('openim_sms_mail_sends_total', 'rpc', { provider: 'smtp', outcome });
const cronRuns = (result: string) =>
  series('openim_cron_runs_total', 'cron', { exported_job: 'expire', result });
const refusedAppends = (reason: string) => series('openim_log_append_refused_total', 'rpc', { reason });
const refusedConnections = (reason: string) => series('openim_gateway_refused_total', 'gateway', { reason });

/** A cluster that nothing is wrong with, for an hour. */
export const HEALTHY: SeriesValues = {
  ...Object.fromEntries(
    ROLES.flatMap((role) => [
      [series('up', role), steady(1)],
      [series('openim_bus_up', role), steady(1)],
      [series('openim_store_mongo_up', role), steady(1)],
      [series('openim_store_redis_up', role), steady(1)],
      [series('openim_store_redis_breaker_open', role), steady(0)],
      [series('nodejs_eventloop_lag_p99_seconds', role), steady(0.02)],
      [series('openim_config_unusable', role), steady(0)],
      [series('openim_tenants_invalid', role), steady(0)],
      [series('openim_background_failures_total', role, { task: 'presence' }), steady(2)],
    ]),
  ),
  [series('up', 'gateway', { pod: 'chat-gateway-2' })]: steady(1),
  [answers('0')]: rising(6_000),
  [answers('1001')]: rising(600),
  [answers('90004')]: steady(3),
  [bucket('0.1')]: rising(6_000),
  [bucket('1')]: rising(6_600),
  [bucket('10')]: rising(6_600),
  [bucket('+Inf')]: rising(6_600),
  [refusedAppends('full')]: steady(7),
  [refusedAppends('size')]: rising(30),
  [refusedConnections('full')]: steady(7),
  [refusedConnections('tenant')]: rising(600),
  [series('openim_gateway_connections', 'gateway', { platform: '1', encoding: 'js' })]: steady(4_000),
  [series('openim_gateway_connections', 'gateway', { platform: '2', encoding: 'go' })]: steady(4_000),
  [series('openim_transfer_lag_records', 'transfer')]: steady(20),
  [series('openim_transfer_partitions', 'transfer')]: steady(64),
  [series('openim_transfer_parked_tenants', 'transfer')]: steady(0),
  [series('openim_transfer_parked_conversations', 'transfer')]: steady(0),
  [series('openim_transfer_dead_letters_total', 'transfer')]: steady(4),
  [series('openim_log_used_ratio', 'rpc')]: steady(0.2),
  [series('openim_feed_gaps_total', 'gateway')]: steady(2),
  [series('openim_webhook_switched_off', 'push')]: steady(0),
  [webhooks('dead')]: `_x${MINUTES}`,
  [webhooks('failed')]: rising(5),
  [devices('taken', '')]: rising(95),
  [devices('refused', 'quota')]: rising(5),
  [smsMail('taken')]: rising(5),
  [smsMail('credentials')]: `_x${MINUTES}`,
  [cronRuns('error')]: steady(3),
  [cronRuns('ok')]: rising(1),
  [ofOperator('openim_operator_tenant_usage', 'users')]: steady(500),
  [ofOperator('openim_operator_tenant_quota', 'users')]: steady(1_000),
  [prober('sent')]: rising(120),
  [prober('lost')]: steady(0),
  [prober('duplicated')]: steady(0),
  [prober('reordered')]: steady(0),
  // The time of a test begins at 0.
  [series('openim_prober_judged_until_seconds', 'prober')]: rising(60),
};

const everyRole = (metric: string, values: string) =>
  Object.fromEntries(ROLES.map((role) => [series(metric, role), values]));
const ofRole = (role: string, values: string) => ({ [series('up', role)]: values });

/** A fault, and one that is nearly one, for each alert. */
export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  OpenIMRoleDown: {
    fires: ofRole('transfer', changing(1, 0, 20)),
    // A single one, and shorter than it must last.
    quiet: { ...ofRole('gateway', '1x20 0x3 1x90'), ...ofRole('api', '1x20 0 1x90') },
    at: 26,
    also: ['OpenIMProcessDown'],
  },
  OpenIMProcessDown: {
    fires: ofRole('gateway', changing(1, 0, 20)),
    quiet: ofRole('gateway', '1x20 0x3 1x90'),
    at: 26,
  },
  OpenIMNATSUnreachable: {
    fires: everyRole('openim_bus_up', changing(1, 0, 20)),
    quiet: everyRole('openim_bus_up', '1x20 0 1x90'),
    at: 22,
  },
  OpenIMMongoDBUnreachable: {
    fires: { [series('openim_store_mongo_up', 'transfer')]: changing(1, 0, 20) },
    quiet: { [series('openim_store_mongo_up', 'transfer')]: '1x20 0 1x90' },
    at: 22,
  },
  OpenIMRedisUnreachable: {
    fires: { [series('openim_store_redis_breaker_open', 'rpc')]: changing(0, 1, 20) },
    quiet: { [series('openim_store_redis_up', 'rpc')]: '1x20 0x1 1x90' },
    at: 23,
  },
  OpenIMRequestsFailing: {
    fires: { [answers('90004')]: rising(300) },
    quiet: { [answers('90004')]: rising(100) },
    at: 20,
  },
  OpenIMRequestsSlow: {
    fires: { [bucket('1')]: rising(6_400) },
    quiet: { [bucket('1')]: rising(6_580) },
    at: 30,
  },
  OpenIMSendsRefused: {
    fires: { [refusedAppends('full')]: rising(3) },
    quiet: { [refusedAppends('size')]: rising(3_000) },
    at: 20,
  },
  OpenIMConnectionsRefused: {
    fires: { [refusedConnections('full')]: rising(60) },
    quiet: { [refusedConnections('full')]: rising(5), [refusedConnections('tenant')]: rising(6_000) },
    at: 20,
  },
  OpenIMGatewayFull: {
    fires: {
      [series('openim_gateway_connections', 'gateway', { platform: '2', encoding: 'go' })]: steady(5_001),
    },
    quiet: {
      [series('openim_gateway_connections', 'gateway', { platform: '2', encoding: 'go' })]: steady(4_999),
    },
    at: 6,
  },
  OpenIMDeliveryLagging: {
    fires: { [series('openim_transfer_lag_records', 'transfer')]: steady(10_001) },
    quiet: { [series('openim_transfer_lag_records', 'transfer')]: steady(10_000) },
    at: 6,
  },
  OpenIMPartitionsUnread: {
    fires: { [series('openim_transfer_partitions', 'transfer')]: changing(64, 63, 20) },
    quiet: { [series('openim_transfer_partitions', 'transfer')]: '64x20 0x1 64x90' },
    at: 24,
  },
  OpenIMLogFilling: {
    fires: { [series('openim_log_used_ratio', 'rpc')]: steady(0.7) },
    quiet: { [series('openim_log_used_ratio', 'rpc')]: steady(0.69) },
    at: 6,
  },
  OpenIMMessagesParked: {
    fires: { [series('openim_transfer_parked_conversations', 'transfer')]: changing(0, 1, 20) },
    quiet: { [series('openim_transfer_parked_tenants', 'transfer')]: '0x20 1x3 0x90' },
    at: 26,
  },
  OpenIMDeadLetters: {
    fires: { [series('openim_transfer_dead_letters_total', 'transfer')]: changing(4, 5, 20) },
    // A process that was started again counts from 0.
    quiet: { [series('openim_transfer_dead_letters_total', 'transfer')]: changing(4, 0, 20) },
    at: 21,
  },
  OpenIMDeliveriesMissed: {
    fires: { [series('openim_feed_gaps_total', 'gateway')]: changing(2, 4, 20) },
    quiet: { [series('openim_feed_gaps_total', 'gateway')]: changing(2, 0, 20) },
    at: 21,
  },
  OpenIMEventLoopBlocked: {
    fires: { [series('nodejs_eventloop_lag_p99_seconds', 'rpc')]: steady(0.21) },
    quiet: { [series('nodejs_eventloop_lag_p99_seconds', 'rpc')]: '0.5x8 0.1x90' },
    at: 11,
  },
  OpenIMConfigUnusable: {
    fires: { [series('openim_config_unusable', 'api')]: steady(1) },
    quiet: { [series('openim_config_unusable', 'api')]: '1x3 0x90' },
    at: 6,
  },
  OpenIMTenantsInvalid: {
    fires: { [series('openim_tenants_invalid', 'rpc')]: steady(2) },
    quiet: { [series('openim_tenants_invalid', 'rpc')]: '2x8 0x90' },
    at: 11,
  },
  OpenIMWebhooksGivenUp: {
    fires: { [webhooks('dead')]: '_x20 1x40' },
    quiet: { [webhooks('failed')]: rising(500) },
    at: 21,
  },
  OpenIMPushFailing: {
    fires: { [devices('refused', 'quota')]: rising(15) },
    quiet: { [devices('refused', 'quota')]: rising(9) },
    at: 40,
  },
  OpenIMVerificationRefused: {
    // The first one ever: before, there is no series.
    fires: { [smsMail('credentials')]: '_x20 1x40' },
    quiet: { [smsMail('taken')]: rising(500) },
    at: 21,
  },
  OpenIMJobFailing: {
    fires: { [cronRuns('error')]: '3x20 4x5 5x5 6x5 7x30' },
    quiet: { [cronRuns('error')]: '3x20 4x40' },
    at: 40,
  },
  OpenIMTasksFailing: {
    fires: { [series('openim_background_failures_total', 'rpc', { task: 'presence' })]: rising(2) },
    quiet: { [series('openim_background_failures_total', 'rpc', { task: 'presence' })]: '2x20 8x90' },
    at: 25,
  },
  OpenIMTenantQuotaNearlyUsed: {
    fires: { [ofOperator('openim_operator_tenant_usage', 'users')]: steady(901) },
    quiet: { [ofOperator('openim_operator_tenant_usage', 'users')]: steady(900) },
    at: 16,
  },
  OpenIMMessagesLost: {
    fires: { [prober('lost')]: changing(0, 1, 20) },
    // Its first round ever.
    firesToo: { [prober('duplicated')]: '_x20 1x40' },
    quiet: { [prober('duplicated')]: '_x20 0x40' },
    at: 21,
  },
  OpenIMProberSilent: {
    fires: { [series('openim_prober_judged_until_seconds', 'prober')]: '0+60x20 1200x90' },
    quiet: { [series('openim_prober_judged_until_seconds', 'prober')]: '0+60x20 1200x3 1500+60x90' },
    at: 30,
  },
};

/** The last minute of every case. */
export const LAST_MINUTE = 40;
