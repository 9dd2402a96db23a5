import { SETTINGS_LEVEL } from '@im/contract';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../gen/openimtenant.ts';

/** Paths below `spec`, by the level from which on services know the settings behind them. */
type Levels = Readonly<Record<number, readonly string[]>>;

/** Fields of OpenIMCluster that services of a lower level refuse; all others are known to every version. */
export const CLUSTER_FIELD_LEVELS: Levels = {
  1: [
    'gateway.maxConnectionsPerUser',
    'gateway.requests',
    'gateway.handshakes.perLogin',
    'nats.tenantLogShare',
    'cron.uploadExpiry',
    'cron.messageDestruct',
    'limits',
    'attempts',
  ],
};

/** The same of OpenIMTenant. */
export const TENANT_FIELD_LEVELS: Levels = {
  1: ['adminNicknames', 'searchByAdminsOnly', 'quotas.objectBytes', 'userLimits'],
};

/** What services of a level can be told of a spec. */
export interface KnownSpec<T> {
  readonly spec: T;
  /** Fields that were given and are left out, such as `spec.limits`. */
  readonly leftOut: readonly string[];
}

/** The spec of a cluster without what services of this level would refuse in their config. */
export function knownClusterSpec(spec: OpenIMClusterSpec, level: number): KnownSpec<OpenIMClusterSpec> {
  return known(spec, CLUSTER_FIELD_LEVELS, level);
}

/** The spec of a tenant without what services of this level would refuse in their config. */
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

/** A copy without the value at a path, which must be there. */
function without(tree: object, [key = '', ...below]: readonly string[]): object {
  const { [key]: value, ...rest } = tree as Record<string, unknown>;
  return below.length === 0 ? rest : { ...rest, [key]: without(value as object, below) };
}

/** What decides about {@link settingsLevel}. */
export interface LevelInput {
  /** The level that was in force at the last look; undefined when there was none yet. */
  readonly before: number | undefined;
  /** What the processes that could be asked report. */
  readonly processes: readonly { readonly version: string; readonly settingsLevel?: number }[];
  /** Whether all running processes could be asked. */
  readonly complete: boolean;
  /** Version that the cluster should run. */
  readonly wanted: string;
  /** Whether every running process runs its image. */
  readonly rolledOut: boolean;
  /** The operator's own version, whose services know what it knows. */
  readonly own: string;
  /** Whether nothing of the cluster exists yet. */
  readonly isNew: boolean;
}

/**
 * The level of settings that every process of a cluster knows, those of the version that is being rolled out included.
 * It rises when all processes have reported it, and falls at once.
 */
export function settingsLevel(input: LevelInput): number {
  const { before, processes, complete, wanted, rolledOut, own, isNew } = input;
  // The older version's processes start with this config before they can tell what they know.
  if (!rolledOut && processes.some(({ version }) => isOlder(wanted, version))) return 0;
  if (processes.length === 0) return before ?? (isNew && wanted === own ? SETTINGS_LEVEL : 0);
  const reported = Math.min(SETTINGS_LEVEL, ...processes.map((process) => process.settingsLevel ?? 0));
  return complete ? reported : Math.min(reported, before ?? 0);
}

/** The version that an image is tagged with; undefined where its tag is none. */
export function taggedVersion(image: string): string | undefined {
  return /:(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(image)?.[1];
}

/** Whether a version comes before another, by their three numbers. */
function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => (text.split('-')[0] ?? '').split('.').map(Number);
  const [a, b] = [numbers(version), numbers(than)];
  const differs = a.findIndex((part, i) => part !== b[i]);
  return differs >= 0 && (a[differs] ?? 0) < (b[differs] ?? 0);
}
