import { createServer } from 'node:net';
import { checkMongodb } from '../src/checks/mongodb.ts';
import { checkNats } from '../src/checks/nats.ts';
import { checkRedis } from '../src/checks/redis.ts';
import { checkS3 } from '../src/checks/s3.ts';

const s = createServer((x) => x.resume().on('error', () => undefined)).listen(0, '127.0.0.1');
await new Promise((r) => s.once('listening', r));
const port = (s.address() as { port: number }).port;
const source = { managed: false, addressField: 'a', accountField: 'b', secret: 's' };
const signal = new AbortController().signal;
const at = `127.0.0.1:${port}`;
const checks = {
  nats: () => checkNats({ source, servers: [`nats://${at}`], replicas: 1 }, signal),
  mongo: () => checkMongodb({ source, uri: `mongodb://${at}/`, database: 'x' }, signal),
  redis: () => checkRedis({ source, uri: `redis://${at}` }, signal),
  s3: () =>
    checkS3(
      {
        source,
        endpoint: `http://${at}`,
        region: 'us-east-1',
        accessKey: 'a',
        secretKey: 'b',
        bucket: 'bbb',
      },
      signal,
    ),
};
for (const [name, check] of Object.entries(checks)) {
  const r = await check();
  await new Promise((r) => setTimeout(r, 300));
  console.log(name, JSON.stringify(r), await new Promise((r) => s.getConnections((_, n) => r(n))));
}
s.close();
console.log(process.getActiveResourcesInfo());
