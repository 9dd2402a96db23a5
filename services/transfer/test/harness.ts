import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, createBus } from '@im/bus';
import { parseConfig, type ServerConfig, type TenantId, tenantId, tenantSettings } from '@im/contract';
import { type Backend, startMongo, startNats, startRedis } from '@im/dev-stores';
import { type Metrics, type MutableTenantDirectory, sleep, staticTenants } from '@im/kit';
import { createMetrics, createOpsServer, createTaskRunner, type Service, silentLogger } from '@im/process';
import { decode, encode, type log, make } from '@im/protocol';
import { createStore, msgRows, type Store } from '@im/store';
import { transferService } from '../src/index.ts';

export const TENANT: TenantId = tenantId('default');

/** NATS and MongoDB for one test file. */
export async function startServers() {
  const dir = await mkdtemp(join(tmpdir(), 'transfer-'));
  const [nats, mongo, redis] = await Promise.all([
    startNats({ dir: join(dir, 'nats') }),
    startMongo({ dir: join(dir, 'mongo') }),
    startRedis({ dir: join(dir, 'redis') }),
  ]);
  return {
    /** Folder of each server's files, by its name. */
    dir,
    nats,
    mongo,
    redis,
    async stop() {
      await Promise.all([nats, mongo, redis].map((server: Backend) => server.kill()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type Servers = Awaited<ReturnType<typeof startServers>>;

/** Changes of a process's parts, to plant faults. */
export interface Plant {
  readonly bus?: (bus: Bus) => Bus;
  readonly store?: (store: Store) => Store;
}

/** One process's parts, as main puts them together. */
export interface TestProcess extends AsyncDisposable {
  readonly bus: Bus;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly service: Service;
  stop(): Promise<void>;
  /** Ends everything but the service, which is left as a dead process leaves it. */
  abandon(): Promise<void>;
}

async function untilReady(name: string, part: Service): Promise<void> {
  for (const deadline = Date.now() + 60_000; !part.ready().ready; await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`${name} is not ready: ${part.ready().reason}`);
  }
}

/** Starts parts on a database, with or without the transfer service. */
export async function startProcess(
  servers: Servers,
  database: string,
  options: {
    readonly transfer: boolean;
    readonly plant?: Plant;
    readonly wait?: boolean;
    /** Is given the directory of tenants before anything starts. */
    readonly tenants?: (tenants: MutableTenantDirectory) => void;
    readonly nats?: Partial<ServerConfig['nats']>;
  } = { transfer: true },
): Promise<TestProcess> {
  const config: ServerConfig = parseConfig({
    nats: { servers: [servers.nats.uri], ...options.nats },
    mongo: { uri: servers.mongo.uri, database },
    redis: { uri: servers.redis.uri },
    transfer: { leaseMs: 1_500 },
    tenants: [],
  });
  const logger = silentLogger();
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log: logger, metrics });
  const tenants = staticTenants([tenantSettings({ id: TENANT, tokenSecret: 's', adminSecret: 's' })]);
  options.tenants?.(tenants);
  const instanceId = `test-${Math.random().toString(36).slice(2, 8)}`;
  const rawBus = createBus(config.nats, { log: logger, metrics, tasks, instanceId });
  const bus = options.plant?.bus?.(rawBus) ?? rawBus;
  const rawStore = createStore(config, {
    log: logger,
    metrics,
    tasks,
    tenants,
    invalidations: bus.invalidations,
  });
  const store = options.plant?.store?.(rawStore) ?? rawStore;
  const ops = createOpsServer({ host: '127.0.0.1', port: 0, log: logger, metrics });
  const service = await transferService.create(config, {
    bus,
    store,
    log: logger,
    metrics,
    tasks,
    tenants,
    instanceId,
    invalidations: bus.invalidations,
    ops: ops.routes,
    status: { add: () => {} },
    signal: new AbortController().signal,
  });
  await bus.start();
  await store.start();
  if (options.transfer) await service.start();
  if (options.wait ?? true) {
    await untilReady('bus', bus);
    await untilReady('store', store);
    if (options.transfer) await untilReady('transfer', service);
  }
  let stopped: Promise<void> | undefined;
  const abandon = () => {
    stopped ??= (async () => {
      // What a dead process was doing never returns, so its tasks are not waited for.
      await Promise.race([tasks.stop(), sleep(500)]);
      await rawBus.stop(AbortSignal.timeout(500));
      await rawStore.stop(AbortSignal.timeout(500));
    })();
    return stopped;
  };
  const stop = () => {
    stopped ??= (async () => {
      if (options.transfer) await service.stop(AbortSignal.timeout(5_000));
      await tasks.stop();
      await store.stop(AbortSignal.timeout(2_000));
      await bus.stop(AbortSignal.timeout(2_000));
    })();
    return stopped;
  };
  return { bus, store, metrics, service, stop, abandon, [Symbol.asyncDispose]: stop };
}

/** Deliveries that a gateway would forward, in order. */
export function listen(
  bus: Bus,
  users: readonly string[],
  groups: readonly string[] = [],
  tenant: TenantId = TENANT,
) {
  const got: log.Delivery[] = [];
  const gaps: string[] = [];
  const feed = bus.deliveries.feed({
    onDelivery: (delivery) => got.push(delivery),
    onGap: (reason) => gaps.push(reason),
  });
  for (const user of users) feed.addUser(tenant, user);
  for (const group of groups) feed.addGroup(tenant, group);
  return { got, gaps, feed };
}

/** The record of one text in a single chat; the same text is the same message. */
export function textRecord(
  text: string,
  options: { from?: string; to?: string; stored?: boolean } = {},
): log.Record {
  const { from = 'a', to = 'b', stored = true } = options;
  const conversationID = `si_${[from, to].sort().join('_')}`;
  return make('log.Record', {
    dedupKey: createHash('sha256').update(`${from}>${to}:${text}`).digest().subarray(0, 16),
    version: 1,
    tenant: TENANT,
    operationID: `op-${text}`,
    sendID: from,
    recvID: to,
    sessionType: 1,
    contentType: 101,
    sendTime: 1,
    entries: [
      make('log.Entry', {
        conversationID,
        stored,
        msgData: encode(
          'sdkws.MsgData',
          make('sdkws.MsgData', { sendID: from, recvID: to, clientMsgID: text }),
        ),
        userIDs: [to, from],
        senderReads: true,
        conversationOwners: [from, to],
      }),
    ],
  });
}

/** Appends a record as msg does. */
export async function append(bus: Bus, record: log.Record): Promise<void> {
  const key = record.groupID || [record.sendID, record.recvID].sort().join('_');
  await bus.log.append(TENANT, bus.partitionOf(key), encode('log.Record', record));
}

/** What a conversation holds up to a seq beyond `last`: seq and clientMsgID of each row, in order. */
export async function rowsOf(
  store: Store,
  conversationID: string,
  last: number,
  tenant: TenantId = TENANT,
): Promise<[number, string][]> {
  const bounds = { first: 1, last: last + 50 };
  const rows = await msgRows(store).span(tenant, conversationID, bounds, {
    limit: bounds.last,
    descending: false,
  });
  return rows.map((row) => [row.seq, row.msgData ? decode('sdkws.MsgData', row.msgData).clientMsgID : '']);
}

/** Waits until `check` holds. @throws with what it said last. */
export async function eventually(
  check: () => Promise<string | undefined> | string | undefined,
  timeoutMs = 60_000,
): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(20)) {
    const missing = await check();
    if (missing === undefined) return;
    if (Date.now() > deadline) throw new Error(missing);
  }
}
