import {
  type CallerProof,
  ConfigError,
  configHash,
  DEFAULT_PORTS,
  parseConfig,
  type ServerConfig,
  type ServerConfigInput,
  type TenantSettingsInput,
} from '@im/contract';
import { stringify } from 'yaml';
import type { EffectiveSpec } from './effective.ts';
import { nameOf, OPS_PORT, type Owner } from './names.ts';
import { natsCapacity } from './stores/nats.ts';

/** Where pods find their files. */
export const CONFIG_DIR = '/etc/openim/config';
export const CONFIG_FILE = `${CONFIG_DIR}/im.yaml`;
export const CONNECTION_DIR = '/etc/openim/secrets/connection';
export const TENANTS_DIR = '/etc/openim/secrets/tenants';

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
  readonly tenants: readonly TenantEntry[];
  /** Contents of the mounted Secrets, by file. */
  readonly files: Readonly<Record<string, string>>;
  /** Where clients reach objects. */
  readonly objectsURL: string;
  /** Whether processes authenticate to each other with the key of the cluster. */
  readonly rpcKey: CallerProof;
}

/** The config file of every role. */
export interface RenderedConfig {
  /** Text of im.yaml, with references to mounted files instead of secrets. */
  readonly yaml: string;
  /** The parsed config, including secrets. */
  readonly config: ServerConfig;
  /** Hash of the config; processes report the hash that they have loaded. */
  readonly hash: string;
}

/** Keys of a tenant in the Secret of tenants. */
export const tenantKeys = (id: string) => ({ token: `${id}.token-secret`, admin: `${id}.admin-secret` });

/**
 * The config of a cluster, validated by the schema of the services.
 * @throws ConfigError that names what the services would reject.
 */
export function renderConfig(input: ConfigInput): RenderedConfig {
  const tree = configTree(input);
  const read = new Map<string, string>();
  const config = parseConfig(
    mapStrings(tree, (text) =>
      text.replace(/\$\{file:([^}]+)\}/g, (_whole, file: string) => {
        const found = input.files[file];
        if (found === undefined) throw new ConfigError(`no mounted Secret has a key for ${file}`);
        read.set(file, found);
        return found;
      }),
    ),
    'the rendered config',
  );
  const yaml = stringify(tree, { lineWidth: 0 });
  return { yaml, config, hash: configHash(yaml, read) };
}

function configTree({
  owner,
  effective,
  endpoints,
  tenants,
  objectsURL,
  files,
  rpcKey,
}: ConfigInput): ServerConfigInput {
  const { gateway, push, cron, limits, attempts } = effective;
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
      drain: { deadlineMs: gateway.drain.deadlineSeconds * 1_000, maxPerSecond: gateway.drain.maxPerSecond },
    },
    api: { port: DEFAULT_PORTS.api },
    rpc: {
      ...(rpcKey === 'none' ? {} : { key: secret('rpc-key') }),
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
      replicas: endpoints.natsReplicas,
      ...reservations(effective.nats),
      ...given({ tenantLogShare: effective.nats.tenantLogShare }),
    },
    mongo: { uri: secret('mongodb-uri'), database: effective.mongodb.database },
    redis: { uri: secret('redis-uri') },
    s3: {
      endpoint: endpoints.s3Endpoint,
      externalEndpoint: objectsURL,
      accessKey: secret('s3-access-key'),
      secretKey: secret('s3-secret-key'),
      bucket: effective.objectStorage.bucket,
      region: endpoints.s3Region,
    },
    push: {
      provider: push.provider,
      wakesPerUser: { perMinute: push.wakesPerUserPerMinute, ...given({ burst: push.wakesPerUserBurst }) },
    },
    ...given({ limits, attempts }),
    cron: given({
      messageExpiry: cron.messageExpiry,
      objectExpiry: cron.objectExpiry,
      uploadExpiry: cron.uploadExpiry,
      tokenExpiry: cron.tokenExpiry,
      messageDestruct: cron.messageDestruct,
      objectDays: cron.objectDays,
      objectGroups: cron.objectGroups && [...cron.objectGroups],
    }),
    tenants: tenants.map((tenant) => {
      const keys = tenantKeys(tenant.id);
      return {
        ...tenant,
        tokenSecret: `\${file:${TENANTS_DIR}/${keys.token}}`,
        adminSecret: `\${file:${TENANTS_DIR}/${keys.admin}}`,
      };
    }),
  };
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
