import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, admin, type Endpoint } from '@im/client';
import { type ServerConfigInput, tenantPath } from '@im/contract';
import {
  type ReservedPorts,
  reservePorts,
  type StartBackendsOptions,
  type StartedBackends,
  startBackends,
} from '@im/dev-stores';
import {
  planCluster,
  portsNeeded,
  proberPlan,
  TEST_TENANTS,
  type TenantOverrides,
  type TestTenant,
  type Topology,
  tenantInput,
  testTenant,
  withConsole,
} from './cluster-plan.ts';
import { type MongoProxy, startMongoProxy } from './mongo-proxy.ts';
import { type ServerProcess, serverProcess } from './server-process.ts';
import type { TestServer } from './test-server.ts';

/** Changes of a tenant, its signing key included. */
export type TenantChanges = TenantOverrides & { readonly tokenSecret?: string };

export interface ClusterOptions {
  readonly topology: Topology;
  /** Processes with the role transfer. @default 2, or 1 with topology `one` */
  readonly transfers?: number;
  /** @default TEST_TENANTS */
  readonly tenants?: readonly TestTenant[];
  /** Puts a relay before the database that can refuse commands. @default false */
  readonly mongoProxy?: boolean;
  /** Adds a process that sends checked messages as users of the first tenant. @default false */
  readonly prober?: boolean;
  /** Settings of the stores. */
  readonly stores?: Pick<StartBackendsOptions, 'nats' | 'redis' | 'mongo' | 's3'>;
  /** Adds a process that serves the web console alone. @default false */
  readonly console?: boolean;
  /** Added to the config of every process. */
  readonly config?: Partial<ServerConfigInput>;
  /** Entry instead of the product's. */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
}

/** A running server with its stores, on loopback, for tests. */
export interface Cluster extends TestServer {
  readonly topology: Topology;
  readonly stores: StartedBackends;
  readonly processes: readonly ServerProcess[];
  /** @throws RangeError for a name that no process has. */
  process(name: string): ServerProcess;
  /** Parts that are gateways, in order. */
  readonly gateways: readonly ServerProcess[];
  tenant(id: string): TestTenant;
  /**
   * Changes settings that a tenant started with, in the config of all processes, which take it over within 2 s;
   * `undefined` removes it.
   */
  changeTenant(id: string, settings: TenantChanges | undefined): void;
  /** Adds tenants to the config of all processes, which take them over within 2 s. */
  addTenants(ids: readonly string[]): void;
  /** The relay in front of the database, if requested. */
  readonly mongoProxy: MongoProxy | undefined;
  /** Ends everything and removes the folder, unless KEEP_LOGS is set. */
  close(): Promise<void>;
}

/** Starts stores and processes side by side, and waits until every process is ready. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const dir = mkdtempSync(join(tmpdir(), 'im-cluster-'));
  const processes: ServerProcess[] = [];
  const admins = new Map<string, Admin>();
  const tenants = new Map((options.tenants ?? TEST_TENANTS).map((each) => [each.id, each]));
  /** The current state after changes. */
  const inForce = new Map(tenants);
  let mongoProxy: MongoProxy | undefined;
  let stores: StartedBackends | undefined;
  let ports: ReservedPorts | undefined;
  let failed = false;

  async function close(): Promise<void> {
    for (const client of admins.values()) client.close();
    admins.clear();
    await Promise.allSettled(processes.map((each) => (each.pid === undefined ? undefined : each.kill())));
    const { nats, redis, mongo, s3 } = stores ?? {};
    // These files are not read again, so the stores need no orderly end.
    await Promise.allSettled(
      [nats, redis, mongo, s3].map((store) => (store?.pid ? store.kill() : undefined)),
    );
    await mongoProxy?.close();
    await stores?.stop();
    await ports?.release();
    if (process.env.KEEP_LOGS || failed) process.stderr.write(`logs are in ${dir}\n`);
    else rmSync(dir, { recursive: true, force: true });
  }

  try {
    stores = await startBackends({ ...options.stores, dir: join(dir, 'stores') });
    const planned = portsNeeded(options.topology, options.transfers);
    ports = await reservePorts(planned + (options.prober ? 1 : 0) + (options.console ? 2 : 0));
    if (options.mongoProxy) mongoProxy = await startMongoProxy(stores.mongo.uri);
    const addresses = {
      nats: stores.nats.uri,
      redis: stores.redis.uri,
      mongo: mongoProxy?.uri ?? stores.mongo.uri,
      s3: {
        endpoint: stores.s3.endpoint,
        accessKey: stores.s3.accessKey,
        secretKey: stores.s3.secretKey,
        region: stores.s3.region,
      },
    };
    const { entry, env, nodeFlags } = options;
    let plans = planCluster(options.topology, addresses, ports.ports, options.config, options.transfers, [
      ...tenants.values(),
    ]);
    if (options.prober) plans.push(proberPlan(plans, ports.ports[planned] ?? 0));
    if (options.console) {
      const [opsPort = 0, apiPort = 0] = ports.ports.slice(-2);
      plans = withConsole(plans, { opsPort, apiPort });
    }
    for (const plan of plans) {
      processes.push(serverProcess(plan, { dir, entry, env, nodeFlags }));
    }
    for (const each of processes) each.start();
    await Promise.all(processes.map((each) => each.untilReady()));
  } catch (error) {
    failed = true;
    await close();
    throw error;
  }

  const running = stores;
  const gateways = processes.filter((each) => each.plan.gatewayPort !== undefined);
  const find = (name: string): ServerProcess => {
    const found = processes.find((each) => each.name === name);
    if (!found)
      throw new RangeError(`no process is called ${name}: ${processes.map((each) => each.name).join(', ')}`);
    return found;
  };
  const tenant = (id: string): TestTenant => {
    const found = tenants.get(id);
    if (!found) throw new RangeError(`no tenant is called ${id}`);
    return found;
  };
  const configureAll = (): void => {
    for (const each of processes) each.configure({ tenants: [...inForce.values()].map(tenantInput) });
  };
  const endpoint = (id: string, gateway = 0): Endpoint => {
    const path = tenantPath(id);
    const apiProcess = processes.find((each) => each.plan.apiPort !== undefined);
    return {
      api: `http://127.0.0.1:${apiProcess?.plan.apiPort}${path}`,
      ws: `ws://127.0.0.1:${gateways[gateway % gateways.length]?.plan.gatewayPort}${path}`,
    };
  };

  return {
    topology: options.topology,
    dir,
    stores: running,
    processes,
    process: find,
    gateways,
    endpoint,
    tenant,
    changeTenant(id, settings) {
      const before = tenant(id);
      if (settings === undefined) inForce.delete(id);
      else {
        const { tokenSecret = before.tokenSecret, ...rest } = settings;
        inForce.set(id, { ...before, tokenSecret, settings: { ...before.settings, ...rest } });
      }
      configureAll();
    },
    addTenants(ids) {
      for (const id of ids) {
        tenants.set(id, testTenant(id));
        inForce.set(id, testTenant(id));
      }
      configureAll();
    },
    mongoProxy,
    admin(id) {
      let client = admins.get(id);
      if (!client) {
        const { adminUser, adminSecret } = tenant(id);
        client = admin(endpoint(id), { adminUser, secret: adminSecret });
        admins.set(id, client);
      }
      return client;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
