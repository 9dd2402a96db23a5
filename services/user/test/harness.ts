import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, createBus } from '@im/bus';
import { ServerConfig, type TenantId, tenantId, tenantSettings } from '@im/contract';
import { startMongo, startRedis } from '@im/dev-stores';
import {
  type CallContext,
  background as contextOf,
  type Invalidations,
  inProcessInvalidations,
  type MutableTenantDirectory,
  newInstanceId,
  sleep,
  staticTenants,
} from '@im/kit';
import { createBackground, createMetrics, silentLogger } from '@im/process';
import { type event, ImError, make, type msg } from '@im/protocol';
import { createRpc, type DomainService } from '@im/rpc';
import { createStore, type Store } from '@im/store';
import { module } from '../src/index.ts';

/** MongoDB and Redis for one test file. */
export async function startServers() {
  const dir = await mkdtemp(join(tmpdir(), 'im-user-'));
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

export const T1 = tenantId('t1');
/** A tenant with a database of its own. */
export const T2 = tenantId('t2');
/** A gateway that was silent for longer than this is dead. */
export const LIMIT_MS = 3_000;
/** Commands that a user may keep. */
export const MOST_COMMANDS = 5;

/** The user domain as one process runs it; other domains only record what they are told. */
export interface UserProcess extends AsyncDisposable {
  readonly user: DomainService<'user'>;
  readonly bus: Bus;
  readonly store: Store;
  readonly tenants: MutableTenantDirectory;
  readonly presences: event.Presence[];
  readonly notifications: msg.SendNotificationReq[];
  /** `relation u1` or `group u1` for each profile change that they heard of. */
  readonly fanOut: string[];
}

/** What the processes of one cluster share beside the servers. */
export interface TestCluster {
  readonly database: string;
  readonly invalidations: Invalidations;
}

/** Starts the domain and waits until it is ready; with NATS, presence and invalidations travel by it. */
export async function startUser(
  servers: Pick<Servers, 'mongo' | 'redis'> & { readonly nats?: { readonly uri: string } },
  cluster: TestCluster,
): Promise<UserProcess> {
  const log = silentLogger();
  const metrics = createMetrics();
  const background = createBackground({ log, metrics });
  const secrets = { tokenSecret: 's', adminSecret: 's' };
  const tenants = staticTenants([
    tenantSettings({ id: T1, ...secrets }),
    tenantSettings({ id: T2, placement: 'Dedicated', adminUserIDs: ['boss', 'deputy'], ...secrets }),
  ]);
  const config = ServerConfig.parse({
    mongo: { uri: servers.mongo.uri, database: cluster.database, maxPoolSize: 10 },
    redis: { uri: servers.redis.uri },
    rpc: { encodeInProcess: true },
    gateway: { presence: { limitMs: LIMIT_MS } },
    limits: { userCommands: MOST_COMMANDS },
  });
  const natsConfig = ServerConfig.parse(servers.nats ? { nats: { servers: [servers.nats.uri] } } : {}).nats;
  const real =
    servers.nats && createBus(natsConfig, { log, metrics, background, instanceId: newInstanceId() });
  const invalidations = real?.invalidations ?? cluster.invalidations;
  const store = createStore(config, { log, metrics, background, tenants, invalidations });
  const rpc = createRpc(config, { log, metrics, serve: false });
  const presences: event.Presence[] = [];
  const notifications: msg.SendNotificationReq[] = [];
  const fanOut: string[] = [];
  rpc.bind('msg', {
    sendNotification: async (_ctx: CallContext, request: msg.SendNotificationReq) => {
      notifications.push(request);
      return make('msg.SendNotificationResp');
    },
  } as never);
  for (const domain of ['relation', 'group'] as const) {
    rpc.bind(domain, {
      userProfileChanged: async (_ctx: CallContext, { userID }: { userID: string }) => {
        fanOut.push(`${domain} ${userID}`);
        return make('relation.UserProfileChangedResp');
      },
    } as never);
  }
  const events = {
    publishPresence: (_tenant: TenantId, presence: event.Presence) => presences.push(presence),
  };
  const bus = real ?? ({ events } as unknown as Bus);
  const service = await module.create(config, {
    ...{ log, metrics, background, tenants, invalidations, rpc, store, bus },
    signal: new AbortController().signal,
    ops: { handle: () => {} },
    instanceId: 'test',
  });
  const parts = [...(real ? [real] : []), store, service];
  for (const part of parts) await part.start();
  for (const deadline = Date.now() + 60_000; !parts.every((part) => part.ready().ready); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not ready: ${parts.map((part) => part.ready().reason)}`);
  }
  return {
    ...{ user: rpc.client('user'), bus, store, tenants, presences, notifications, fanOut },
    async [Symbol.asyncDispose]() {
      await service.stop(AbortSignal.timeout(1_000));
      await background.stop();
      await store.stop(AbortSignal.timeout(5_000));
      await real?.stop(AbortSignal.timeout(5_000));
    },
  };
}

export function newCluster(): TestCluster {
  const database = `user_${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  return { database, invalidations: inProcessInvalidations() };
}

/** A call by a user, or by an administrator. */
export function by(userID: string, tenant: TenantId = T1): CallContext {
  return {
    ...contextOf(tenant, 'op', { timeoutMs: 300_000 }),
    opUserID: userID,
    opPlatformID: 5,
    opAdmin: userID === 'imAdmin',
  };
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

/** Waits until `check` holds. @throws after 10 s. */
export async function eventually(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await check()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
  }
}
