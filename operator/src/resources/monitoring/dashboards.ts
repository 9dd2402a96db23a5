import { createHash } from 'node:crypto';
import type { ConfigMap } from '@im/kube';
import type { EffectiveSpec } from '../effective.ts';
import type { MonitoringDashboards } from '../effective-monitoring.ts';
import { type Owner, PROBER } from '../names.ts';
import { type Dashboard, grafanaModel, type Panel, type Query, type Row, type Unit } from './grafana.ts';
import { metadataWith } from './metadata.ts';
import { type ClusterName, ofRole, type Select, selectorsOf } from './metric-selector.ts';

/** What dashboards depend on. */
export type ShownSpec = Pick<EffectiveSpec, 'prober'>;

const panel = (title: string, unit: Unit, description: string, ...queries: Query[]): Panel => ({
  title,
  description,
  unit,
  queries,
});
const query = (legend: string, expr: string): Query => ({ legend, expr });

/** Name of the ConfigMap with the dashboards of a cluster. */
export function dashboardsName(cluster: string): string {
  return `${cluster}-dashboards`;
}

/** The dashboards of a cluster, for the sidecar by which Grafana finds ConfigMaps with a label. */
export function dashboardsConfigMap(
  owner: Owner,
  effective: ShownSpec,
  { labels, folder }: MonitoringDashboards,
): ConfigMap {
  const data = Object.fromEntries(
    dashboardsOf(owner, effective).map((dashboard) => [
      `${dashboard.uid}.json`,
      `${JSON.stringify(grafanaModel(dashboard), null, 1)}\n`,
    ]),
  );
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...metadataWith(owner, dashboardsName(owner.name), labels),
      ...(folder !== undefined && { annotations: { grafana_folder: folder } }),
    },
    data,
  };
}

/** The dashboards of a cluster: what users notice, and what the processes do. */
export function dashboardsOf(owner: ClusterName, { prober }: ShownSpec): Dashboard[] {
  const select = selectorsOf(owner);
  const rate = (metric: string, matchers?: string) => `rate(${select(metric, matchers)}[5m])`;
  const quantile = (q: number, metric: string, by = '') =>
    `histogram_quantile(${q}, sum by (le${by}) (${rate(`${metric}_bucket`)}))`;
  const { namespace, name } = owner;
  return [
    {
      uid: uidOf(owner, 'messages'),
      title: `OpenIM ${namespace}/${name}: messages`,
      rows: [...messageRows(select, rate, quantile), ...(prober ? [proberRow(select, quantile)] : [])],
    },
    {
      uid: uidOf(owner, 'processes'),
      title: `OpenIM ${namespace}/${name}: processes`,
      rows: processRows(select, rate, quantile),
    },
  ];
}

type Rate = (metric: string, matchers?: string) => string;
type Quantile = (q: number, metric: string, by?: string) => string;

function messageRows(select: Select, rate: Rate, quantile: Quantile): Row[] {
  return [
    {
      title: 'Connections',
      panels: [
        panel(
          'Connections by gateway',
          'short',
          'WebSocket connections of each gateway.',
          query('{{pod}}', `sum by (pod) (${select('openim_gateway_connections')})`),
        ),
        panel(
          'Users online',
          'short',
          'Users with a connection, added over gateways: a user on two gateways counts twice.',
          query('users', `sum(${select('openim_gateway_users')})`),
        ),
        panel(
          'Handshakes',
          'ops',
          'Connection attempts by the code of their answer; 0 is success.',
          query('{{code}}', `sum by (code) (${rate('openim_gateway_handshakes_total')})`),
        ),
      ],
    },
    {
      title: 'Messages',
      panels: [
        panel(
          'Messages',
          'ops',
          'Accepted by the log, stored, and written to sockets: one message has several receivers.',
          query('accepted', `sum(${rate('openim_gateway_sends_accepted_total')})`),
          query('stored', `sum(${rate('openim_transfer_rows_total')})`),
          query('written to sockets', `sum(${rate('openim_gateway_pushes_written_total')})`),
        ),
        panel(
          'Time of requests over WebSocket',
          's',
          'From a request to its answer; sends are 1003.',
          query('median', quantile(0.5, 'openim_gateway_request_seconds')),
          query('99 %', quantile(0.99, 'openim_gateway_request_seconds')),
        ),
        panel(
          'Answers over WebSocket',
          'ops',
          'Answers by code; 0 is success, 500 and 90004 are faults of the server.',
          query('{{code}}', `sum by (code) (${rate('openim_gateway_answers_total')})`),
        ),
        panel(
          'Accepted, not yet stored',
          'short',
          'Messages in the log that are not stored and delivered yet.',
          query('{{pod}}', `sum by (pod) (${select('openim_transfer_lag_records')})`),
        ),
        panel(
          'Use of the message log',
          'percentunit',
          'From 90 % on, sends are refused.',
          query('used', `max(${select('openim_log_used_ratio')})`),
        ),
        panel(
          'Waiting or lost to the database',
          'short',
          'Parked messages wait for a repair; dead letters could not be stored.',
          query('parked messages', `sum(${select('openim_transfer_parked_records')})`),
          query('parked tenants', `sum(${select('openim_transfer_parked_tenants')})`),
          query('dead letters', `sum(${select('openim_transfer_dead_letters_total')})`),
        ),
      ],
    },
  ];
}

function proberRow(select: Select, quantile: Quantile): Row {
  return {
    title: 'Checked messages of the prober',
    panels: [
      panel(
        'Sent and acknowledged',
        'short',
        'Since the first start of the prober.',
        query(
          '{{outcome}}',
          `max by (outcome) (${select('openim_prober_messages', 'outcome=~"sent|acknowledged"')})`,
        ),
      ),
      panel(
        'Lost, duplicated, reordered',
        'short',
        'Must stay at zero.',
        query(
          '{{outcome}}',
          `max by (outcome) (${select('openim_prober_messages', 'outcome=~"lost|duplicated|reordered"')})`,
        ),
      ),
      panel(
        'Time to the acknowledgement',
        's',
        'As clients see it, repetitions included.',
        query('99 %', quantile(0.99, 'openim_prober_acknowledge_seconds')),
        query('longest gap', `max(${select('openim_prober_longest_gap_seconds', ofRole(PROBER))})`),
      ),
    ],
  };
}

function processRows(select: Select, rate: Rate, quantile: Quantile): Row[] {
  return [
    {
      title: 'Processes',
      panels: [
        panel(
          'CPU',
          'short',
          'Cores that each process uses.',
          query('{{pod}}', `sum by (pod) (${rate('process_cpu_seconds_total')})`),
        ),
        panel(
          'Memory',
          'bytes',
          'Resident memory of each process.',
          query('{{pod}}', `sum by (pod) (${select('process_resident_memory_bytes')})`),
        ),
        panel(
          'Event-loop delay, 99 %',
          's',
          'How late a process reacts; more than 0.1 s is felt by users.',
          query('{{pod}}', `max by (pod) (${select('nodejs_eventloop_lag_p99_seconds')})`),
        ),
      ],
    },
    {
      title: 'Stores',
      panels: [
        panel(
          'Connected processes',
          'short',
          'Processes that reach each store.',
          query('NATS', `sum(${select('openim_bus_up')})`),
          query('MongoDB', `sum(${select('openim_store_mongo_up')})`),
          query('Redis', `sum(${select('openim_store_redis_up')})`),
        ),
        panel(
          'Steps of storing a batch, 99 %',
          's',
          'Reading, writing rows, publishing deliveries.',
          query('{{stage}}', quantile(0.99, 'openim_transfer_stage_seconds', ', stage')),
        ),
        panel(
          'Cache hits',
          'percentunit',
          'Share of lookups that were answered by a cache.',
          query(
            '{{cache}}',
            `sum by (cache) (${rate('openim_cache_lookups_total', 'result="hit"')}) / sum by (cache) (${rate('openim_cache_lookups_total')})`,
          ),
        ),
      ],
    },
    {
      title: 'Calls',
      panels: [
        panel(
          'API calls',
          'ops',
          'Calls over HTTP by errCode; 0 is success.',
          query('{{code}}', `sum by (code) (${rate('api_count')})`),
        ),
        panel(
          'Time of API calls, 99 %',
          's',
          'All routes.',
          query('99 %', quantile(0.99, 'openim_api_seconds')),
        ),
        panel(
          'Internal calls, 99 %',
          's',
          'As their callers see them.',
          query('99 %', quantile(0.99, 'openim_rpc_seconds')),
        ),
      ],
    },
  ];
}

/** A name that no other cluster's dashboard has, and that stays. */
function uidOf({ namespace, name }: ClusterName, dashboard: string): string {
  const hash = createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 12);
  return `openim-${dashboard}-${hash}`;
}
