import { resolve } from 'node:path';
import { DEFAULT_TENANT, type ServerConfig, type TenantSettings, tenantSettings } from '@im/contract';
import { reservePorts, type StartedBackends, startBackends } from '@im/dev-stores';
import { type RunningServer, runServer } from '@im/main';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readSecret } from '../secrets.ts';
import { loadServerConfig } from '../server-config.ts';
import { stopOnSignals } from '../signals.ts';
import { type DataDir, takeDataDir } from './data-dir.ts';
import { reachedAt } from './reached-at.ts';
import type { DevState } from './state.ts';

/** Flags of `openimctl dev`. */
export interface DevOptions {
  readonly apiPort?: number;
  readonly wsPort?: number;
  readonly opsPort?: number;
  readonly host: string;
  readonly adminSecret?: string;
  readonly adminSecretFile?: string;
  readonly adminUser: string;
  readonly tenant: readonly string[];
  readonly dataDir: string;
  readonly config?: string;
  readonly natsUrl?: string;
  readonly mongoUri?: string;
  readonly redisUrl?: string;
  readonly s3Endpoint?: string;
  readonly logLevel?: string;
}

/** Components of a running server that are left after this did not stop in time. */
const SHUTDOWN_MS = 5_000;

function startStores(
  dir: DataDir,
  options: DevOptions,
  onLost: (error: Error) => void,
): Promise<StartedBackends> {
  return startBackends({
    dir: resolve(dir.path, 'stores'),
    nats: { uri: options.natsUrl },
    mongo: { uri: options.mongoUri },
    redis: { uri: options.redisUrl },
    s3: { uri: options.s3Endpoint },
    onUnexpectedExit: onLost,
  });
}

/** The tenants of the config, and those named by flags with their own secrets; a flag's secret wins. */
function tenantsOf(config: ServerConfig, dir: DataDir, options: DevOptions): TenantSettings[] {
  const known = new Map(config.tenants.map((t): [string, TenantSettings] => [t.id, t]));
  for (const id of [DEFAULT_TENANT, ...options.tenant]) {
    if (known.has(id)) continue;
    known.set(id, tenantSettings({ id, ...dir.secrets(id), adminUserIDs: [options.adminUser] }));
  }
  const given = readSecret({
    value: options.adminSecret,
    file: options.adminSecretFile,
    fileOption: '--admin-secret-file',
    env: 'OPENIM_ADMIN_SECRET',
  });
  return [...known.values()].map((t) =>
    t.id === DEFAULT_TENANT && given !== undefined ? { ...t, adminSecret: given } : t,
  );
}

/** The config of file and flags, before there are stores. */
function givenConfig(options: DevOptions): Promise<ServerConfig> {
  const flags = {
    'log.level': options.logLevel,
    'listen.host': options.host,
    'ops.port': options.opsPort,
    'api.port': options.apiPort,
    'gateway.port': options.wsPort,
    'shutdown.deadlineMs': SHUTDOWN_MS,
  };
  const set = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return loadServerConfig(options.config, set);
}

/** Ports that clients and operators use, 0 replaced by a free one. */
interface ServedPorts extends AsyncDisposable {
  readonly api: number;
  readonly gateway: number;
  readonly ops: number;
}

async function servedPorts({ api, gateway, ops }: ServerConfig): Promise<ServedPorts> {
  const given = [api.port, gateway.port, ops.port];
  const reserved = await reservePorts(given.filter((port) => port === 0).length);
  const free = [...reserved.ports];
  const port = (wanted: number) => (wanted === 0 ? (free.pop() as number) : wanted);
  return {
    api: port(api.port),
    gateway: port(gateway.port),
    ops: port(ops.port),
    [Symbol.asyncDispose]: () => reserved.release(),
  };
}

/** Where `openimctl webhook listen` receives. */
const OWN_MACHINE = ['127.0.0.0/8', '::1'];

function completeConfig(
  base: ServerConfig,
  ports: ServedPorts,
  stores: StartedBackends,
  tenants: TenantSettings[],
): ServerConfig {
  const { endpoint, accessKey, secretKey, region } = stores.s3;
  return {
    ...base,
    ops: { ...base.ops, port: ports.ops },
    api: { ...base.api, port: ports.api },
    gateway: { ...base.gateway, port: ports.gateway },
    nats: { ...base.nats, servers: [stores.nats.uri] },
    mongo: { ...base.mongo, uri: stores.mongo.uri },
    redis: { ...base.redis, uri: stores.redis.uri },
    s3: { ...base.s3, endpoint, accessKey, secretKey, region },
    webhooks: { ...base.webhooks, allowedNetworks: [...base.webhooks.allowedNetworks, ...OWN_MACHINE] },
    tenants,
  };
}

/** Shows progress when something takes longer than a person likes to wait without output. */
async function untilReady(server: RunningServer, signal: AbortSignal): Promise<void> {
  const timer = setInterval(() => {
    process.stderr.write(`openimctl dev: waiting for ${server.readiness().reason ?? 'readiness'}\n`);
  }, 2_000);
  try {
    await server.untilReady(signal);
  } finally {
    clearInterval(timer);
  }
}

/** How the stores are reached, by dotted path. */
function storesOf({ nats, mongo, redis, s3 }: ServerConfig): DevState['stores'] {
  return {
    'nats.servers': nats.servers,
    'mongo.uri': mongo.uri,
    'redis.uri': redis.uri,
    's3.endpoint': s3.endpoint,
    's3.accessKey': s3.accessKey,
    's3.secretKey': s3.secretKey,
    's3.region': s3.region,
  };
}

function announce(dir: DataDir, config: ServerConfig, options: DevOptions): void {
  const host = reachedAt(options.host);
  const api = `http://${host}:${config.api.port}`;
  const ws = `ws://${host}:${config.gateway.port}`;
  const ops = `http://${host}:${config.ops.port}`;
  dir.publish({
    pid: process.pid,
    api,
    ws,
    ops,
    adminUser: options.adminUser,
    adminSecrets: Object.fromEntries(config.tenants.map((t) => [t.id, t.adminSecret])),
    stores: storesOf(config),
  });
  process.stdout.write(`${JSON.stringify({ ready: true, api, ws, ops })}\n`);
}

/**
 * Runs stores and server until a signal comes or a store is lost.
 * @throws CommandError when the directory is taken, the config is wrong or something cannot start.
 */
export async function runDev(options: DevOptions): Promise<void> {
  const storeLost = new AbortController();
  const stop = AbortSignal.any([stopOnSignals(), storeLost.signal]);
  const base = await givenConfig(options);
  const dir = await takeDataDir(resolve(options.dataDir));
  try {
    await using ports = await servedPorts(base);
    await using stores = await startStores(dir, options, (error) => storeLost.abort(error));
    const config = completeConfig(base, ports, stores, tenantsOf(base, dir, options));
    await using server = await runServer(config, { roles: ['all'], signal: stop });
    await untilReady(server, stop).catch((error: unknown) => {
      if (!stop.aborted) throw error;
    });
    if (!stop.aborted) announce(dir, config, options);
    await server.stopped;
  } finally {
    await dir.release();
  }
  if (storeLost.signal.aborted) {
    const { message } = storeLost.signal.reason as Error;
    throw new CommandError(EXIT.environment, `a store server ended: ${message}`);
  }
}
