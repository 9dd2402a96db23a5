import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Backend,
  type ReservedPorts,
  reservePorts,
  type S3Backend,
  startMongo,
  startNats,
  startNatsCluster,
  startRedis,
  startS3,
} from '@im/dev-stores';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import type { CheckResult, CheckSource } from '../src/checks/check.ts';
import type { StoreOwner } from '../src/checks/identity.ts';
import { checkMongodb } from '../src/checks/mongodb.ts';
import { checkNats } from '../src/checks/nats.ts';
import { checkRedis } from '../src/checks/redis.ts';
import { checkS3 } from '../src/checks/s3.ts';

const PASSWORD = 'hunter2/secret';
const signal = new AbortController().signal;

const source = (store: string): CheckSource => ({
  managed: false,
  addressField: `spec.${store}.external.address`,
  accountField: `spec.${store}.external.account`,
  secret: 'store-account',
});

let dir = '';
let nats: Backend;
let mongo: Backend;
let redis: Backend;
let s3: S3Backend;
/** A port without a listener. */
let closed = 0;
let ports: ReservedPorts;
/** Takes connections and never says a word. */
let silent: Server;
let silentPort = 0;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-checks-'));
  ports = await reservePorts(1);
  closed = ports.ports[0] ?? 0;
  silent = createServer((socket) => socket.resume().on('error', () => undefined)).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  silentPort = typeof address === 'object' && address ? address.port : 0;
  [nats, mongo, redis, s3] = await Promise.all([
    startNats({
      dir: join(dir, 'nats'),
      extraConfig: [
        'accounts {',
        `  LOG { jetstream: enabled, users: [{ user: im, password: ${JSON.stringify(PASSWORD)} }] }`,
        `  BARE { users: [{ user: bare, password: ${JSON.stringify(PASSWORD)} }] }`,
        // The probe of the test's own start has no account.
        '  OPEN { jetstream: enabled, users: [{ user: open, password: open }] }',
        '}',
        'no_auth_user: open',
      ].join('\n'),
    }),
    startMongo({ dir: join(dir, 'mongo'), auth: { user: 'im', password: PASSWORD } }),
    startRedis({ dir: join(dir, 'redis') }),
    startS3({ dir: join(dir, 's3') }),
  ]);
  const client = new Redis(redis.uri);
  await client.config('SET', 'requirepass', PASSWORD);
  client.disconnect();
});

after(async () => {
  silent?.close();
  for (const backend of [nats, mongo, redis, s3]) await backend?.stop();
  await ports?.release();
  await rm(dir, { recursive: true, force: true });
});

function fault(result: CheckResult): { reason: string; message: string } {
  assert.equal(result.ok, false, JSON.stringify(result));
  assert.ok(!result.ok);
  assert.ok(!result.message.includes(PASSWORD), `a secret is in: ${result.message}`);
  assert.ok(!result.message.includes(encodeURIComponent(PASSWORD)), `a secret is in: ${result.message}`);
  return result;
}

function saysWhatToDo(result: CheckResult, reason: string, ...parts: (string | RegExp)[]): void {
  const found = fault(result);
  assert.equal(found.reason, reason, found.message);
  for (const part of parts) assert.match(found.message, typeof part === 'string' ? new RegExp(part) : part);
}

test('NATS: a usable server is reported with its version and, once it exists, the size of the log', async () => {
  const target = { source: source('nats'), servers: [nats.uri], user: 'im', password: PASSWORD, replicas: 1 };
  const first = await checkNats(target, signal);
  assert.ok(first.ok, JSON.stringify(first));
  assert.match(first.detail.version ?? '', /^2\./);
  assert.equal(first.detail.logBytes, undefined);

  const connection: NatsConnection = await connect({ servers: nats.uri, user: 'im', pass: PASSWORD });
  const config = { name: 'MSGS', subjects: ['im.*.msg.*'], max_bytes: 1_000_000, storage: 'file' };
  await connection.request('$JS.API.STREAM.CREATE.MSGS', JSON.stringify(config));
  await connection.request('im.t.msg.1', 'x'.repeat(500));
  await connection.close();
  const second = await checkNats(target, signal);
  assert.ok(second.ok);
  assert.equal(second.detail.logMaxBytes, 1_000_000);
  assert.ok((second.detail.logBytes ?? 0) > 500);
  assert.deepEqual([second.detail.logCopies, second.detail.logCopiesCurrent], [1, 1]);
});

test('NATS: a copy of the log whose server is killed no longer counts, without a majority that is said, and all count again when they are back', async () => {
  await using cluster = await startNatsCluster(join(dir, 'nats-cluster'));
  const { servers, uris } = cluster;
  const target = { source: source('nats'), servers: uris, replicas: 3 };
  const until = async (isSo: (result: CheckResult) => boolean) => {
    for (const deadline = performance.now() + 90_000; ; await sleep(250)) {
      const result = await checkNats(target, signal);
      if (isSo(result)) return;
      assert.ok(performance.now() < deadline, JSON.stringify(result));
    }
  };
  const untilCopies = (current: number) =>
    until(({ ok, ...result }) => {
      const { logCopies, logCopiesCurrent } = ok && 'detail' in result ? result.detail : {};
      return logCopies === 3 && logCopiesCurrent === current;
    });
  const connection = await connect({ servers: [...uris] });
  const config = { name: 'MSGS', subjects: ['im.*.msg.*'], storage: 'file', num_replicas: 3 };
  await connection.request('$JS.API.STREAM.CREATE.MSGS', JSON.stringify(config), { timeout: 10_000 });
  await connection.close();
  await untilCopies(3);
  const [, second, last] = servers;
  await last?.kill();
  await untilCopies(2);
  await second?.kill();
  await until((result) => !result.ok && /too few servers of its cluster are running/.test(result.message));
  await second?.restart();
  await last?.restart();
  await untilCopies(3);
});

test('NATS: a server that has started and answers nothing yet does not make the others unreachable', async () => {
  const starting = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(
      `INFO ${JSON.stringify({ server_id: 'x', version: '2.12.1', cluster: 'c', headers: true, max_payload: 1_048_576, proto: 1 })}\r\n`,
    );
    socket.on('data', (data) => {
      if (data.toString().includes('PING')) socket.write('PONG\r\n');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => starting.once('listening', resolve));
  try {
    const address = starting.address();
    const first = `nats://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    const account = { source: source('nats'), user: 'im', password: PASSWORD, replicas: 1 };
    const both = await checkNats({ ...account, servers: [first, nats.uri] }, signal);
    assert.ok(both.ok, JSON.stringify(both));
    const alone = await checkNats({ ...account, servers: [first] }, signal);
    saysWhatToDo(alone, 'Unreachable', 'too few servers of its cluster are running');
  } finally {
    starting.close();
  }
});

test('NATS: a fault is reported with field and remedy', async () => {
  const target = { source: source('nats'), servers: [nats.uri], user: 'im', password: PASSWORD, replicas: 1 };
  const [wrong, bare, copies, gone, mute] = await Promise.all([
    checkNats({ ...target, password: 'wrong-password' }, signal),
    checkNats({ ...target, user: 'bare' }, signal),
    checkNats({ ...target, replicas: 3 }, signal),
    checkNats({ ...target, servers: [`nats://127.0.0.1:${closed}`] }, signal),
    checkNats({ ...target, servers: [`nats://127.0.0.1:${silentPort}`] }, signal),
  ]);
  saysWhatToDo(
    wrong,
    'AuthenticationFailed',
    'spec.nats.external.account: ',
    'correct the account in Secret store-account',
  );
  saysWhatToDo(bare, 'JetStreamDisabled', 'spec.nats.external.address: ', 'enable it');
  saysWhatToDo(copies, 'NotClustered', '3 copies', 'spec.nats.external.replicas to 1');
  saysWhatToDo(gone, 'Unreachable', 'spec.nats.external.address: ', `127.0.0.1:${closed}`);
  saysWhatToDo(mute, 'Unreachable', 'is unreachable');
});

test('NATS: a server without what the log needs is refused by its version', async () => {
  // What a server of 2.9 says first; the client library needs no more to connect.
  const old = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(
      `INFO ${JSON.stringify({ server_id: 'x', version: '2.9.10', headers: true, max_payload: 1_048_576, proto: 1 })}\r\n`,
    );
    socket.on('data', (data) => {
      if (data.toString().includes('PING')) socket.write('PONG\r\n');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => old.once('listening', resolve));
  try {
    const address = old.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const servers = [`nats://127.0.0.1:${port}`];
    const result = await checkNats({ source: source('nats'), servers, replicas: 1 }, signal);
    saysWhatToDo(result, 'VersionTooOld', '2.9.10', '2.12.0 or later');
  } finally {
    old.close();
  }
});

test('MongoDB: a usable server is reported with its version', async () => {
  const target = { source: source('mongodb'), uri: mongo.uri, database: 'openim' };
  const uri = `${mongo.uri}&directConnection=true`;
  const results = await Promise.all([checkMongodb(target, signal), checkMongodb({ ...target, uri }, signal)]);
  for (const result of results) {
    assert.ok(result.ok, JSON.stringify(result));
    assert.match(result.detail.version ?? '', /^\d+\.\d+/);
  }
});

test('MongoDB: a set that exists is not initiated again', async () => {
  const initiate = { replicaSet: 'rs0', member: `127.0.0.1:${mongo.port}` };
  const target = { source: source('mongodb'), uri: mongo.uri, database: 'openim', initiate };
  assert.equal((await checkMongodb(target, signal)).ok, true);
});

test('MongoDB: a fault is reported with field and remedy', async () => {
  const target = { source: source('mongodb'), uri: mongo.uri, database: 'openim' };
  const at = `127.0.0.1:${mongo.port}`;
  const [wrong, anonymous, gone, mute, other, nonsense] = await Promise.all([
    checkMongodb(
      { ...target, uri: `mongodb://im:${encodeURIComponent(`${PASSWORD}x`)}@${at}/?authSource=admin` },
      signal,
    ),
    checkMongodb({ ...target, uri: `mongodb://${at}/` }, signal),
    checkMongodb(
      { ...target, uri: `mongodb://im:${encodeURIComponent(PASSWORD)}@127.0.0.1:${closed}/` },
      signal,
    ),
    checkMongodb({ ...target, uri: `mongodb://127.0.0.1:${silentPort}/` }, signal),
    checkMongodb({ ...target, uri: `${mongo.uri}&replicaSet=other` }, signal),
    checkMongodb({ ...target, uri: `mongodb://im:${PASSWORD}@@/` }, signal),
  ]);
  saysWhatToDo(
    wrong,
    'AuthenticationFailed',
    'spec.mongodb.external.account: ',
    'user im',
    'Secret store-account',
  );
  saysWhatToDo(anonymous, 'NotAuthorized', 'database openim');
  saysWhatToDo(gone, 'Unreachable', 'spec.mongodb.external.address: ', `127.0.0.1:${closed}`);
  saysWhatToDo(mute, 'Unreachable', /no answer within 3 s|timed out/);
  saysWhatToDo(other, 'Unreachable', 'spec.mongodb.external.address');
  saysWhatToDo(nonsense, 'InvalidAddress', 'Secret store-account');
});

test('Redis: a usable server is reported with its version', async () => {
  const uri = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}/0`;
  const result = await checkRedis({ source: source('redis'), uri }, signal);
  assert.ok(result.ok, JSON.stringify(result));
  assert.match(result.detail.version ?? '', /^[789]\./);
});

test('Redis: a fault is reported with field and remedy', async () => {
  const check = (uri: string) => checkRedis({ source: source('redis'), uri }, signal);
  const [wrong, anonymous, gone, mute, nonsense] = await Promise.all([
    check(`redis://:${encodeURIComponent(`${PASSWORD}x`)}@127.0.0.1:${redis.port}`),
    check(`redis://127.0.0.1:${redis.port}`),
    check(`redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${closed}`),
    check(`redis://127.0.0.1:${silentPort}`),
    check(`http://${encodeURIComponent(PASSWORD)}`),
  ]);
  saysWhatToDo(wrong, 'AuthenticationFailed', 'spec.redis.external.account: ', 'Secret store-account');
  saysWhatToDo(anonymous, 'AuthenticationFailed', 'Secret store-account');
  saysWhatToDo(gone, 'Unreachable', 'spec.redis.external.address: ', `127.0.0.1:${closed}`, 'ECONNREFUSED');
  saysWhatToDo(mute, 'Unreachable', 'no answer within 3 s');
  saysWhatToDo(nonsense, 'InvalidAddress', 'Secret store-account');
});

test('Redis: a replica is refused, because it is read-only', async () => {
  const uri = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}`;
  const client = new Redis(uri);
  try {
    await client.replicaof('127.0.0.1', closed);
    saysWhatToDo(await checkRedis({ source: source('redis'), uri }, signal), 'NotWritable', 'primary');
  } finally {
    await client.replicaof('NO', 'ONE');
    client.disconnect();
  }
});

test('S3: a missing bucket is created in managed storage alone, and an existing one is used', async () => {
  const { endpoint, accessKey, secretKey, region } = s3;
  const target = {
    source: source('objectStorage'),
    endpoint,
    region,
    keys: { accessKey, secretKey },
    bucket: 'openim',
  };
  const missing = await checkS3(target, signal);
  saysWhatToDo(missing, 'BucketUnavailable', 'has no bucket .*; create it');
  saysWhatToDo(await checkS3(target, signal), 'BucketUnavailable');
  const managed = { ...target, source: { ...target.source, managed: true } };
  assert.deepEqual(await checkS3(managed, signal), { ok: true, detail: {} });
  assert.deepEqual(await checkS3(target, signal), { ok: true, detail: {} });
});

test('S3: a fault is reported with field and remedy', async () => {
  const { endpoint, accessKey, secretKey, region } = s3;
  const target = {
    source: source('objectStorage'),
    endpoint,
    region,
    keys: { accessKey, secretKey },
    bucket: 'openim',
  };
  const [wrong, unknown, gone, mute, name, nonsense] = await Promise.all([
    checkS3({ ...target, keys: { accessKey, secretKey: PASSWORD } }, signal),
    checkS3({ ...target, keys: { accessKey: 'nobody', secretKey }, bucket: 'other' }, signal),
    checkS3({ ...target, endpoint: `http://127.0.0.1:${closed}` }, signal),
    checkS3({ ...target, endpoint: `http://127.0.0.1:${silentPort}` }, signal),
    checkS3({ ...target, bucket: 'No_Bucket' }, signal),
    checkS3({ ...target, endpoint: 'nowhere' }, signal),
  ]);
  saysWhatToDo(
    wrong,
    'AuthenticationFailed',
    'spec.objectStorage.external.account: ',
    'Secret store-account',
  );
  saysWhatToDo(unknown, 'AuthenticationFailed', 'Secret store-account');
  saysWhatToDo(gone, 'Unreachable', 'spec.objectStorage.external.address: ', `127.0.0.1:${closed}`);
  saysWhatToDo(mute, 'Unreachable', 'no answer within 3 s');
  saysWhatToDo(name, 'BucketUnavailable', 'spec.objectStorage.bucket: ', 'No_Bucket');
  saysWhatToDo(nonsense, 'InvalidAddress', 'not an http or https URL');
});

test('an external store belongs to the cluster that checked it first, until another one takes it over', async () => {
  const redisUri = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}`;
  const account = { user: 'im', password: PASSWORD };
  const checks = {
    nats: (owner: StoreOwner) =>
      checkNats({ source: source('nats'), servers: [nats.uri], ...account, replicas: 1, owner }, signal),
    mongodb: (owner: StoreOwner) =>
      checkMongodb({ source: source('mongodb'), uri: mongo.uri, database: 'owned', owner }, signal),
    redis: (owner: StoreOwner) =>
      checkRedis({ source: source('redis'), uri: `${redisUri}/1`, owner }, signal),
  };
  const [one, two] = [
    { id: 'id-1', name: 'im/one' },
    { id: 'id-2', name: 'im/two' },
  ];
  for (const [name, check] of Object.entries(checks)) {
    // Of two at the same time one gets it.
    const both = await Promise.all([check(one), check(two)]);
    assert.equal(both.filter(({ ok }) => ok).length, 1, `${name}: ${JSON.stringify(both)}`);
    const [first, second] = both[0].ok ? [one, two] : [two, one];
    assert.ok((await check(first)).ok, name);
    saysWhatToDo(
      await check(second),
      'UsedByAnotherCluster',
      `spec.${name}.external.address: `,
      `belongs to OpenIMCluster ${first.name} with ID ${first.id}`,
      `openim.io/take-over-stores=${first.id}`,
    );
    assert.equal((await check({ ...second, takeOver: 'id-3' })).ok, false, `${name}: another ID`);
    assert.ok((await check({ ...second, takeOver: first.id })).ok, name);
    assert.ok((await check(second)).ok, name);
    assert.equal((await check(first)).ok, false, name);
  }
  // Another database of the same server is free.
  assert.ok((await checkRedis({ source: source('redis'), uri: `${redisUri}/2`, owner: one }, signal)).ok);
});

test('a bucket belongs to the cluster that checked it first, until another one takes it over', async () => {
  const { endpoint, accessKey, secretKey, region } = s3;
  const place = { source: source('objectStorage'), endpoint, region, keys: { accessKey, secretKey } };
  const check = (owner: StoreOwner, managed = false) =>
    checkS3({ ...place, source: { ...place.source, managed }, bucket: 'owned', owner }, signal);
  const [one, two] = [
    { id: 'id-1', name: 'im/one' },
    { id: 'id-2', name: 'im/two' },
  ];
  assert.ok((await check(one, true)).ok, 'creates the bucket');
  for (let i = 0; i < 2; i++) assert.ok((await check(one)).ok);
  saysWhatToDo(
    await check(two),
    'UsedByAnotherCluster',
    'spec.objectStorage.external.address: bucket owned of object storage at ',
    'belongs to OpenIMCluster im/one with ID id-1',
    'set another spec.objectStorage.bucket',
    'take-over-stores=id-1',
  );
  assert.ok((await check({ ...two, takeOver: 'id-1' })).ok);
  assert.equal((await check(one)).ok, false);
});

test('a Redis Cluster belongs to one cluster, whichever of its nodes is asked', async () => {
  const nodes = await Promise.all(
    ['a', 'b'].map((name) => startRedis({ dir: join(dir, `cluster-${name}`), clusterNode: true })),
  );
  const clients = nodes.map(({ uri }) => new Redis(uri));
  try {
    const [first, second] = clients as [Redis, Redis];
    await first.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
    await second.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
    const bus = String(await second.call('CONFIG', 'GET', 'cluster-port')).split(',')[1] ?? '';
    await first.call('CLUSTER', 'MEET', '127.0.0.1', `${nodes[1]?.port}`, bus);
    for (const client of clients)
      while (!String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(50);
    const check = (node: number, owner: StoreOwner) =>
      checkRedis({ source: source('redis'), uri: `${nodes[node]?.uri}?cluster=true`, owner }, signal);
    const [one, two] = [
      { id: 'id-1', name: 'im/one' },
      { id: 'id-2', name: 'im/two' },
    ];
    for (const node of [0, 1, 0]) assert.ok((await check(node, one)).ok, `node ${node}`);
    for (const node of [0, 1])
      saysWhatToDo(await check(node, two), 'UsedByAnotherCluster', 'use another Redis Cluster');
  } finally {
    for (const client of clients) client.disconnect();
    for (const node of nodes) await node.stop();
  }
});

test('S3: without an account it is enough that the storage answers', async () => {
  const { endpoint, region } = s3;
  const target = { source: source('objectStorage'), endpoint, region, bucket: 'openim' };
  assert.deepEqual(await checkS3(target, signal), { ok: true, detail: {} });
  saysWhatToDo(await checkS3({ ...target, endpoint: `http://127.0.0.1:${closed}` }, signal), 'Unreachable');
});

test('no check leaves a connection open', async () => {
  const open = () => new Promise<number>((resolve) => silent.getConnections((_, count) => resolve(count)));
  for (let waited = 0; (await open()) > 0 && waited < 3_000; waited += 50) await sleep(50);
  assert.equal(await open(), 0);
});

test('a check ends with its signal, and says so by throwing', async () => {
  const target = { source: source('mongodb'), uri: `mongodb://127.0.0.1:${silentPort}/`, database: 'openim' };
  await assert.rejects(checkMongodb(target, AbortSignal.timeout(200)), { name: 'TimeoutError' });
  await assert.rejects(checkMongodb(target, AbortSignal.abort(new Error('stopped'))), /stopped/);
});
