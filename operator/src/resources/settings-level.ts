import { SETTINGS_LEVEL } from '@im/contract';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../gen/openimtenant.ts';

/** Paths below `spec`, by the lowest settings level whose services know them. */
type Levels = Readonly<Record<number, readonly string[]>>;

/** Fields of OpenIMCluster that services of a lower level reject; all others are known to every version. */
export const CLUSTER_FIELD_LEVELS: Levels = {
  1: [
    'gateway.maxConnectionsPerUser',
    'gateway.requests',
    'gateway.handshakes.perLogin',
    'api.maxConnectionsPerPod',
    'api.grafanaURL',
    'api.discoverProcesses',
    'nats.tenantLogShare',
    'nats.external.tls',
    'mongodb.external.tls',
    'redis.external.tls',
    'objectStorage.external.tls',
    'objectStorage.external.credentials',
    'objectStorage.external.pathStyle',
    'objectStorage.bucketPerTenant',
    'objectStorage.publicBaseURL',
    'objectStorage.accessHours',
    'objectStorage.corsOrigins',
    'objectStorage.thumbnails',
    'cron.schedules.uploadExpiry',
    'cron.schedules.messageDestruct',
    'cron.schedules.pushTokenExpiry',
    'cron.retention.pushTokenDays',
    'cron.retention.auditDays',
    'cron.schedules.indexReport',
    'cron.searchIndexes',
    'cron.schedules.healthReport',
    'cron.schedules.statistics',
    'cron.retention.statisticsDays',
    'cron.runMinutes',
    'limits',
    'attempts',
    'webhooks',
    'offlinePush',
    'tracing',
  ],
  2: ['console', 'prober'],
};

/** The same for OpenIMTenant. */
export const TENANT_FIELD_LEVELS: Levels = {
  1: [
    'adminNicknames',
    'searchByAdminsOnly',
    'quotas.objectBytes',
    'userLimits',
    'webhooks',
    'push',
    'mail',
    'healthReport',
    'statistics',
    'verification',
    'tokenPolicy.notBefore',
  ],
};

/** The part of a spec that services of a level know. */
export interface KnownSpec<T> {
  readonly spec: T;
  /** Present fields that are left out, such as `spec.limits`. */
  readonly leftOut: readonly string[];
}

/** The spec of a cluster without fields that services of this level would reject in their config. */
export function knownClusterSpec(spec: OpenIMClusterSpec, level: number): KnownSpec<OpenIMClusterSpec> {
  return known(spec, CLUSTER_FIELD_LEVELS, level);
}

/** The spec of a tenant without fields that services of this level would reject in their config. */
export function knownTenantSpec(spec: OpenIMTenantSpec, level: number): KnownSpec<OpenIMTenantSpec> {
  return known(spec, TENANT_FIELD_LEVELS, level);
}

function known<T extends object>(spec: T, levels: Levels, level: number): KnownSpec<T> {
  const newer = Object.entries(levels).flatMap(([since, paths]) => (Number(since) > level ? paths : []));
  const leftOut = newer.filter((path) => valueAt(spec, path.split('.')) !== undefined);
  const kept = leftOut.reduce((rest: object, path) => without(rest, path.split('.')), spec);
  return { spec: kept as T, leftOut: leftOut.map((path) => `spec.${path}`) };
}

function valueAt(tree: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree);
}

/** A copy without the value at a path, which must exist. */
function without(tree: object, [key = '', ...below]: readonly string[]): object {
  const { [key]: value, ...rest } = tree as Record<string, unknown>;
  return below.length === 0 ? rest : { ...rest, [key]: without(value as object, below) };
}

/** Input of {@link settingsLevel}. */
export interface LevelInput {
  /** The level of the last reconcile; undefined before the first. */
  readonly before: number | undefined;
  /** Reports of the reachable processes. */
  readonly processes: readonly { readonly version: string; readonly settingsLevel?: number }[];
  /** Whether all running processes answered. */
  readonly complete: boolean;
  /** Wanted version of the cluster. */
  readonly wanted: string;
  /** Whether all running processes run its image. */
  readonly rolledOut: boolean;
  /** Version of the operator; services of this version know all its settings. */
  readonly own: string;
  /** Whether the cluster has not been created yet. */
  readonly isNew: boolean;
}

/**
 * The settings level that all processes of a cluster know, including those of a version that is being rolled out. It
 * rises when all processes have reported the higher level, and falls immediately.
 */
export function settingsLevel(input: LevelInput): number {
  const { before, processes, complete, wanted, rolledOut, own, isNew } = input;
  // Processes of the older version start with this config before they can report their level.
  if (!rolledOut && processes.some(({ version }) => isOlder(wanted, version))) return 0;
  if (processes.length === 0) return before ?? (isNew && wanted === own ? SETTINGS_LEVEL : 0);
  const reported = Math.min(SETTINGS_LEVEL, ...processes.map((process) => process.settingsLevel ?? 0));
  return complete ? reported : Math.min(reported, before ?? 0);
}

/** The version in the tag of an image; undefined when the tag is not a version. */
export function taggedVersion(image: string): string | undefined {
  return /:(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(image)?.[1];
}

/** The version that an image names, or else the one that is given. */
export function namedVersion({
  image,
  version,
}: {
  readonly image: string;
  readonly version: string;
}): string {
  return taggedVersion(image) ?? version;
}

/** Whether a version comes before another, by their three numbers. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => (text.split('-')[0] ?? '').split('.').map(Number);
  const [a, b] = [numbers(version), numbers(than)];
  const differs = a.findIndex((part, i) => part !== b[i]);
  return differs >= 0 && (a[differs] ?? 0) < (b[differs] ?? 0);
}
