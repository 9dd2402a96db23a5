import type { TenantId, TlsConfig } from '@im/contract';
import { beginStoreStep, KEY_SEPARATOR, type Metrics, token16 } from '@im/kit';
import { type Logger, tlsContext } from '@im/process';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { redisBreaker } from './redis-breaker.ts';
import { parseRedisUri } from './redis-uri.ts';

const COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 3_000;
const RECONNECT_MAX_MS = 1_000;

const STEP = { 'db.system.name': 'redis' };

/** Settings of the connection. */
export interface RedisConfig {
  readonly uri: string;
  readonly tls?: TlsConfig;
}

/** Either client has the same commands. In a cluster, a command must name keys of one slot: so one key each. */
export type RedisClient = Redis | Cluster;

/**
 * Copies, presence, limits: nothing here is the only place of anything. Commands fail at once when
 * Redis is away or has been too slow, so a caller falls back to the truth; commands of one tick travel together.
 */
export interface RedisCopies {
  /** The client, for callers that handle its errors themselves. */
  readonly client: RedisClient;
  /** Connected, and answering in time. */
  readonly up: boolean;
  /** What `work` finds in Redis, or `fallback` when Redis is away, refuses, or does not answer in time. */
  orElse<T>(work: (client: RedisClient) => Promise<T>, fallback: () => T | Promise<T>): Promise<T>;
}

/**
 * Key of something that belongs to a tenant. The parts are user input and appear only hashed.
 * @param kind what the key names, a constant of the code.
 */
export function redisKey(tenant: TenantId, kind: string, ...parts: readonly string[]): string {
  const prefix = `im:${tenant}:${kind}`;
  return parts.length === 0 ? prefix : `${prefix}:${token16(kind, parts.join(KEY_SEPARATOR))}`;
}

/** A client that connects, and connects again, in the background. */
export interface RedisConnection extends RedisCopies {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Makes the client for the URI's kind; nothing is connected yet.
 * @throws RangeError for a bad URI; Error that names the setting whose file for TLS cannot be used.
 */
export function redisConnection(
  config: RedisConfig,
  deps: { log: Logger; metrics: Metrics },
): RedisConnection {
  const client = createRedisClient(config, deps.log);
  const failures = deps.metrics.counter(
    'openim_store_redis_failures_total',
    'Redis commands that failed or found it away',
  );
  const breaker = redisBreaker({ ...deps, probe: () => client.ping() });
  let up = false;
  let reported = false;
  client.on('ready', () => {
    up = true;
    if (reported) deps.log.info('redis is back');
    reported = false;
  });
  client.on('close', () => {
    up = false;
  });
  client.on('error', (error: unknown) => {
    if (reported) return;
    reported = true;
    deps.log.warn({ err: error }, 'redis is away; copies are not used meanwhile');
  });
  deps.metrics.observe('openim_store_redis_up', 'Redis is connected', () => (up ? 1 : 0));

  return {
    client,
    get up() {
      return up && !breaker.open;
    },
    async orElse(work, fallback) {
      if (up && !breaker.open) {
        const step = beginStoreStep('redis', STEP);
        try {
          const found = await work(client);
          breaker.answered();
          step?.end();
          return found;
        } catch (error) {
          step?.end(error);
          if (isTimeout(error)) breaker.timedOut();
          else breaker.answered();
          deps.log.debug({ err: error }, 'redis command failed');
        }
      }
      failures.inc();
      return fallback();
    },
    start() {
      // Its failure is reported by the error event, and the client dials again by itself.
      client.connect().catch(() => undefined);
    },
    async stop() {
      breaker.close();
      client.disconnect();
    },
  };
}

/**
 * A client for the URI's kind; nothing is connected yet.
 * @throws RangeError for a bad URI; Error that names the setting whose file for TLS cannot be used.
 */
export function createRedisClient(config: RedisConfig, log: Logger): RedisClient {
  const tls = tlsContext(config.tls, 'redis.tls', log);
  const target = parseRedisUri(config.uri);
  const encrypted = target.tls ? { ...(tls && { secureContext: tls }) } : undefined;
  const options: RedisOptions = {
    username: target.username,
    password: target.password,
    tls: encrypted,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(RECONNECT_MAX_MS, times * 100),
  };
  switch (target.kind) {
    case 'cluster':
      return new Cluster(
        target.nodes.map((node) => ({ ...node })),
        {
          lazyConnect: true,
          enableOfflineQueue: false,
          enableAutoPipelining: true,
          clusterRetryStrategy: (times) => Math.min(RECONNECT_MAX_MS, times * 100),
          redisOptions: options,
        },
      );
    case 'sentinel':
      return new Redis({
        ...options,
        db: target.db,
        sentinels: target.nodes.map((node) => ({ ...node })),
        name: target.master,
        sentinelPassword: target.sentinelPassword,
        ...(encrypted && { sentinelTLS: encrypted, enableTLSForSentinelMode: true }),
        sentinelRetryStrategy: (times) => Math.min(RECONNECT_MAX_MS, times * 100),
      });
    case 'single':
      return new Redis({ ...options, db: target.db, ...target.nodes[0] });
    default:
      return target.kind satisfies never;
  }
}

/** What the client rejects a command with that had no answer in time; it has no separate type or code. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}
