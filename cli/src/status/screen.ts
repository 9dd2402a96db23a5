import type { OpenIMClusterStatusCondition, OpenIMClusterStatusGateway } from '@im/operator';
import type { FoundCluster } from '../cluster/find.ts';
import { formatObject, formatTable, type Row } from '../output.ts';

/** Whether the cluster is Ready for the current spec. */
export function isReady({ metadata, status }: FoundCluster): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && status?.observedGeneration === metadata.generation;
}

/** Conditions that are healthy when false. */
const ROLLOUT = new Set(['Paused', 'Progressing', 'Reconciling', 'Stalled']);
/** Conditions that repeat the others. */
const SUMMARIES = new Set(['Ready', 'Available', 'Reconciling', 'Stalled']);

function isGood({ type, status }: OpenIMClusterStatusCondition): boolean {
  return status === (ROLLOUT.has(type) ? 'False' : 'True');
}

/** What keeps a cluster from being ready, in one line. */
export function waitsFor(cluster: FoundCluster): string {
  return obstacle(cluster, ({ reason, message }) => `${reason}: ${message}`);
}

/** @param describe renders the condition Ready. */
function obstacle(
  { metadata, status }: FoundCluster,
  describe: (ready: OpenIMClusterStatusCondition) => string,
): string {
  if (metadata.deletionTimestamp) return 'it is being deleted';
  if (!status?.conditions) return 'the operator has not looked at it yet; is the operator running?';
  if (status.observedGeneration !== metadata.generation)
    return 'the operator has not seen the last change yet';
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  const reason = ready ? describe(ready) : 'there is no condition Ready yet';
  const behind = (status.components ?? [])
    .filter(({ ready: pods, desired }) => pods < desired)
    .map(({ name, ready: pods, desired }) => `${name} ${pods}/${desired}`);
  return behind.length === 0 ? reason : `${reason} (${behind.join(', ')})`;
}

/**
 * The state of a cluster on one screen.
 * @param now ms since the epoch, for ages.
 * @param wide also volumes, the autoscaling of gateways and the messages of healthy conditions.
 */
export function statusScreen(cluster: FoundCluster, now: number, wide = false): string {
  return [
    headline(cluster),
    conditionTable(cluster, now, wide),
    complaints(cluster),
    nextSteps(cluster),
    componentTable(cluster),
    gatewayTable(cluster),
    ...(wide ? [volumeTable(cluster), autoscalingLine(cluster)] : []),
    facts(cluster, now),
  ]
    .filter((section) => section !== '')
    .join('\n\n');
}

function headline(cluster: FoundCluster): string {
  const { metadata, status } = cluster;
  const state = isReady(cluster) ? 'ready' : `not ready: ${obstacle(cluster, ({ reason }) => reason)}`;
  const effective = status?.effective ?? {};
  const wanted = text(effective.version);
  const running = status?.version ?? '';
  const version =
    wanted === '' || running === '' || wanted === running
      ? running || wanted
      : `${running}, becoming ${wanted}`;
  const values = { version, profile: text(effective.profile), image: text(effective.image) };
  const known = Object.entries(values).filter(([, value]) => value !== '');
  const line = known.map(([name, value]) => `${name} ${value}`).join(', ');
  return [`${metadata.namespace}/${metadata.name} is ${state}`, line].filter(Boolean).join('\n');
}

function conditionTable({ status }: FoundCluster, now: number, wide: boolean): string {
  const rows = (status?.conditions ?? []).map((condition): Row => {
    const { type, status: value, lastTransitionTime } = condition;
    const shared = { condition: type, status: value, since: age(lastTransitionTime, now) };
    if (wide)
      return { ...shared, reason: condition.reason, message: isGood(condition) ? condition.message : null };
    return isGood(condition) ? shared : { ...shared, reason: condition.reason };
  });
  const columns = ['condition', 'status', 'since', 'reason', 'message'];
  return rows.length === 0 ? '' : formatTable(rows, used(rows, columns));
}

/** Messages of unhealthy conditions. Ready repeats the others, and is shown only without one of them. */
function complaints({ status }: FoundCluster): string {
  const bad = (status?.conditions ?? []).filter((condition) => !isGood(condition));
  const others = bad.filter(({ type }) => !SUMMARIES.has(type));
  const faults = others.filter(({ type }) => type !== 'Progressing');
  const shown =
    faults.length > 0 ? others : bad.filter(({ type }) => type === 'Ready' || !SUMMARIES.has(type));
  return shown.map(({ type, message }) => `${type}: ${message}`).join('\n');
}

/** Roles whose logs say more about a condition. */
const LOGS_OF: Readonly<Record<string, string>> = {
  NATSAvailable: 'nats',
  MongoDBAvailable: 'mongodb',
  RedisAvailable: 'redis',
  ObjectStorageAvailable: 'object-storage',
  MessagesFlowing: 'transfer',
};

/** The commands that say more about what is wrong, and where remedies are. */
function nextSteps({ metadata, status }: FoundCluster): string {
  const bad = (status?.conditions ?? []).filter(
    (condition) => !isGood(condition) && !SUMMARIES.has(condition.type) && condition.type !== 'Progressing',
  );
  if (bad.length === 0) return '';
  const components = status?.components ?? [];
  const behind = components.filter(({ ready, desired }) => ready < desired).map(({ name }) => name);
  const roles = new Set([
    ...bad.flatMap(({ type }) => LOGS_OF[type] ?? []),
    ...(bad.some(({ type }) => type === 'WorkloadsAvailable') ? behind : []),
  ]);
  const place = `${metadata.name} -n ${metadata.namespace}`;
  return [
    'next:',
    `  openimctl cluster events ${place} --since 1h`,
    ...[...roles]
      .filter((role) => components.some(({ name, external }) => name === role && !external))
      .map((role) => `  openimctl cluster logs ${place} --role ${role} --since 10m`),
    '  remedies by reason: docs/troubleshooting.md',
  ].join('\n');
}

function volumeTable({ status }: FoundCluster): string {
  const rows = (status?.volumes ?? []).map((volume): Row => ({ ...flat(volume) }));
  const columns = [...new Set(rows.flatMap(Object.keys))];
  return rows.length === 0 ? '' : formatTable(rows, used(rows, columns));
}

function autoscalingLine({ status }: FoundCluster): string {
  const { autoscaling } = status ?? {};
  return autoscaling === undefined ? '' : `autoscaling of gateways\n${formatObject(flat(autoscaling))}`;
}

/** What of an object fits into a table. */
function flat(value: object): Row {
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, typeof each === 'object' ? JSON.stringify(each) : each]),
  );
}

function componentTable({ status }: FoundCluster): string {
  const rows = (status?.components ?? []).map(
    ({ name, ready, desired, updated, version, external, reason }): Row => ({
      component: name,
      ready: external ? 'external' : `${ready}/${desired}`,
      updated: external || updated === undefined ? null : `${updated}/${desired}`,
      version: version ?? null,
      reason: reason ?? null,
    }),
  );
  const columns = ['component', 'ready', 'updated', 'version', 'reason'];
  return rows.length === 0 ? '' : formatTable(rows, used(rows, columns));
}

function gatewayTable({ status }: FoundCluster): string {
  const rows = (status?.gateways ?? []).map(
    (gateway): Row => ({
      gateway: gateway.pod,
      revision: gateway.revision,
      ready: gateway.ready,
      connections: gateway.connections ?? 'unknown',
      draining: drainOf(gateway),
      reason: gateway.reason ?? null,
    }),
  );
  const columns = ['gateway', 'revision', 'ready', 'connections', 'draining', 'reason'];
  const omitted = status?.gatewaysOmitted ?? 0;
  const more = omitted === 0 ? '' : `\nand ${omitted} more gateways`;
  return rows.length === 0 ? '' : `${formatTable(rows, used(rows, columns))}${more}`;
}

function drainOf({ draining, drainRemaining, drainEtaSeconds }: OpenIMClusterStatusGateway): string | null {
  if (!draining) return null;
  const left = drainRemaining === undefined ? 'started' : `${drainRemaining} left`;
  return drainEtaSeconds === undefined ? left : `${left}, about ${span(drainEtaSeconds)}`;
}

function facts({ metadata, status }: FoundCluster, now: number): string {
  const { log, endpoints, rollout } = status ?? {};
  const values: [string, string | undefined][] = [
    ['connections', status?.connections?.toString()],
    ['log', log && logLine(log)],
    ['roll-out', rollout && rolloutLine(rollout, now)],
    ['API', endpoints?.api],
    ['WebSocket', endpoints?.webSocket],
    ['objects', endpoints?.objectStorage],
    ['console', endpoints?.console],
    [
      'admin secret',
      endpoints?.adminSecretRef?.name && `Secret ${metadata.namespace}/${endpoints.adminSecretRef.name}`,
    ],
  ];
  const known = values.filter((entry): entry is [string, string] => Boolean(entry[1]));
  return known.length === 0 ? '' : formatObject(Object.fromEntries(known));
}

/** How full a log is, in percent, when that is worth a word. */
const WORTH_A_WORD = 70;

type Status = NonNullable<FoundCluster['status']>;

function logLine({
  lagRecords,
  bytes,
  maxBytes,
  parkedTenants = 0,
  parkedConversations = 0,
}: NonNullable<Status['log']>): string {
  const parts: string[] = [];
  if (lagRecords !== undefined) {
    parts.push(lagRecords === 0 ? 'all stored' : `${lagRecords} accepted and not stored yet`);
  }
  if (bytes !== undefined && maxBytes !== undefined && maxBytes > 0) {
    const percent = Math.round((bytes / maxBytes) * 100);
    parts.push(`${percent} % of ${size(maxBytes)}`);
    if (percent >= WORTH_A_WORD) parts.push('from 90 % on messages are refused');
  }
  if (parkedTenants + parkedConversations > 0) {
    const what = `${parkedTenants} tenants and ${parkedConversations} conversations`;
    parts.push(`messages of ${what} PARKED, see docs/troubleshooting.md`);
  }
  return parts.join(', ');
}

function rolloutLine({ stage, startedAt, message }: NonNullable<Status['rollout']>, now: number): string {
  if (!stage) return '';
  const since = startedAt === undefined ? '' : ` for ${age(startedAt, now)}`;
  return `${stage}${since}${message ? `: ${message}` : ''}`;
}

/** Columns in which some row has something to say. */
function used(rows: readonly Row[], columns: readonly string[]): string[] {
  return columns.filter((column) =>
    rows.some((row) => row[column] !== undefined && row[column] !== null && row[column] !== ''),
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** How long ago a time (RFC 3339) was. */
export function age(time: string, now: number): string {
  return span(Math.max(0, (now - Date.parse(time)) / 1_000));
}

function span(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

function size(bytes: number): string {
  if (bytes < 2 ** 30) return `${Math.round(bytes / 2 ** 20)} MiB`;
  return `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`;
}
