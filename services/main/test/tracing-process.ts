import { registerHooks } from 'node:module';

/** Runs a server with every service until it is killed, and prints which packages of OpenTelemetry it has loaded: with tracing off, then on. */
const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\/(@opentelemetry\/[^/]+)\//.exec(url) ?? [];
    if (name) loaded.add(name);
    return next(url, context);
  },
});

const { parseConfig } = await import('@im/contract');
const { runServer } = await import('../src/index.ts');

// Nothing listens there: a process starts without its stores.
const nowhere = '127.0.0.1:1';
const configOf = (endpoint: string) =>
  parseConfig({
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    api: { port: 0 },
    gateway: { port: 0 },
    nats: { servers: [`nats://${nowhere}`] },
    mongo: { uri: `mongodb://${nowhere}` },
    redis: { uri: `redis://${nowhere}` },
    s3: { endpoint: `http://${nowhere}`, accessKey: 'k', secretKey: 's' },
    push: { provider: 'log' },
    shutdown: { settleMs: 1, deadlineMs: 1_000 },
    tracing: { endpoint, sampleRatio: 1 },
    tenants: [{ id: 'default', tokenSecret: 's', adminSecret: 's' }],
  });
const server = await runServer(configOf(''), { roles: ['all'] });
const off = [...loaded].sort();
server.reconfigure(configOf(`http://${nowhere}`));
for (let looks = 0; looks < 3_000 && !loaded.has('@opentelemetry/sdk-trace'); looks++)
  await new Promise((resolve) => setTimeout(resolve, 20));
console.log(JSON.stringify({ off, on: [...loaded].sort() }));
