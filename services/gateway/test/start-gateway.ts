import {
  createBackground,
  createLogger,
  createMetrics,
  inProcessInvalidations,
  type Metrics,
  type MutableTenantDirectory,
  ServerConfig,
  type ServerConfigInput,
  staticTenants,
  tenantSettings,
} from '@im/kit';
import { createGateway, type GatewayService } from '../src/index.ts';
import { FakeEvents, FakeFeed, FakeRpc } from './fakes.ts';

/** A gateway beside fake services. */
export interface TestGateway extends AsyncDisposable {
  readonly service: GatewayService;
  readonly port: number;
  readonly rpc: FakeRpc;
  readonly feed: FakeFeed;
  readonly events: FakeEvents;
  readonly tenants: MutableTenantDirectory;
  readonly metrics: Metrics;
  /** Sum of a metric's samples with these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

const SECRETS = { tokenSecret: 's', adminSecret: 's' };

/** Starts a gateway on a free port of 127.0.0.1. */
export async function startGateway(gateway: ServerConfigInput['gateway'] = {}): Promise<TestGateway> {
  const config = ServerConfig.parse({
    listen: { host: '127.0.0.1' },
    shutdown: { deadlineMs: 3_000 },
    gateway: { port: 0, handshakes: { ratePerSecond: 0 }, ...gateway },
  });
  const log = createLogger({ level: process.env.LOG === undefined ? 'silent' : 'debug' });
  const metrics = createMetrics();
  const background = createBackground({ log, metrics });
  const rpc = new FakeRpc();
  const events = new FakeEvents();
  const tenants = staticTenants([
    tenantSettings({ id: 'default', ...SECRETS }),
    tenantSettings({ id: 't2', hosts: ['t2.example.test'], ...SECRETS }),
  ]);
  let feed: FakeFeed | undefined;
  const service = createGateway(config, {
    log,
    metrics,
    background,
    tenants,
    invalidations: inProcessInvalidations(),
    ops: { handle: () => {} },
    instanceId: 'gw-test',
    signal: new AbortController().signal,
    rpc,
    bus: {
      events,
      deliveries: {
        feed: (options) => {
          feed = new FakeFeed(options);
          return feed;
        },
      },
    },
  });
  await service.start();
  if (!feed) throw new Error('the gateway made no feed');
  return {
    service,
    port: service.port(),
    rpc,
    feed,
    events,
    tenants,
    metrics,
    async metric(name, labels = {}) {
      const samples = await metrics.values(name);
      return samples
        .filter((s) => Object.entries(labels).every(([key, value]) => s.labels[key] === value))
        .reduce((sum, { value }) => sum + value, 0);
    },
    async [Symbol.asyncDispose]() {
      await service.stop(AbortSignal.timeout(1_000));
      await background.stop();
    },
  };
}
