import { resolve } from 'node:path';
import { reservePorts, type StartedBackends, startBackends } from '@im/backends';
import {
  ConfigError,
  DEFAULT_TENANT,
  loadConfig,
  type ServerConfig,
  type TenantSettings,
  tenantSettings,
} from '@im/kit';
import { type RunningServer, runServer } from '@im/main';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { readSecret } from '../secrets.ts';
import { type DataDir, takeDataDir } from './data-dir.ts';

/** Flags of `openimctl dev`. */
export interface DevOptions {
  readonly apiPort: number;
  readonly wsPort: number;
  readonly opsPort: number;
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
  readonly logLevel: string;
}

/** Parts that a running server has left after this were not able to end in time. */
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

/** The tenants of the config, and those named by flags with secrets of their own; a flag's secret wins. */
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

async function configOf(dir: DataDir, stores: StartedBackends, options: DevOptions): Promise<ServerConfig> {
  const base = await loadConfig({
    file: options.config,
    set: {
      'log.level': options.logLevel,
      'listen.host': options.host,
      'ops.port': options.opsPort,
      'api.port': options.apiPort,
      'gateway.port': options.wsPort,
      'shutdown.deadlineMs': SHUTDOWN_MS,
      'nats.servers': [stores.nats.uri],
      'mongo.uri': stores.mongo.uri,
      'redis.uri': stores.redis.uri,
      's3.endpoint': stores.s3.endpoint,
      's3.accessKey': stores.s3.accessKey,
      's3.secretKey': stores.s3.secretKey,
      's3.region': stores.s3.region,
    },
  });
  return { ...base, tenants: tenantsOf(base, dir, options) };
}

/** Tells how far it is when something takes longer than a person likes to wait without a word. */
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

/** The options with a free port wherever 0 was given. */
async function withPorts(options: DevOptions): Promise<DevOptions & AsyncDisposable> {
  const reserved = await reservePorts(
    [options.apiPort, options.wsPort, options.opsPort].filter((p) => p === 0).length,
  );
  const free = [...reserved.ports];
  const port = (given: number) => (given === 0 ? (free.pop() as number) : given);
  return {
    ...options,
    apiPort: port(options.apiPort),
    wsPort: port(options.wsPort),
    opsPort: port(options.opsPort),
    [Symbol.asyncDispose]: () => reserved.release(),
  };
}

function announce(dir: DataDir, config: ServerConfig, options: DevOptions): void {
  const host = options.host === '0.0.0.0' ? '127.0.0.1' : options.host;
  const state = {
    pid: process.pid,
    api: `http://${host}:${options.apiPort}`,
    ws: `ws://${host}:${options.wsPort}`,
    ops: `http://${host}:${options.opsPort}`,
    adminUser: options.adminUser,
    adminSecrets: Object.fromEntries(config.tenants.map((t) => [t.id, t.adminSecret])),
  };
  dir.publish(state);
  const { api, ws, ops } = state;
  process.stdout.write(`${JSON.stringify({ ready: true, api, ws, ops })}\n`);
}

/**
 * Runs stores and server until a signal comes or a store is lost.
 * @throws CommandError when the directory is taken, the config is wrong or something cannot start.
 */
export async function runDev(given: DevOptions): Promise<void> {
  const stop = new AbortController();
  const end = (reason: Error) => stop.abort(reason);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => end(new Error(`stopped by ${signal}`)));
  }
  const dir = await takeDataDir(resolve(given.dataDir));
  let lost: Error | undefined;
  try {
    await using options = await withPorts(given);
    await using stores = await startStores(dir, options, (error) => {
      lost = error;
      end(error);
    });
    const config = await configOf(dir, stores, options);
    await using server = await runServer(config, { roles: ['all'], signal: stop.signal });
    await untilReady(server, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    if (!stop.signal.aborted) announce(dir, config, options);
    await server.stopped;
  } catch (error) {
    if (error instanceof ConfigError) throw usageError(error.message);
    throw error;
  } finally {
    await dir.release();
  }
  if (lost !== undefined) throw new CommandError(EXIT.environment, `a store server ended: ${lost.message}`);
}
