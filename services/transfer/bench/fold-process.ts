import { createBus } from '@im/bus';
import { parseConfig, tenantSettings } from '@im/contract';
import { newInstanceId, sleep, staticTenants } from '@im/kit';
import { createLogger, createMetrics, createOpsServer, createTaskRunner } from '@im/process';
import { createStore } from '@im/store';
import { transferService } from '../src/index.ts';

/** Addresses of the servers, as the parent gives them. */
interface Addresses {
  readonly nats: string;
  readonly mongo: string;
  readonly redis: string;
}

/** CPU time of this process and the time of each step, reported to the parent on request. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly stages: readonly { readonly stage: string; readonly meanMs: number; readonly count: number }[];
}

const addresses: Addresses = JSON.parse(process.argv[2] ?? '{}');
const config = parseConfig({
  nats: { servers: [addresses.nats] },
  mongo: { uri: addresses.mongo, database: 'bench' },
  redis: { uri: addresses.redis },
});
const log = createLogger({ level: 'warn' });
const metrics = createMetrics();
const tasks = createTaskRunner({ log, metrics });
const instanceId = newInstanceId();
const tenants = staticTenants([tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' })]);
const bus = createBus(config.nats, { log, metrics, tasks, instanceId });
const store = createStore(config, { log, metrics, tasks, tenants, invalidations: bus.invalidations });
const ops = createOpsServer({ host: '127.0.0.1', port: 0, log, metrics });
const service = await transferService.create(config, {
  bus,
  store,
  log,
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
await service.start();
while (!service.ready().ready) await sleep(20);

async function usage(): Promise<Usage> {
  const { user, system } = process.cpuUsage();
  const samples = await metrics.values('openim_transfer_stage_seconds');
  const sampleOf = (stage: string, suffix: string) =>
    samples.find(({ name, labels }) => name.endsWith(suffix) && labels.stage === stage)?.value ?? 0;
  const stages = ['load', 'rows', 'effects', 'deliver'].map((stage) => {
    const count = sampleOf(stage, '_count');
    return { stage, count, meanMs: count === 0 ? 0 : (sampleOf(stage, '_sum') / count) * 1_000 };
  });
  return { cpuMs: (user + system) / 1_000, rssBytes: process.memoryUsage().rss, stages };
}

process.on('message', (message) => {
  if (message === 'usage') void usage().then((answer) => process.send?.(answer));
  else process.exit(0);
});
process.send?.('ready');
