import {
  type CallerProof,
  ConfigError,
  configHash,
  DEFAULT_PORTS,
  isLiveSetting,
  PROBE_TENANT,
  parseConfig,
  type ServerConfig,
  type ServerConfigInput,
  type TenantSettingsInput,
} from '@im/contract';
import { stringify } from 'yaml';
import { consoleURL, servedConsole } from './console-address.ts';
import type { EffectiveSpec } from './effective.ts';
import { nameOf, OPS_PORT, type Owner } from './names.ts';
import { settingValue, withFieldNames } from './renamed-fields.ts';
import { settingsOfSection } from './secret-references.ts';
import { tlsConfig } from './store-tls.ts';
import { natsCapacity } from './stores/nats.ts';

/** Where pods find their files. */
export const CONFIG_DIR = '/etc/openim/config';
export const CONFIG_FILE = `${CONFIG_DIR}/im.yaml`;
export const CONNECTION_DIR = '/etc/openim/secrets/connection';
export const TENANTS_DIR = '/etc/openim/secrets/tenants';
/** The settings of tenants, in shards. */
export const TENANT_SHARDS_DIR = '/etc/openim/tenants';
/** The key of the cluster, a file of {@link CONNECTION_DIR}. */
export const RPC_KEY_FILE = 'rpc-key';

/** Values by the files that pods find them in. */
export function inDirectory(dir: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${dir}/${key}`, value]));
}

/** RPC domains, each with a separate port in every rpc pod. */
export const RPC_DOMAINS = ['auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third'] as const;

/** The entry of a tenant without its secrets. */
export type TenantEntry = Omit<TenantSettingsInput, 'tokenSecret' | 'adminSecret'>;

/** Addresses of the stores, without secrets. */
export interface StoreEndpoints {
  readonly natsServers: readonly string[];
  readonly natsReplicas: 1 | 3 | 5;
  readonly s3Endpoint: string;
  readonly s3Region: string;
}

/** Input of the config of a cluster. */
export interface ConfigInput {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  readonly endpoints: StoreEndpoints;
  /** Undefined when they are in {@link TENANT_SHARDS_DIR}. */
  readonly tenants: readonly TenantEntry[] | undefined;
  /** Version of the list of tenants; undefined for services that do not know it. */
  readonly tenantsRevision?: number | undefined;
  /** Contents of the mounted Secrets, by file. */
  readonly files: Readonly<Record<string, string>>;
  /** Where clients reach objects. */
  readonly objectsURL: string;
  /** Whether processes authenticate to each other with the key of the cluster. */
  readonly rpcKey: CallerProof;
}

/** Settings as they are written, with references to files. */
export type SettingsTree = Readonly<Record<string, unknown>>;

/** The config file of every role. */
export interface RenderedConfig {
  readonly tree: SettingsTree;
  /** Text of im.yaml, with references to mounted files instead of secrets. */
  readonly yaml: string;
  /** The parsed config, including secrets. */
  readonly config: ServerConfig;
  /** Hash of the config; processes report the hash that they have loaded. */
  readonly hash: string;
}

const REFERENCE = /\$\{file:([^}]+)\}/g;

/** Keys of a tenant in the Secret of tenants. */
export const tenantKeys = (id: string) => ({ token: `${id}.token-secret`, admin: `${id}.admin-secret` });

/**
 * Key in the Secret of tenants for the namespace of a tenant, where that is another one than the cluster's: what is stored
 * under its ID belongs to it, also when its resource is gone.
 */
export const namespaceEntry = (id: string) => `${id}.namespace`;

/** Key in the Secret of tenants for a value that a tenant refers to, by the path of its setting. */
export const credentialKey = (id: string, setting: string) => `${id}.${setting}`;

/** Stands for the cluster in the place of a tenant ID, which it cannot be. */
export const OF_CLUSTER = '_cluster';

/** Whether a key of the Secret of tenants is a {@link credentialKey}. */
export function isCredentialKey(key: string): boolean {
  return /^(?:[-a-z0-9]+|_cluster)\.(?:webhooks|push|offlinePush|tracing|console)\./.test(key);
}

/** Reference in the config to a key of the Secret of tenants. */
export function tenantsFile(key: string): string {
  return `\${file:${TENANTS_DIR}/${key}}`;
}

/**
 * The config of a cluster, validated by the schema of the services.
 * @throws ConfigError that names what the services would reject.
 */
export function renderConfig(input: ConfigInput): RenderedConfig {
  const tree = configTree(input);
  const read = new Map<string, string>();
  const settings = resolved(tree, (file) => {
    const found = input.files[file];
    if (found === undefined) throw new ConfigError(`no mounted Secret has a key for ${file}`);
    read.set(file, found);
    return found;
  });
  const config = judged(settings);
  const yaml = configYaml(tree);
  return { tree: tree as SettingsTree, yaml, config, hash: configHash(yaml, read) };
}

/** @throws ConfigError that names fields of the resource. */
function judged(settings: unknown): ServerConfig {
  try {
    return parseConfig(settings, 'the rendered config');
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(withFieldNames(error.message)) : error;
  }
}

/** A copy of a tree of settings with the contents of files in place of references to them. */
export function resolved(tree: unknown, contentOf: (file: string) => string): unknown {
  return mapStrings(tree, (text) => text.replace(REFERENCE, (_whole, file: string) => contentOf(file)));
}

/** Text of im.yaml. */
export function configYaml(tree: object): string {
  return stringify(tree, { lineWidth: 0 });
}

/** The hash that processes report of a config text, given the contents of files by path. */
export function hashOfConfig(yaml: string, files: Readonly<Record<string, string>>): string {
  const read = [...yaml.matchAll(REFERENCE)].map(([, file = '']) => [file, files[file] ?? ''] as const);
  return configHash(yaml, new Map(read));
}

/** The settings that processes read at their start only. */
export function startupSettings(tree: SettingsTree): SettingsTree {
  return select(tree, '', (path) => !isLiveSetting(path));
}

/** Startup settings of one config with the live settings of another. */
export function withLiveSettings(startup: SettingsTree, from: SettingsTree): SettingsTree {
  return merge(startupSettings(startup), select(from, '', isLiveSetting));
}

function isTree(value: unknown): value is SettingsTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function select(tree: SettingsTree, above: string, keep: (path: string) => boolean): SettingsTree {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
      const path = above === '' ? key : `${above}.${key}`;
      if (isTree(value)) {
        const kept = select(value, path, keep);
        return Object.keys(kept).length === 0 ? [] : [[key, kept]];
      }
      return value !== undefined && keep(path) ? [[key, value]] : [];
    }),
  );
}

function merge(base: SettingsTree, over: SettingsTree): SettingsTree {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

export function configTree({
  owner,
  effective,
  endpoints,
  tenants,
  tenantsRevision,
  objectsURL,
  files,
  rpcKey,
}: ConfigInput): ServerConfigInput {
  const { gateway, api, push, cron, limits, attempts, webhooks, offlinePush, tracing } = effective;
  const secret = (key: string) => `\${file:${CONNECTION_DIR}/${key}}`;
  const rpcHost = `${nameOf.component(owner.name, 'rpc')}.${owner.namespace}.svc`;
  const domain = (name: (typeof RPC_DOMAINS)[number]) => ({
    port: DEFAULT_PORTS[name],
    addresses: [`dns:///${rpcHost}:${DEFAULT_PORTS[name]}`],
  });
  return {
    log: { level: effective.logLevel },
    listen: { host: '0.0.0.0' },
    ops: { port: OPS_PORT },
    gateway: {
      port: DEFAULT_PORTS.gateway,
      maxConnections: gateway.maxConnectionsPerPod,
      ...given({ maxConnectionsPerUser: gateway.maxConnectionsPerUser, requests: gateway.requests }),
      handshakes: given(gateway.handshakes),
      drain: {
        deadlineMs: gateway.drain.deadlineSeconds * 1_000,
        maxPerSecond: gateway.drain.maxConnectionsPerSecond,
      },
    },
    api: {
      port: DEFAULT_PORTS.api,
      ...given({
        maxConnections: api.maxConnectionsPerPod,
        grafanaURL: api.grafanaURL,
        discoverProcesses: api.discoverProcesses,
        console: consoleConfig(effective),
      }),
    },
    rpc: {
      ...(rpcKey === 'none' ? {} : { key: secret(RPC_KEY_FILE) }),
      ...(rpcKey === 'optional' ? { acceptMissingKey: true } : {}),
      domains: {
        auth: domain('auth'),
        user: domain('user'),
        msg: domain('msg'),
        conversation: domain('conversation'),
        group: domain('group'),
        relation: domain('relation'),
        third: domain('third'),
      },
    },
    nats: {
      servers: [...endpoints.natsServers],
      ...(files[`${CONNECTION_DIR}/nats-user`] === undefined
        ? {}
        : { user: secret('nats-user'), password: secret('nats-password') }),
      ...given({ tls: tlsConfig(effective, 'nats') }),
      replicas: endpoints.natsReplicas,
      ...reservations(effective.nats),
      ...given({ tenantLogShare: effective.nats.tenantLogShare }),
    },
    mongo: {
      uri: secret('mongodb-uri'),
      database: effective.mongodb.database,
      ...given({ tls: tlsConfig(effective, 'mongodb') }),
    },
    redis: { uri: secret('redis-uri'), ...given({ tls: tlsConfig(effective, 'redis') }) },
    s3: {
      endpoint: endpoints.s3Endpoint,
      externalEndpoint: objectsURL,
      ...given({ credentials: byRole(effective.objectStorage) ? 'role' : undefined }),
      ...(files[`${CONNECTION_DIR}/s3-access-key`] === undefined
        ? {}
        : { accessKey: secret('s3-access-key'), secretKey: secret('s3-secret-key') }),
      ...given({ tls: tlsConfig(effective, 'objectStorage') }),
      bucket: effective.objectStorage.bucket,
      region: endpoints.s3Region,
      ...given(objectSettings(effective.objectStorage)),
    },
    push: {
      provider: settingValue('provider', push.provider) as 'none' | 'log',
      wakesPerUser: { perMinute: push.wakesPerUserPerMinute, ...given({ burst: push.wakesPerUserBurst }) },
    },
    ...given({
      limits,
      attempts,
      webhooks: webhooks?.allowedNetworks && { allowedNetworks: [...webhooks.allowedNetworks] },
    }),
    ...given({
      offlinePush: offlinePush && sectionSettings('offlinePush', offlinePush),
      tracing: tracing && sectionSettings('tracing', tracing),
    }),
    cron: given({
      messageExpiry: cron.schedules?.messageExpiry,
      objectExpiry: cron.schedules?.objectExpiry,
      uploadExpiry: cron.schedules?.uploadExpiry,
      tokenExpiry: cron.schedules?.tokenExpiry,
      messageDestruct: cron.schedules?.messageDestruct,
      pushTokenExpiry: cron.schedules?.pushTokenExpiry,
      pushTokenDays: cron.retention?.pushTokenDays,
      auditDays: cron.retention?.auditDays,
      indexReport: cron.schedules?.indexReport,
      searchIndexes: cron.searchIndexes,
      healthReport: cron.schedules?.healthReport,
      statistics: cron.schedules?.statistics,
      statisticsDays: cron.retention?.statisticsDays,
      runMinutes: cron.runMinutes,
      objectDays: cron.retention?.objectDays,
      objectGroups: cron.retention?.objectGroups && [...cron.retention.objectGroups],
    }),
    ...given({
      prober: effective.prober && {
        tenant: PROBE_TENANT,
        apiURL: `http://${nameOf.component(owner.name, 'api')}.${owner.namespace}.svc:${api.service.port}`,
        gatewayURL: `ws://${nameOf.component(owner.name, 'gateway')}.${owner.namespace}.svc:${gateway.service.port}`,
        ...given({ messagesPerSecond: effective.prober.messagesPerSecond }),
      },
    }),
    ...(tenants === undefined
      ? { tenantsDir: TENANT_SHARDS_DIR }
      : { ...given({ tenantsRevision }), tenants: tenants.map(withReferences) }),
  };
}

/** Section `api.console`; undefined where the spec has none. */
function consoleConfig(effective: EffectiveSpec) {
  if (!effective.console) return undefined;
  const publicURL = consoleURL(effective);
  return {
    ...sectionSettings('console', servedConsole(effective.console)),
    ...given({ publicURL, ownProcesses: effective.console.own ? true : undefined }),
  };
}

/** A section as it is in the spec, with references to files in place of those to Secrets. */
function sectionSettings(name: 'offlinePush' | 'tracing' | 'console', section: object) {
  return settingsOfSection(section, (setting) =>
    tenantsFile(credentialKey(OF_CLUSTER, `${name}.${setting}`)),
  );
}

/** The entry of a tenant with references to its keys. */
export function withReferences(tenant: TenantEntry): TenantSettingsInput {
  const keys = tenantKeys(tenant.id);
  return {
    ...tenant,
    tokenSecret: tenantsFile(keys.token),
    adminSecret: tenantsFile(keys.admin),
  };
}

/** Settings of a tenant that lead to its keys; the operator adds them to its entry. */
const KEY_SETTINGS: ReadonlySet<string> = new Set([
  'tokenSecret',
  'adminSecret',
  'secondTokenSecret',
  'secondTokenSecretUntil',
  'secondAdminSecret',
  'secondAdminSecretUntil',
] satisfies (keyof TenantSettingsInput)[]);

/** The entry of a tenant as it was before its keys were added. */
export function withoutKeys(entry: TenantEntry): TenantEntry {
  const kept = Object.entries(entry).filter(([setting]) => !KEY_SETTINGS.has(setting));
  return Object.fromEntries(kept) as unknown as TenantEntry;
}

/** Bytes that a tenant takes in the text of the config, or in a shard. */
export function bytesInConfig(tenant: TenantEntry): number {
  const entry = withReferences(tenant);
  const text = stringify({ tenants: [entry] }, { lineWidth: 0 });
  const inConfig = Buffer.byteLength(text) - 'tenants:\n'.length;
  return Math.max(inConfig, Buffer.byteLength(JSON.stringify(entry)) + 1);
}

function objectSettings(storage: EffectiveSpec['objectStorage']) {
  const { bucketPerTenant, publicBaseURL, accessHours, corsOrigins, thumbnails } = storage;
  return {
    ...{ bucketPerTenant, publicBaseURL, accessHours, thumbnails },
    pathStyle: storage.kind === 'external' ? storage.pathStyle : undefined,
    corsOrigins: corsOrigins && [...corsOrigins],
  };
}

function byRole(storage: EffectiveSpec['objectStorage']): boolean {
  return storage.kind === 'external' && storage.credentials === 'Role';
}

/** Size limits of the streams; with a managed server all its storage, since it refuses a stream that does not fit. */
function reservations(nats: EffectiveSpec['nats']) {
  if (nats.kind === 'external') {
    return given({ logMaxBytes: nats.logMaxBytes, seqMaxBytes: nats.seqMaxBytes });
  }
  const { logMaxBytes, seqMaxBytes } = natsCapacity(nats);
  return { storage: nats.logStorage, logMaxBytes, seqMaxBytes };
}

/**
 * The settings that have a value. A setting that the manifest omits is not written: the services have the defaults, and
 * the config of a running cluster stays byte for byte the same when the operator learns new settings.
 */
function given<T extends object>(settings: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

/** A copy of a tree with every string replaced by `change(string)`. */
function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapStrings(child, change)]));
}
