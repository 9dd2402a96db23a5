import { MINIMUM_VERSIONS } from '@im/contract';
import { messageOf } from '@im/kit';
import { Redis, type RedisOptions } from 'ioredis';
import {
  CHECK_TIMEOUT_MS,
  type CheckDetail,
  CheckError,
  type CheckResult,
  type CheckSource,
  type CheckTls,
  isAtLeast,
  refused,
  runCheck,
  tooOld,
} from './check.ts';
import { claimStore, ownerText, parseOwner, type StoreOwner } from './identity.ts';

/** Key with the record of the cluster that a database belongs to. */
const OWNER_KEY = 'im:cluster';

/** Address and account of Redis or Valkey. */
export interface RedisTarget {
  readonly source: CheckSource;
  /** `redis[s]://[user:password@]host[:port][,…][/db][?sentinel=<master>|?cluster=true]`, as the services take it. */
  readonly uri: string;
  /** The cluster that the database is to belong to. @default not checked */
  readonly owner?: StoreOwner | undefined;
  readonly tls?: CheckTls | undefined;
}

interface Address {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: boolean;
  readonly cluster: boolean;
  readonly master: string | undefined;
  readonly sentinelPassword: string | undefined;
}

/** Checks that the server accepts the account, is new enough and writable; in a cluster, any one node. */
export async function checkRedis(target: RedisTarget, signal: AbortSignal): Promise<CheckResult> {
  const { source, uri } = target;
  const address = parse(uri);
  const where = `Redis at ${address?.hosts.map(({ host, port }) => `${host}:${port}`).join(',') ?? '?'}`;
  const secrets = [uri, address?.password, address?.sentinelPassword];
  return runCheck({ source, where, secrets }, signal, async ({ defer }) => {
    if (!address) {
      throw new CheckError(
        'InvalidAddress',
        `${source.addressField}: the value in Secret ${source.secret} is not redis[s]://[user:password@]host[:port][,…][/db]; correct it`,
      );
    }
    const options = clientOptions(address, target.tls);
    // A cluster may work although one of its nodes is down: the others are tried, too.
    const nodes = address.cluster ? address.hosts : address.hosts.slice(0, 1);
    let last: unknown;
    for (const node of nodes) {
      const redis = new Redis(address.master === undefined ? { ...options, ...node } : options);
      defer(() => redis.disconnect());
      let cause: Error | undefined;
      redis.on('error', (error: Error) => {
        cause ??= error;
      });
      try {
        await redis.connect();
        const detail = await inspect(redis, address, source, where);
        if (target.owner) {
          const reachNode = async (host: string, port: number) => {
            const other = new Redis({ ...options, host, port });
            defer(() => other.disconnect());
            other.on('error', () => {});
            await other.connect();
            return other;
          };
          const holder = address.cluster ? await holderOf(OWNER_KEY, redis, reachNode) : redis;
          if (holder) await claim(holder, target.owner, address, source, where);
        }
        return detail;
      } catch (error) {
        const failure = cause ?? error;
        if (failure instanceof CheckError || error instanceof CheckError) throw error;
        if (/WRONGPASS|NOAUTH|invalid password|AUTH.*called without/i.test(String(failure)))
          throw refused(source, where);
        last = failure;
      }
    }
    throw last;
  });
}

function clientOptions(address: Address, certificates: CheckTls = {}): RedisOptions {
  const { username, password, database, tls, master, hosts, sentinelPassword } = address;
  return {
    username,
    password,
    db: database,
    ...(tls ? { tls: { ...certificates } } : {}),
    ...(master === undefined
      ? {}
      : {
          sentinels: hosts.map((host) => ({ ...host })),
          name: master,
          sentinelPassword,
          sentinelRetryStrategy: () => null,
          ...(tls ? { sentinelTLS: { ...certificates }, enableTLSForSentinelMode: true } : {}),
        }),
    connectionName: 'openim-operator',
    lazyConnect: true,
    connectTimeout: CHECK_TIMEOUT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  };
}

async function inspect(
  redis: Redis,
  address: Address,
  source: CheckSource,
  where: string,
): Promise<CheckDetail> {
  await redis.ping();
  const [server, replication, cluster] = await Promise.all([
    redis.info('server'),
    redis.info('replication'),
    redis.info('cluster'),
  ]);
  const version = fieldOf(server, 'redis_version') ?? '0';
  if (!isAtLeast(version, MINIMUM_VERSIONS.redis))
    throw tooOld(source, where, version, MINIMUM_VERSIONS.redis);
  if (!address.cluster && fieldOf(cluster, 'cluster_enabled') === '1') {
    throw new CheckError(
      'InvalidAddress',
      `${source.addressField}: ${where} is a Redis Cluster; add ?cluster=true to the connection string in Secret ${source.secret}`,
    );
  }
  if (!address.cluster && fieldOf(replication, 'role') === 'slave') {
    throw new CheckError(
      'NotWritable',
      `${source.addressField}: ${where} is a read-only replica; set the address of the primary, or of the sentinels with ?sentinel=<master>, in Secret ${source.secret}`,
    );
  }
  return { version: fieldOf(server, 'valkey_version') ?? version };
}

/**
 * The node of a Redis Cluster that has a key.
 * @returns undefined when it cannot be reached, as where nodes have other addresses inside: that keeps nothing from working.
 */
async function holderOf(
  key: string,
  redis: Redis,
  reachNode: (host: string, port: number) => Promise<Redis>,
): Promise<Redis | undefined> {
  try {
    await redis.get(key);
    return redis;
  } catch (error) {
    const [, host, port] = /^MOVED \d+ (.+):(\d+)$/.exec(messageOf(error)) ?? [];
    if (host === undefined) return undefined;
    return await reachNode(host, Number(port)).catch(() => undefined);
  }
}

async function claim(
  redis: Redis,
  owner: StoreOwner,
  { database, cluster }: Address,
  source: CheckSource,
  where: string,
): Promise<void> {
  const record = {
    read: async () => parseOwner(await redis.get(OWNER_KEY)),
    create: (first: Parameters<typeof ownerText>[0]) => redis.set(OWNER_KEY, ownerText(first), 'NX'),
    replace: (next: Parameters<typeof ownerText>[0]) => redis.set(OWNER_KEY, ownerText(next)),
  };
  await claimStore(record, owner, {
    source,
    where: cluster ? where : `database ${database} of ${where}`,
    alternative: cluster ? 'use another Redis Cluster' : 'set another database in its connection string',
  });
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

function parse(uri: string): Address | undefined {
  const match = /^(rediss?):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/(\d*))?(?:\?(.*))?$/.exec(uri);
  if (!match) return undefined;
  const [, scheme, account = '', hosts = '', database = '', query = ''] = match;
  const options = new URLSearchParams(query);
  const master = options.get('sentinel') ?? undefined;
  const cut = account.indexOf(':');
  return {
    hosts: hosts.split(',').map((each) => {
      const [, host = each, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(each) ?? [];
      return {
        host: host.replace(/^\[|\]$/g, ''),
        port: port === undefined ? (master === undefined ? 6_379 : 26_379) : Number(port),
      };
    }),
    username: decoded(cut < 0 ? '' : account.slice(0, cut)),
    password: decoded(account.slice(cut + 1)),
    database: Number(database),
    tls: scheme === 'rediss',
    cluster: options.get('cluster') === 'true',
    master,
    sentinelPassword: options.get('sentinelPassword') ?? undefined,
  };
}

function decoded(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}
