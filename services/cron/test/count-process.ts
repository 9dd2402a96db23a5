import { tenantId, tenantSettings } from '@im/contract';
import { inProcessInvalidations, sleep, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createStore, messageCounter } from '@im/store';

// Counts the messages of a tenant in small batches: node count-process.ts <mongo> <redis> <tenant>
const [mongo = '', redis = '', tenant = ''] = process.argv.slice(2);
const [log, metrics] = [silentLogger(), createMetrics()];
const store = createStore(
  { mongo: { uri: mongo, database: 'cron', maxPoolSize: 5 }, redis: { uri: redis } },
  {
    ...{ log, metrics },
    tasks: createTaskRunner({ log, metrics }),
    tenants: staticTenants([tenantSettings({ id: tenant, tokenSecret: 's', adminSecret: 's' })]),
    invalidations: inProcessInvalidations(),
  },
);
await store.start();
while (!store.ready().ready) await sleep(20);
const never = new AbortController().signal;
const budget = { messages: 1_000_000, until: Number.POSITIVE_INFINITY, signal: never };
await messageCounter(store, { batchMessages: 1 }).count(tenantId(tenant), 0, budget);
process.exit(0);
