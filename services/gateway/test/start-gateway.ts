import type { GatewayAnswers } from '@im/bus';
import { type GatewayStatus, parseConfig, type ServerConfigInput, tenantSettings } from '@im/contract';
import { inProcessInvalidations, type Metrics, type MutableTenantDirectory, staticTenants } from '@im/kit';
import {
  createLiveConfig,
  createLogger,
  createMetrics,
  createOpsServer,
  createStatus,
  createTaskRunner,
  type MutableLiveConfig,
  READY,
  type Readiness,
} from '@im/process';
import { createGateway } from '../src/create-gateway.ts';
import type { GatewayService } from '../src/gateway.ts';
import { FakeEvents, FakeFeed, FakeRpc } from './fakes.ts';

/** An after-event of a webhook. */
export interface Report {
  readonly tenant: string;
  readonly event: string;
  readonly id: string;
  readonly body: object;
}

/** A gateway with fake services. */
export interface TestGateway extends AsyncDisposable {
  readonly service: GatewayService;
  readonly port: number;
  readonly rpc: FakeRpc;
  readonly feed: FakeFeed;
  readonly events: FakeEvents;
  /** What it answers about its connections, once started. */
  readonly answers: GatewayAnswers;
  readonly tenants: MutableTenantDirectory;
  readonly live: MutableLiveConfig;
  readonly metrics: Metrics;
  /** After-events of webhooks that it handed over. */
  readonly reports: readonly Report[];
  /** Sets the readiness of the bus. */
  setBus(readiness: Readiness): void;
  /** Its current status. */
  readonly status: GatewayStatus;
  /** Asks the ops port. */
  ops(method: 'GET' | 'POST', path: string, body?: string): Promise<{ status: number; body: unknown }>;
  /** Sum of a metric's samples with these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

const SECRETS = { tokenSecret: 's', adminSecret: 's' };

/** Starts a gateway on a free port of 127.0.0.1. */
export async function startGateway(gateway: ServerConfigInput['gateway'] = {}): Promise<TestGateway> {
  const config = parseConfig({
    listen: { host: '127.0.0.1' },
    shutdown: { deadlineMs: 3_000, settleMs: 1 },
    gateway: { port: 0, handshakes: { ratePerSecond: 0, perLogin: { ratePerSecond: 0 } }, ...gateway },
  });
  const log = createLogger({ level: process.env.LOG === undefined ? 'silent' : 'debug' });
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const reports: Report[] = [];
  const rpc = new FakeRpc();
  const events = new FakeEvents();
  const tenants = staticTenants([
    tenantSettings({ id: 'default', ...SECRETS }),
    tenantSettings({ id: 't2', hosts: ['t2.example.test'], ...SECRETS }),
  ]);
  const live = createLiveConfig(config);
  const ops = createOpsServer({ host: '127.0.0.1', port: 0, log, metrics });
  const status = createStatus({
    version: 'test',
    instance: 'gw-test',
    roles: ['gateway'],
    readiness: () => service.ready(),
    configHash: () => '',
    delay: { p99: () => 0, stop: () => {} },
  });
  const opsPort = await ops.start();
  let feed: FakeFeed | undefined;
  let answers: GatewayAnswers | undefined;
  let busReady = READY;
  const service = createGateway(config, {
    log,
    metrics,
    tasks,
    tenants,
    invalidations: inProcessInvalidations(),
    ops: ops.routes,
    status,
    live,
    instanceId: 'gw-test',
    signal: new AbortController().signal,
    rpc,
    webhooks: {
      enabled: ({ tenant }, event) => tenants.get(tenant)?.webhooks.events[event]?.enable === true,
      async after(ctx, event, body, { id = '' } = {}) {
        reports.push({ tenant: ctx.tenant, event, id, body });
      },
    },
    bus: {
      ready: () => busReady,
      events,
      gateways: {
        serve(_gatewayID, own) {
          answers = own;
          return () => {};
        },
      },
      deliveries: {
        feed: (options) => {
          feed = new FakeFeed(options);
          return feed;
        },
      },
    },
  });
  try {
    await service.start();
  } catch (error) {
    await ops.stop();
    throw error;
  }
  if (!feed || !answers) throw new Error('the gateway made no feed, or answers nothing');
  return {
    service,
    port: service.port(),
    rpc,
    feed,
    events,
    answers,
    tenants,
    live,
    metrics,
    reports,
    setBus(readiness) {
      busReady = readiness;
    },
    get status() {
      const { gateway: own } = status.read();
      if (!own) throw new Error('the gateway reports nothing of itself');
      return own;
    },
    async ops(method, path, body) {
      const response = await fetch(`http://127.0.0.1:${opsPort}${path}`, { method, body });
      return { status: response.status, body: await response.json() };
    },
    async metric(name, labels = {}) {
      const samples = await metrics.values(name);
      return samples
        .filter((s) => Object.entries(labels).every(([key, value]) => s.labels[key] === value))
        .reduce((sum, { value }) => sum + value, 0);
    },
    async [Symbol.asyncDispose]() {
      await service.stop(AbortSignal.timeout(1_000));
      await ops.stop();
      await tasks.stop();
    },
  };
}
