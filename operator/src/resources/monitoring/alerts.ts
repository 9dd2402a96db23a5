import { LOG_SHARE, PARTITIONS } from '@im/contract';
import type { EffectiveSpec } from '../effective.ts';
import { PROBER, ROLES } from '../names.ts';
import {
  type ClusterName,
  ofRole,
  operatorSelectorsOf,
  SERIES_LABELS,
  selectorsOf,
} from './metric-selector.ts';

/** How urgent an alert is: `critical` wakes a person, `warning` waits for working hours. */
export type Severity = 'critical' | 'warning';

/** A condition of a cluster that a person should know about. */
export interface Alert {
  /** CamelCase, beginning with `OpenIM`; rules of several roles share one. */
  readonly name: string;
  readonly severity: Severity;
  /** A PromQL expression with a result for each thing that is wrong, and none when all is well. */
  readonly expr: string;
  /** Minutes for which it must hold. */
  readonly forMinutes: number;
  /** One sentence; may use labels and value of the result. */
  readonly summary: string;
  /** What it means for users. */
  readonly description: string;
  /** Labels in addition to those of every alert. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The part of a spec that alerts depend on. */
export type AlertedSpec = Pick<EffectiveSpec, 'prober'> & {
  readonly gateway: Pick<EffectiveSpec['gateway'], 'maxConnectionsPerPod'>;
};

/** Codes of answers that are the fault of the server, or of what it depends on. */
const SERVER_FAULTS = '500|90004';
/** Share of requests that may fail by a fault of the server. */
const FAILED_SHARE = 0.02;
const REQUEST_SECONDS = 1;
const LAG_RECORDS = 10_000;
const EVENT_LOOP_SECONDS = 0.2;
/** Time in which the prober judges a message, even after an outage of half a minute, s. */
const JUDGED_SECONDS = 180;
/** Shares of a limit from which on it is nearly used up. */
const NEARLY = 0.9;

/** All alerts of a cluster, the ones about what users notice first. */
export function alertsOf(owner: ClusterName, spec: AlertedSpec): Alert[] {
  const select = selectorsOf(owner);
  const ofOperator = operatorSelectorsOf(owner);
  const increased = (metric: string, minutes: number, matchers?: string) =>
    `increase(${select(metric, matchers)}[${minutes}m])`;
  /** Also of a series that is new: a counter with labels begins with its first event. */
  const happened = (metric: string, matchers: string) => {
    const series = select(metric, matchers);
    return `(increase(${series}[15m]) > 0 or (${series} unless ${series} offset 15m) > 0)`;
  };
  const perSecond = (metric: string, matchers?: string) => `sum(rate(${select(metric, matchers)}[5m]))`;
  return [
    ...ROLES.map(
      (role): Alert => ({
        name: 'OpenIMRoleDown',
        severity: role === 'push' || role === 'cron' ? 'warning' : 'critical',
        expr: `absent(${select('up', ofRole(role))} == 1)`,
        forMinutes: 3,
        summary: `No process of role ${role} can be scraped.`,
        description: ROLE_DOWN[role],
        labels: { [SERIES_LABELS.role]: role },
      }),
    ),
    {
      name: 'OpenIMProcessDown',
      severity: 'warning',
      expr: `${select('up')} == 0`,
      forMinutes: 5,
      summary: 'Pod {{ $labels.pod }} ({{ $labels.role }}) cannot be scraped.',
      description:
        'The process hangs, or has ended and does not start. Others of its role serve in its place.',
    },
    {
      name: 'OpenIMNATSUnreachable',
      severity: 'critical',
      expr: `count by (role) (${select('openim_bus_up')} == 0)`,
      forMinutes: 1,
      summary: '{{ $value }} processes of role {{ $labels.role }} have no connection to NATS.',
      description:
        'Without NATS no message is accepted or delivered: sends are refused with a retryable error. Nothing acknowledged is lost.',
    },
    {
      name: 'OpenIMMongoDBUnreachable',
      severity: 'critical',
      expr: `count by (role) (${select('openim_store_mongo_up')} == 0)`,
      forMinutes: 1,
      summary: '{{ $value }} processes of role {{ $labels.role }} know no MongoDB server that takes writes.',
      description:
        'Messages are accepted into the log, but stored and delivered only when MongoDB is back; logins, groups and history fail.',
    },
    {
      name: 'OpenIMRedisUnreachable',
      severity: 'warning',
      expr: `count by (role) (${select('openim_store_redis_up')} == 0 or ${select('openim_store_redis_breaker_open')} == 1)`,
      forMinutes: 2,
      summary: '{{ $value }} processes of role {{ $labels.role }} do without Redis.',
      description:
        'Caches are bypassed, so that MongoDB has more load; presence and some limits are not exact.',
    },
    {
      name: 'OpenIMRequestsFailing',
      severity: 'critical',
      expr: `${perSecond('openim_gateway_answers_total', `code=~"${SERVER_FAULTS}"`)} / ${perSecond('openim_gateway_answers_total')} > ${FAILED_SHARE}`,
      forMinutes: 5,
      summary:
        '{{ $value | humanizePercentage }} of the requests over WebSocket fail by a fault of the server.',
      description: 'Clients repeat what they send; users see messages that stay in "sending".',
    },
    {
      name: 'OpenIMRequestsSlow',
      severity: 'warning',
      expr: `histogram_quantile(0.99, sum by (le) (rate(${select('openim_gateway_request_seconds_bucket')}[5m]))) > ${REQUEST_SECONDS}`,
      forMinutes: 10,
      summary: 'One of a hundred requests over WebSocket takes more than {{ $value | humanizeDuration }}.',
      description: 'Sending and synchronization feel slow.',
    },
    {
      name: 'OpenIMSendsRefused',
      severity: 'critical',
      expr: `sum by (reason) (rate(${select('openim_log_append_refused_total', 'reason!="size"')}[5m])) > 0`,
      forMinutes: 5,
      summary: 'The message log refuses messages ({{ $labels.reason }}).',
      description: 'Sends fail with a retryable error until the log takes messages again.',
    },
    {
      name: 'OpenIMConnectionsRefused',
      severity: 'critical',
      expr: `sum by (reason) (rate(${select('openim_gateway_refused_total', 'reason=~"full|rate|unavailable"')}[5m])) > 0.1`,
      forMinutes: 5,
      summary: 'Gateways refuse {{ $value | humanize }} connections per second ({{ $labels.reason }}).',
      description: 'Users cannot connect, or have to try several times.',
    },
    {
      name: 'OpenIMGatewayFull',
      severity: 'warning',
      expr: `sum by (pod) (${select('openim_gateway_connections')}) > ${Math.floor(spec.gateway.maxConnectionsPerPod * NEARLY)}`,
      forMinutes: 5,
      summary: `Gateway {{ $labels.pod }} has {{ $value }} of ${spec.gateway.maxConnectionsPerPod} connections.`,
      description:
        'At the limit it refuses connections, which then go to other gateways, if these have room.',
    },
    {
      name: 'OpenIMDeliveryLagging',
      severity: 'critical',
      expr: `sum(${select('openim_transfer_lag_records')}) > ${LAG_RECORDS}`,
      forMinutes: 5,
      summary: '{{ $value }} accepted messages are not stored and delivered yet.',
      description: 'Messages arrive late. None are lost.',
    },
    {
      name: 'OpenIMPartitionsUnread',
      severity: 'critical',
      expr: `sum(${select('openim_transfer_partitions')}) < ${PARTITIONS}`,
      forMinutes: 3,
      summary: `{{ $value }} of ${PARTITIONS} partitions of the message log have a consumer.`,
      description:
        'Messages in the other partitions are accepted, but neither stored nor delivered until a transfer process takes them over.',
    },
    {
      name: 'OpenIMLogFilling',
      severity: 'warning',
      expr: `max(${select('openim_log_used_ratio')}) >= ${LOG_SHARE.alarm}`,
      forMinutes: 5,
      summary: 'The message log is {{ $value | humanizePercentage }} full.',
      description: `From ${LOG_SHARE.refuse * 100} % on, sends are refused with a retryable error.`,
    },
    {
      name: 'OpenIMMessagesParked',
      severity: 'critical',
      expr: `sum(${select('openim_transfer_parked_tenants')}) + sum(${select('openim_transfer_parked_conversations')}) > 0`,
      forMinutes: 5,
      summary: 'Messages of {{ $value }} tenants or conversations cannot be stored and wait.',
      description: 'Their users get no new messages; all others are served.',
    },
    {
      name: 'OpenIMDeadLetters',
      severity: 'critical',
      expr: `sum(${increased('openim_transfer_dead_letters_total', 15)}) > 0`,
      forMinutes: 0,
      summary: '{{ $value | humanize }} accepted messages could not be stored in the last 15 minutes.',
      description:
        'MongoDB refused them permanently. They are kept in the collection dead_letter, and their recipients do not have them.',
    },
    {
      name: 'OpenIMDeliveriesMissed',
      severity: 'warning',
      expr: `sum by (pod) (${increased('openim_feed_gaps_total', 15)}) > 0`,
      forMinutes: 0,
      summary: 'Gateway {{ $labels.pod }} missed deliveries that could not be replayed.',
      description:
        'It made its clients reconnect and synchronize, so that no message is missing; it costs load.',
    },
    {
      name: 'OpenIMEventLoopBlocked',
      severity: 'warning',
      expr: `${select('nodejs_eventloop_lag_p99_seconds')} > ${EVENT_LOOP_SECONDS}`,
      forMinutes: 10,
      summary: 'Pod {{ $labels.pod }} ({{ $labels.role }}) reacts {{ $value | humanizeDuration }} late.',
      description: 'The process has more to do than one core can, or its CPU is throttled.',
    },
    {
      name: 'OpenIMConfigUnusable',
      severity: 'warning',
      expr: `${select('openim_config_unusable')} == 1`,
      forMinutes: 5,
      summary: 'Pod {{ $labels.pod }} ({{ $labels.role }}) cannot use its changed config.',
      description: 'The previous settings stay in force; after a restart it would not start.',
    },
    {
      name: 'OpenIMTenantsInvalid',
      severity: 'warning',
      expr: `max(${select('openim_tenants_invalid')}) > 0`,
      forMinutes: 10,
      summary: '{{ $value }} tenants have invalid settings.',
      description: 'Each of them keeps its previous settings, or is not served; all others are.',
    },
    {
      name: 'OpenIMWebhooksGivenUp',
      severity: 'warning',
      expr: `sum(${happened('openim_webhook_deliveries_total', 'outcome="dead"')}) or max(${select('openim_webhook_switched_off')}) > 0`,
      forMinutes: 0,
      summary: 'Webhooks of at least one tenant were given up.',
      description:
        "The tenant's receiver does not get events until it is repaired; messages are not affected.",
    },
    {
      name: 'OpenIMPushFailing',
      severity: 'warning',
      expr: `sum by (provider, reason) (rate(${select('openim_push_devices_total', 'outcome="refused"')}[15m])) / ignoring (reason) group_left sum by (provider) (rate(${select('openim_push_devices_total')}[15m])) > 0.1`,
      forMinutes: 15,
      summary:
        '{{ $labels.provider }} refuses {{ $value | humanizePercentage }} of the offline notifications ({{ $labels.reason }}).',
      description: 'Users who are offline are not notified of new messages.',
    },
    {
      name: 'OpenIMVerificationRefused',
      severity: 'warning',
      expr: `sum by (provider, outcome) (${happened('openim_sms_mail_sends_total', 'outcome=~"credentials|balance|clock|template"')})`,
      forMinutes: 0,
      summary: '{{ $labels.provider }} refuses verification codes ({{ $labels.outcome }}).',
      description: 'Users of a tenant cannot register or log in with a code.',
    },
    {
      name: 'OpenIMJobFailing',
      severity: 'warning',
      expr: `sum by (exported_job) (${increased('openim_cron_runs_total', 60, 'result="error"')}) > 1.5`,
      forMinutes: 0,
      summary:
        'Scheduled job {{ $labels.exported_job }} failed {{ $value | humanize }} times within an hour.',
      description: 'What it removes or counts stays until it succeeds.',
    },
    {
      name: 'OpenIMTasksFailing',
      severity: 'warning',
      expr: `sum by (task) (${increased('openim_background_failures_total', 15)}) > 10`,
      forMinutes: 5,
      summary: 'Background task {{ $labels.task }} failed {{ $value | humanize }} times within 15 minutes.',
      description: 'It is repeated; the log of the process says why it fails.',
    },
    {
      name: 'OpenIMTenantQuotaNearlyUsed',
      severity: 'warning',
      expr: `${ofOperator('openim_operator_tenant_usage', 'figure=~"users|connections|storageBytes"')} / on (namespace, cluster, tenant, figure) ${ofOperator('openim_operator_tenant_quota')} > ${NEARLY}`,
      forMinutes: 15,
      summary:
        'Tenant {{ $labels.tenant }} uses {{ $value | humanizePercentage }} of its quota of {{ $labels.figure }}.',
      description:
        'At the quota, further users, connections or uploads of this tenant are refused; no other tenant is affected.',
    },
    ...(spec.prober ? proberAlerts(owner) : []),
  ];
}

const ROLE_DOWN = {
  gateway: 'No client is connected: no message is sent or delivered live.',
  api: 'Logins, uploads and administration over HTTP fail.',
  rpc: 'Logins, sends and synchronization fail with a retryable error.',
  transfer: 'Messages are accepted, but neither stored nor delivered.',
  push: 'Users who are offline are not notified of new messages.',
  cron: 'Nothing that has expired is removed, and statistics are not counted.',
} as const;

/** What only a cluster with a prober can know. */
function proberAlerts(owner: ClusterName): Alert[] {
  const select = selectorsOf(owner);
  const faults = select('openim_prober_messages', 'outcome=~"lost|duplicated|reordered"');
  // Over its pods: the counts go on when another takes its place.
  const [now, before] = [`max by (outcome) (${faults})`, `max by (outcome) (${faults} offset 15m)`];
  return [
    {
      name: 'OpenIMMessagesLost',
      severity: 'critical',
      // A prober that has just started had no series then.
      expr: `${now} > ${before} or (${now} unless ${before}) > 0`,
      forMinutes: 0,
      summary: 'Checked messages of the prober were {{ $labels.outcome }}.',
      description:
        'The guarantee that an acknowledged message is neither lost, duplicated nor reordered is broken.',
    },
    {
      name: 'OpenIMProberSilent',
      severity: 'critical',
      expr: `time() - max(${select('openim_prober_judged_until_seconds')}) > ${JUDGED_SECONDS} or absent(${select('openim_prober_judged_until_seconds', ofRole(PROBER))})`,
      forMinutes: 5,
      summary: 'No checked message of the prober has been judged for minutes.',
      description: 'Either messages do not get through, or the prober does not run; upgrades wait for it.',
    },
  ];
}
