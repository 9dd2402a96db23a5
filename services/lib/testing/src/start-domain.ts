import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { type Blob, createBlob } from '@im/blob';
import { type Bus, createBus } from '@im/bus';
import {
  ServerConfig,
  type TenantId,
  type TenantSettingsInput,
  tenantId,
  tenantSettings,
} from '@im/contract';
import type { BackendName, BackendTypes } from '@im/dev-stores';
import {
  type Invalidations,
  inProcessInvalidations,
  type Metrics,
  type MutableTenantDirectory,
  newInstanceId,
  staticTenants,
} from '@im/kit';
import {
  type BaseDeps,
  createLiveConfig,
  createMetrics,
  createTaskRunner,
  type Service,
  type ServiceModule,
  silentLogger,
  type TaskRunner,
} from '@im/process';
import { DOMAINS, type Domain } from '@im/protocol';
import { createRpc, type DomainService, type RpcRegistry } from '@im/rpc';
import { createStore, type NewUser, type Store, userRepo } from '@im/store';
import { createWebhooks, type Webhooks } from '@im/webhooks';
import { eventually } from './eventually.ts';
import { type HandedWebhook, webhookRecorder } from './handed-webhooks.ts';
import { notificationRecorder, type SentNotification } from './notifications.ts';
import { startStores } from './stores.ts';

/** What a domain service may require of its process. */
interface TestDeps extends BaseDeps {
  readonly rpc: RpcRegistry;
  readonly store: Store;
  readonly bus: Bus;
  readonly blob: Blob;
  readonly webhooks: Webhooks;
}

/** A domain service, whatever parts it requires. */
export type TestableService<N extends Domain> = ServiceModule<TestDeps> & { readonly name: N };

/** Methods of other domains in place of the real ones; a call of any other method fails. */
export type Fakes = { readonly [D in Domain]?: Partial<DomainService<D>> };

/** What the processes of one cluster share besides the store servers. */
export interface TestCluster {
  readonly database: string;
  /** In place of NATS. */
  readonly invalidations: Invalidations;
}

/** Options of {@link startDomain}. */
export interface DomainOptions {
  /**
   * Servers that run already. Without `redis` the domain runs as when Redis is down; with `nats` its bus is real.
   * @default those named by `servers`
   */
  readonly stores?: Partial<BackendTypes>;
  /** Servers that are started and ended with the domain. @default ['mongo'] */
  readonly servers?: readonly BackendName[];
  /** Started with the same one, domains are processes of one cluster. @default a new one */
  readonly cluster?: TestCluster;
  /** @default {@link TENANTS} */
  readonly tenants?: readonly TenantSettingsInput[];
  /** Settings besides those of the stores. */
  readonly config?: Record<string, unknown>;
  /** The other domains; `msg` records notifications in any case. */
  readonly fakes?: Fakes | ((store: Store) => Fakes);
  /** What the domain uses of a bus when there is no NATS. */
  readonly bus?: (store: Store) => BusPart;
}

/** Some of a bus. */
export type BusPart = { readonly [K in keyof Bus]?: Partial<Bus[K]> };

/** The test process of a domain. Calls are encoded as between processes. */
export interface TestProcess extends AsyncDisposable {
  readonly store: Store;
  readonly bus: Bus;
  /** Only with `s3`. */
  readonly blob: Blob;
  readonly tenants: MutableTenantDirectory;
  readonly tasks: TaskRunner;
  readonly metrics: Metrics;
  /** Registers users: by id, with nickname `N<id>` and face `F<id>`, or as described. */
  addUsers(tenant: TenantId, ...users: readonly (string | Partial<NewUser>)[]): Promise<void>;
  /** Notifications since the last call, in the order of sending. */
  takeSent(): SentNotification[];
  /** After-webhooks handed over since the last call, in their order. Receivers of before-webhooks may be at 127.0.0.1. */
  takeWebhooks(): Promise<HandedWebhook[]>;
  /** From now on the log refuses notifications, or takes them again. */
  refuseNotifications(on: boolean): void;
}

/** A domain under test; its client has the name of the domain, as in `domain.group`. */
export type TestDomain<N extends Domain> = TestProcess & { readonly [K in N]: DomainService<K> } & {
  /** A further process of the domain on the same store, or on one that stands for it; it has no periodic work. */
  another(store?: Store): Promise<DomainService<N>>;
};

/** Two tenants with the same user ids. */
export const TENANTS: readonly [TenantId, TenantId] = [tenantId('t1'), tenantId('t2')];

const DEFAULT_TENANTS = TENANTS.map((id) => ({ id, tokenSecret: 's', adminSecret: 's' }));
/** Nothing listens there. */
const NO_REDIS = 'redis://127.0.0.1:1';
const STOP_MS = 5_000;

/** A cluster with its own database. */
export function newCluster(): TestCluster {
  const database = `test_${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  return { database, invalidations: inProcessInvalidations() };
}

function configOf(
  stores: Partial<BackendTypes>,
  database: string,
  { s3: ofS3, ...more }: Record<string, unknown> = {},
) {
  const { mongo, redis, nats, s3 } = stores;
  return ServerConfig.parse({
    rpc: { encodeInProcess: true },
    webhooks: { allowedNetworks: ['127.0.0.1'] },
    mongo: { uri: mongo?.uri, database },
    redis: { uri: redis?.uri ?? NO_REDIS },
    ...(nats && { nats: { servers: [nats.uri] } }),
    ...(s3 && {
      s3: {
        endpoint: s3.endpoint,
        accessKey: s3.accessKey,
        secretKey: s3.secretKey,
        region: s3.region,
        ...(ofS3 as object | undefined),
      },
    }),
    ...more,
  });
}

function bindFakes(rpc: RpcRegistry, own: Domain, fakes: Fakes): void {
  for (const domain of DOMAINS) {
    const fake = fakes[domain];
    if (fake && domain !== own) rpc.bind(domain, fake as DomainService<typeof domain>);
  }
}

async function addUsers(
  store: Store,
  tenant: TenantId,
  users: readonly (string | Partial<NewUser>)[],
): Promise<void> {
  const defaults = { faceURL: '', ex: '', createTime: 1, appMangerLevel: 0, globalRecvMsgOpt: 0 };
  const described = users.map((user) =>
    typeof user === 'string' ? { userID: user, nickname: `N${user}`, faceURL: `F${user}` } : user,
  );
  const taken = await userRepo(store).insert(
    tenant,
    described.map((user) => ({ userID: '', nickname: 'n', ...defaults, ...user })),
  );
  assert.deepEqual(taken, []);
}

/** Starts a domain as one process runs it, and waits until it is ready. */
export async function startDomain<N extends Domain>(
  service: TestableService<N>,
  options: DomainOptions = {},
): Promise<TestDomain<N>> {
  const own = options.stores ? undefined : await startStores(...(options.servers ?? (['mongo'] as const)));
  const stores: Partial<BackendTypes> = own ?? options.stores ?? {};
  const { cluster = newCluster(), tenants: entries } = options;
  const config = configOf(stores, cluster.database, options.config);
  const log = silentLogger();
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const tenants = staticTenants((entries ?? DEFAULT_TENANTS).map((input) => tenantSettings(input)));
  const instanceId = newInstanceId();
  const base = { log, metrics, tasks, tenants, instanceId };
  const realBus = stores.nats && createBus(config.nats, base);
  const invalidations = realBus?.invalidations ?? cluster.invalidations;
  const store = createStore(config, { ...base, invalidations });
  const bus = realBus ?? ((options.bus?.(store) ?? {}) as Bus);
  const hooks = webhookRecorder();
  const webhooks = createWebhooks({
    ...{ tenants, metrics, log, live: createLiveConfig(config) },
    queue: hooks.queue,
  });
  const deps = {
    ...{ ...base, invalidations, store, bus, ops: { handle: () => {} }, webhooks },
    blob: stores.s3 ? createBlob(config.s3, base) : ({} as Blob),
    signal: new AbortController().signal,
  };
  const recorder = notificationRecorder();
  const { fakes = {} } = options;
  const others = typeof fakes === 'function' ? fakes(store) : fakes;

  async function create(over: Store, meters = metrics): Promise<{ service: Service; rpc: RpcRegistry }> {
    const rpc = createRpc(config, { log, metrics: meters, serve: false });
    bindFakes(rpc, service.name, { ...others, msg: { ...recorder.methods, ...others.msg } });
    return { rpc, service: await service.create(config, { ...deps, store: over, metrics: meters, rpc }) };
  }

  const { rpc, service: created } = await create(store);
  const running: Service[] = [...(realBus ? [realBus] : []), store, created];
  for (const part of running) await part.start();
  await eventually(() => {
    for (const part of running) assert.ok(part.ready().ready, part.ready().reason);
  });
  const process: TestProcess & Pick<TestDomain<N>, 'another'> = {
    ...{ store, bus, blob: deps.blob, tenants, tasks, metrics },
    addUsers: (tenant, ...users) => addUsers(store, tenant, users),
    takeSent: recorder.take,
    takeWebhooks: hooks.take,
    refuseNotifications: recorder.refuse,
    another: async (over = store) => (await create(over, createMetrics())).rpc.client(service.name),
    async [Symbol.asyncDispose]() {
      await created.stop(AbortSignal.timeout(STOP_MS));
      webhooks.close();
      await tasks.stop();
      await store.stop(AbortSignal.timeout(STOP_MS));
      await realBus?.stop(AbortSignal.timeout(STOP_MS));
      await own?.stop();
    },
  };
  return { ...process, [service.name]: rpc.client(service.name) } as TestDomain<N>;
}

/**
 * One domain for all tests of a file: started before them, ended after them; what it sent is forgotten before each.
 * What it has can be read once the tests run.
 * @param users are registered, by tenant.
 */
export function describeDomain<N extends Domain>(
  service: TestableService<N>,
  options: DomainOptions = {},
  users: Readonly<Record<string, readonly string[]>> = {},
): TestDomain<N> {
  const domain = {} as TestDomain<N>;
  before(async () => {
    Object.assign(domain, await startDomain(service, options));
    for (const [tenant, userIDs] of Object.entries(users)) {
      await domain.addUsers(tenantId(tenant), ...userIDs);
    }
  });
  after(() => domain[Symbol.asyncDispose]?.());
  beforeEach(() => {
    domain.refuseNotifications(false);
    domain.takeSent();
  });
  return domain;
}
