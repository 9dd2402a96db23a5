import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, createBus } from '@im/bus';
import {
  ServerConfig,
  type TenantId,
  type TenantSettingsInput,
  tenantId,
  tenantSettings,
} from '@im/contract';
import { startMongo, startRedis } from '@im/dev-stores';
import {
  type CallContext,
  background as contextOf,
  type Invalidations,
  inProcessInvalidations,
  newInstanceId,
  sleep,
  staticTenants,
} from '@im/kit';
import { createBackground, createMetrics, silentLogger } from '@im/process';
import { type event, ImError } from '@im/protocol';
import { createRpc, type DomainService } from '@im/rpc';
import { createStore, type NewUser, type Store, tokenRepo, userRepo } from '@im/store';
import { module } from '../src/index.ts';
import { tokenCopies } from '../src/token-copies.ts';
import { createTokens, type Tokens } from '../src/tokens.ts';

/** MongoDB and Redis for one test file. */
export async function startServers() {
  const dir = await mkdtemp(join(tmpdir(), 'im-auth-'));
  const mongo = await startMongo({ dir: join(dir, 'mongo') });
  const redis = await startRedis({ dir: join(dir, 'redis') });
  return {
    mongo,
    redis,
    async stop() {
      if (mongo.pid !== undefined) await mongo.kill();
      if (redis.pid !== undefined) await redis.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type Servers = Awaited<ReturnType<typeof startServers>>;

/** One tenant per policy, and one with a key of its own. */
export const TENANTS: readonly TenantSettingsInput[] = [
  ...([0, 1, 4, 5] as const).map((policy) => ({
    id: `p${policy}`,
    tokenSecret: 'openIM123',
    adminSecret: 'letmein',
    multiLogin: { policy, maxNumOneEnd: 2 },
  })),
  { id: 'other', tokenSecret: 'another key', adminSecret: 'letmein' },
];

export const P1 = tenantId('p1');

/** The auth domain as one process runs it. */
export interface AuthProcess extends AsyncDisposable {
  readonly auth: DomainService<'auth'>;
  readonly store: Store;
  /** Published by this process; with NATS, heard by it. */
  readonly kicks: event.Kick[];
  /** Tokens with a clock of their own, over the same stores. */
  tokens(now: () => number): Tokens;
}

/**
 * One process. Those of a cluster share the database and hear of each other by NATS, when there is one, else by
 * invalidations that they share.
 */
export async function startAuth(
  servers: { mongo: { uri: string }; redis: { uri: string }; nats?: { uri: string } },
  cluster: { database: string; invalidations: Invalidations },
): Promise<AuthProcess> {
  const log = silentLogger();
  const metrics = createMetrics();
  const background = createBackground({ log, metrics });
  const tenants = staticTenants(TENANTS.map((input) => tenantSettings(input)));
  const config = ServerConfig.parse({
    mongo: { uri: servers.mongo.uri, database: cluster.database, maxPoolSize: 10 },
    redis: { uri: servers.redis.uri },
  });
  const natsConfig = ServerConfig.parse(servers.nats ? { nats: { servers: [servers.nats.uri] } } : {}).nats;
  const real =
    servers.nats && createBus(natsConfig, { log, metrics, background, instanceId: newInstanceId() });
  const invalidations = real?.invalidations ?? cluster.invalidations;
  const store = createStore(config, { log, metrics, background, tenants, invalidations });
  const rpc = createRpc(config, { log, metrics, serve: false });
  const kicks: event.Kick[] = [];
  const events = { publishKick: (_tenant: TenantId, kick: event.Kick) => kicks.push(kick) };
  const bus = real ?? ({ events } as unknown as Bus);
  real?.events.subscribeAllKicks((_tenant, kick) => kicks.push(kick));
  const signal = new AbortController().signal;
  const service = await module.create(config, {
    ...{ log, metrics, background, tenants, invalidations, rpc, store, bus, signal },
    ops: { handle: () => {} },
    instanceId: 'test',
  });
  const backends = [store, ...(real ? [real] : [])];
  for (const backend of backends) await backend.start();
  await service.start();
  for (const deadline = Date.now() + 60_000; !backends.every((b) => b.ready().ready); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not ready: ${backends.map((b) => b.ready().reason)}`);
  }
  return {
    auth: rpc.client('auth'),
    store,
    kicks,
    tokens: (now) =>
      createTokens({ store, repo: tokenRepo(store), copies: tokenCopies(store, background), log, now }),
    async [Symbol.asyncDispose]() {
      await service.stop(AbortSignal.timeout(1_000));
      await background.stop();
      for (const backend of backends) await backend.stop(AbortSignal.timeout(5_000));
    },
  };
}

/** A cluster of its own. */
export function newCluster(): { database: string; invalidations: Invalidations } {
  const database = `auth_${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  return { database, invalidations: inProcessInvalidations() };
}

export function ctxOf(tenant: TenantId, timeoutMs = 20_000): CallContext {
  return contextOf(tenant, 'test', { timeoutMs });
}

/** Registers users. */
export async function register(store: Store, tenant: TenantId, ...users: Partial<NewUser>[]): Promise<void> {
  const defaults = {
    nickname: 'n',
    faceURL: '',
    ex: '',
    createTime: 1,
    appMangerLevel: 0,
    globalRecvMsgOpt: 0,
  };
  await userRepo(store).insert(
    tenant,
    users.map((user) => ({ userID: '', ...defaults, ...user })),
  );
}

/** The code that a call fails with; 0 when it succeeds. */
export async function codeOf(work: Promise<unknown>): Promise<number> {
  try {
    await work;
    return 0;
  } catch (error) {
    if (error instanceof ImError) return error.code;
    throw error;
  }
}
