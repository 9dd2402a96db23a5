import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CertificateAuthority, startTlsProxy, type TlsProxy } from '@im/dev-stores';
import { sleep } from '@im/kit';
import { createMetrics, type Logger, silentLogger } from '@im/process';
import { mongoAddress, mongoConnection } from '../src/mongo.ts';
import { type RedisConnection, redisConnection } from '../src/redis.ts';
import { startServers } from './harness.ts';

const authority = CertificateAuthority.create('stores');
const stranger = CertificateAuthority.create('stranger');
const issue = (by: CertificateAuthority, usage: 'client' | 'server') =>
  by.issue({ commonName: usage, usage, hosts: ['127.0.0.1'] });
const client = issue(authority, 'client');

let dir: string;
let servers: Awaited<ReturnType<typeof startServers>>;
let proxies: { mongo: TlsProxy; redis: TlsProxy };
const identity = { pair: issue(authority, 'server'), clients: authority.certificate };

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-store-tls-'));
  servers = await startServers();
  const front = (uri: string) => startTlsProxy(Number(new URL(uri).port), identity);
  proxies = { mongo: await front(servers.uris.mongo), redis: await front(servers.uris.redis) };
});
after(async () => {
  await proxies?.mongo[Symbol.asyncDispose]();
  await proxies?.redis[Symbol.asyncDispose]();
  await servers?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function files(ca: CertificateAuthority, pair = client) {
  const [caFile, certFile, keyFile] = ['ca.crt', 'tls.crt', 'tls.key'].map((name) => join(dir, name));
  assert.ok(caFile && certFile && keyFile);
  await writeFile(caFile, ca.certificate);
  await writeFile(certFile, pair.certificate);
  await writeFile(keyFile, pair.key);
  return { caFile, certFile, keyFile };
}

/** A logger that keeps the messages of errors. */
function errorsOf(): { readonly errors: string[]; readonly log: Logger } {
  const errors: string[] = [];
  const warn = (fields: { err?: Error }) => errors.push(fields.err?.message ?? '');
  return { errors, log: { ...silentLogger(), warn, info: () => {} } as unknown as Logger };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await holds()); await sleep(10)) {
    assert.ok(Date.now() < deadline, what);
  }
}

const mongoUri = () => `mongodb://127.0.0.1:${proxies.mongo.port}/?directConnection=true`;
const redisUri = () => `rediss://127.0.0.1:${proxies.redis.port}`;

test('MongoDB is reached with the CA and the client certificate', async () => {
  const log = silentLogger();
  const address = mongoAddress({ uri: mongoUri(), tls: await files(authority) }, log);
  const mongo = mongoConnection(address, 2, { log, metrics: createMetrics() });
  try {
    await mongo.connect(AbortSignal.timeout(10_000));
    const ping = () => mongo.client.db('admin').command({ ping: 1 });
    assert.equal((await ping()).ok, 1);

    // The server, its CA and the client's certificate are replaced; the process goes on.
    await files(stranger, issue(stranger, 'client'));
    proxies.mongo.use({ pair: issue(stranger, 'server'), clients: stranger.certificate });
    const pings = () =>
      ping().then(
        () => true,
        () => false,
      );
    await until('connected again', pings);
  } finally {
    await mongo.client.close(true);
    proxies.mongo.use(identity);
  }
});

test('a MongoDB server of another CA is refused with a reason that names the certificate', async () => {
  const { errors, log } = errorsOf();
  const address = mongoAddress({ uri: mongoUri(), tls: await files(stranger) }, log);
  const mongo = mongoConnection(address, 2, { log, metrics: createMetrics() });
  const stop = new AbortController();
  const connecting = mongo.connect(stop.signal).catch(() => undefined);
  await until('the refusal is logged', () => errors.length > 0);
  stop.abort();
  await connecting;
  await mongo.client.close(true);
  assert.match(errors[0] ?? '', /certificate/);
});

async function withRedis(
  ca: CertificateAuthority,
  work: (redis: RedisConnection, errors: readonly string[]) => Promise<void>,
): Promise<void> {
  const { errors, log } = errorsOf();
  const redis = redisConnection({ uri: redisUri(), tls: await files(ca) }, { log, metrics: createMetrics() });
  redis.start();
  try {
    await work(redis, errors);
  } finally {
    await redis.stop();
  }
}

test('Redis is reached with the CA and the client certificate, also after both were replaced', async () => {
  await withRedis(authority, async (redis) => {
    await until('connected', () => redis.up);
    assert.equal(await redis.client.ping(), 'PONG');

    await files(stranger, issue(stranger, 'client'));
    proxies.redis.use({ pair: issue(stranger, 'server'), clients: stranger.certificate });
    await until('disconnected', () => !redis.up);
    await until('connected again', () => redis.up);
    assert.equal(await redis.client.ping(), 'PONG');
  });
  proxies.redis.use(identity);
});

test('a Redis server of another CA is refused with a reason that names the certificate', async () => {
  await withRedis(stranger, async (redis, errors) => {
    await until('the refusal is logged', () => errors.length > 0);
    assert.match(errors[0] ?? '', /certificate/);
    assert.equal(redis.up, false);
  });
});
