import { DEFAULT_ADMIN_USER, type ServerConfigInput, type TenantSettingsInput } from '@im/contract';
import { DOMAINS, type Domain } from '@im/protocol';

/** How a cluster is cut into processes: everything in one, or 2 gateways, 2 transfers, 2 rpc, api, push and cron. */
export type Topology = 'one' | 'many';

/** Addresses of the stores. */
export interface StoreAddresses {
  readonly nats: string;
  readonly redis: string;
  readonly mongo: string;
  readonly s3: { readonly endpoint: string; readonly accessKey: string; readonly secretKey: string };
}

/** One process to start. */
export interface ProcessPlan {
  readonly name: string;
  /** Arguments after `serve`. */
  readonly roles: readonly string[];
  readonly config: ServerConfigInput;
  readonly opsPort: number;
  readonly gatewayPort?: number;
  readonly apiPort?: number;
}

/** A tenant of test clusters. */
export interface TestTenant {
  readonly id: string;
  readonly adminUser: string;
  readonly adminSecret: string;
  readonly tokenSecret: string;
  /** What differs from the defaults. */
  readonly settings?: TenantOverrides;
}

/** Settings of a tenant, without its name and secrets. */
export type TenantOverrides = Partial<
  Omit<TenantSettingsInput, 'id' | 'adminSecret' | 'tokenSecret' | 'adminUserIDs'>
>;

/** A tenant for tests, with its own secrets. */
export function testTenant(id: string, settings: TenantOverrides = {}): TestTenant {
  return {
    id,
    adminUser: DEFAULT_ADMIN_USER,
    adminSecret: `admin secret of ${id}`,
    tokenSecret: `token secret of ${id}`,
    settings,
  };
}

/** The tenants of test clusters; both have the same user ids. */
export const TEST_TENANTS: readonly TestTenant[] = [testTenant('default'), testTenant('t2')];

/** A tenant as in the config. */
export function tenantInput({ id, adminUser, adminSecret, tokenSecret, settings }: TestTenant) {
  return { ...settings, id, adminSecret, tokenSecret, adminUserIDs: [adminUser] };
}

/** Default number of processes with the role transfer. */
const TRANSFERS = { one: 1, many: 2 } as const;

/** Ports that {@link planCluster} hands out. */
export function portsNeeded(topology: Topology, transfers: number = TRANSFERS[topology]): number {
  return topology === 'one' ? 2 + transfers + DOMAINS.length : 7 + transfers + 2 + 1 + 2 * DOMAINS.length;
}

/**
 * The processes of a cluster with their configs: pure, so that a test can hold it against the schema.
 * @param ports as many free ones as {@link portsNeeded}.
 */
export function planCluster(
  topology: Topology,
  stores: StoreAddresses,
  ports: readonly number[],
  extra: Partial<ServerConfigInput> = {},
  transfers: number = TRANSFERS[topology],
  tenants: readonly TestTenant[] = TEST_TENANTS,
): ProcessPlan[] {
  let used = 0;
  const take = (): number => {
    const port = ports[used++];
    if (port === undefined) throw new RangeError('not enough ports');
    return port;
  };
  const rpcPorts = (): Record<Domain, number> => {
    return Object.fromEntries(DOMAINS.map((domain) => [domain, take()])) as Record<Domain, number>;
  };
  const rpcProcesses = Array.from({ length: topology === 'one' ? 1 : 2 }, rpcPorts);

  function config(opsPort: number, own: { gateway?: number; api?: number; rpc?: Record<Domain, number> }) {
    const domains = Object.fromEntries(
      DOMAINS.map((domain) => [
        domain,
        {
          port: (own.rpc ?? rpcProcesses[0])?.[domain],
          addresses: rpcProcesses.map((process) => `127.0.0.1:${process[domain]}`),
        },
      ]),
    );
    const base: ServerConfigInput = {
      log: { level: 'info' },
      listen: { host: '127.0.0.1' },
      ops: { port: opsPort },
      rpc: { domains, key: 'key of the test cluster', encodeInProcess: topology === 'one' },
      nats: { servers: [stores.nats] },
      mongo: { uri: stores.mongo },
      redis: { uri: stores.redis },
      s3: stores.s3,
      push: { provider: 'log' },
      tenants: tenants.map(tenantInput),
    };
    return {
      ...withSections(base, extra),
      gateway: { ...extra.gateway, ...(own.gateway === undefined ? {} : { port: own.gateway }) },
      api: { ...extra.api, ...(own.api === undefined ? {} : { port: own.api }) },
    };
  }
  function plan(
    name: string,
    roles: string[],
    own: { gateway?: number; api?: number; rpc?: Record<Domain, number> } = {},
  ) {
    const opsPort = take();
    const made: ProcessPlan = {
      name,
      roles,
      config: config(opsPort, own),
      opsPort,
      ...(own.gateway === undefined ? {} : { gatewayPort: own.gateway }),
      ...(own.api === undefined ? {} : { apiPort: own.api }),
    };
    return made;
  }

  if (topology === 'one') {
    const gateway = take();
    const api = take();
    const others = Array.from({ length: transfers - 1 }, (_, i) => `transfer-${i + 2}`);
    return [plan('all', ['all'], { gateway, api }), ...others.map((name) => plan(name, ['transfer']))];
  }
  return [
    ...rpcProcesses.map((rpc, i) => plan(`rpc-${i + 1}`, ['rpc'], { rpc })),
    ...Array.from({ length: transfers }, (_, i) => plan(`transfer-${i + 1}`, ['transfer'])),
    plan('gateway-1', ['gateway'], { gateway: take() }),
    plan('gateway-2', ['gateway'], { gateway: take() }),
    plan('api', ['api'], { api: take() }),
    plan('push', ['push']),
    plan('cron', ['cron']),
  ];
}

/** One more process, which sends checked messages as users of the first tenant. */
export function proberPlan(plans: readonly ProcessPlan[], opsPort: number): ProcessPlan {
  const [first] = plans;
  const tenant = first?.config.tenants?.[0]?.id;
  if (!first || tenant === undefined) throw new RangeError('a prober needs a process and a tenant');
  const apiPort = plans.find((plan) => plan.apiPort !== undefined)?.apiPort;
  const gatewayPort = plans.find((plan) => plan.gatewayPort !== undefined)?.gatewayPort;
  return {
    name: 'prober',
    roles: ['prober'],
    opsPort,
    config: {
      ...first.config,
      ops: { port: opsPort },
      prober: {
        tenant,
        apiURL: `http://127.0.0.1:${apiPort}`,
        gatewayURL: `ws://127.0.0.1:${gatewayPort}`,
        roundSeconds: 2,
      },
    },
  };
}

/** What a process with everything runs when others call it. */
const ALL_BUT_ALONE = ['rpc', 'transfer', 'push', 'cron', 'api', 'gateway'];

/** The processes with one more, which serves the web console alone. */
export function withConsole(
  plans: readonly ProcessPlan[],
  { opsPort, apiPort }: { readonly opsPort: number; readonly apiPort: number },
): ProcessPlan[] {
  const [first, ...others] = plans;
  if (!first) throw new RangeError('a console needs a process');
  const served = first.roles.includes('all') ? { ...first, roles: ALL_BUT_ALONE } : first;
  const api = { ...first.config.api, port: apiPort };
  const config = { ...first.config, ops: { port: opsPort }, api };
  return [served, ...others, { name: 'console', roles: ['console'], opsPort, apiPort, config }];
}

/** Adds to each section of a config, instead of replacing it. */
function withSections(base: ServerConfigInput, extra: Partial<ServerConfigInput>): ServerConfigInput {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, section] of Object.entries(extra)) {
    const own = merged[name];
    const both = isSection(own) && isSection(section);
    merged[name] = both ? { ...own, ...section } : section;
  }
  return merged;
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
