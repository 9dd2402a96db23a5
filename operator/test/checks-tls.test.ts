import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type Backend,
  CertificateAuthority,
  type S3Backend,
  startMongo,
  startNats,
  startRedis,
  startS3,
  startTlsProxy,
  type TlsProxy,
} from '@im/dev-stores';
import type { CheckResult, CheckSource, CheckTls } from '../src/checks/check.ts';
import { checkMongodb } from '../src/checks/mongodb.ts';
import { checkNats } from '../src/checks/nats.ts';
import { checkRedis } from '../src/checks/redis.ts';
import { checkS3 } from '../src/checks/s3.ts';

type Store = 'nats' | 'mongodb' | 'redis' | 'objectStorage';

const signal = new AbortController().signal;
const authority = CertificateAuthority.create('stores');
const stranger = CertificateAuthority.create('stranger');
const issue = (usage: 'client' | 'server') =>
  authority.issue({ commonName: usage, usage, hosts: ['localhost', '127.0.0.1'] });
const server = issue('server');
const { certificate: cert, key } = issue('client');

const source = (store: Store): CheckSource => ({
  // In managed storage the check creates the bucket.
  managed: store === 'objectStorage',
  addressField: `spec.${store}.external.address`,
  accountField: `spec.${store}.external.account`,
  secret: 'store-account',
});

let dir: string;
let servers: readonly (Backend | S3Backend)[] = [];
let proxies: readonly TlsProxy[] = [];
let checks: Readonly<Record<Store, (tls: CheckTls) => Promise<CheckResult>>>;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-checks-tls-'));
  const pem = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return JSON.stringify(join(dir, name));
  };
  const [certFile, keyFile, caFile] = [
    await pem('server.crt', server.certificate),
    await pem('server.key', server.key),
    await pem('ca.crt', authority.certificate),
  ];
  const [nats, mongo, redis, s3] = await Promise.all([
    // Plain connections are for the probe that waits for the server.
    startNats({
      dir: join(dir, 'nats'),
      extraConfig: `allow_non_tls: true
tls { cert_file: ${certFile}, key_file: ${keyFile}, ca_file: ${caFile}, verify: true }`,
    }),
    startMongo({ dir: join(dir, 'mongo') }),
    startRedis({ dir: join(dir, 'redis') }),
    startS3({ dir: join(dir, 's3') }),
  ]);
  servers = [nats, mongo, redis, s3];
  const front = (uri: string) =>
    startTlsProxy(Number(new URL(uri).port), { pair: server, clients: authority.certificate });
  const [mongoProxy, redisProxy, s3Proxy] = await Promise.all([
    front(mongo.uri),
    front(redis.uri),
    front(s3.endpoint),
  ]);
  proxies = [mongoProxy, redisProxy, s3Proxy];
  const mongoUri = `mongodb://127.0.0.1:${mongoProxy.port}/?directConnection=true`;
  const endpoint = `https://localhost:${s3Proxy.port}`;
  const keys = { accessKey: s3.accessKey, secretKey: s3.secretKey };
  const natsUrl = nats.uri.replace('127.0.0.1', 'localhost');
  checks = {
    nats: (tls) => checkNats({ source: source('nats'), servers: [natsUrl], replicas: 1, tls }, signal),
    mongodb: (tls) =>
      checkMongodb({ source: source('mongodb'), uri: mongoUri, database: 'openim', tls }, signal),
    redis: (tls) =>
      checkRedis({ source: source('redis'), uri: `rediss://127.0.0.1:${redisProxy.port}`, tls }, signal),
    objectStorage: (tls) =>
      checkS3(
        { source: source('objectStorage'), endpoint, region: s3.region, keys, bucket: 'openim', tls },
        signal,
      ),
  };
});
after(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  for (const each of servers) await each.stop();
  await rm(dir, { recursive: true, force: true });
});

for (const store of ['nats', 'mongodb', 'redis', 'objectStorage'] as const) {
  test(`${store}: certificates are used; an unknown CA is named with its field and the remedy`, async () => {
    const usable = await checks[store]({ ca: authority.certificate, cert, key });
    assert.ok(usable.ok, JSON.stringify(usable));

    const unknown = await checks[store]({ ca: stranger.certificate, cert, key });
    assert.ok(!unknown.ok);
    assert.equal(unknown.reason, 'CertificateInvalid', unknown.message);
    const start = `^spec\\.${store}\\.external\\.tls: the certificate of .* is not trusted \\(`;
    assert.match(unknown.message, new RegExp(start));
    assert.match(unknown.message, /refer to the CA that issued it by caSecretRef or caConfigMapRef/);

    const bare = await checks[store]({ ca: authority.certificate });
    assert.equal(bare.ok, false, 'the server wants a client certificate');
  });
}
