import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { Client as S3Client } from 'minio';
import { MongoClient } from 'mongodb';
import {
  type KubernetesCluster,
  loadStoreImages,
  type StoreImages,
  type UsedCluster,
  useCluster,
} from '../index.ts';
import { apply, restrictedNamespace, type StorePod, storeManifests } from './pods.ts';

const NAMESPACE = `stores-${randomBytes(3).toString('hex')}`;
const PASSWORD = 'pass/word with spaces';
const ACCOUNT = { accessKey: 'openim', secretKey: 'openim-test-secret' };

let used: UsedCluster;
let cluster: KubernetesCluster;
let images: StoreImages;

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}

function pods(): StorePod[] {
  return [
    {
      name: 'nats',
      image: images.nats,
      command: ['nats-server', '-c', '/etc/nats/nats.conf'],
      port: 4222,
      dataDir: '/data',
      files: {
        dir: '/etc/nats',
        contents: {
          'nats.conf': 'port: 4222\njetstream { store_dir: "/data", sync_interval: always }\n',
        },
      },
    },
    {
      name: 'redis',
      image: images.redis,
      command: ['redis-server', '/etc/redis/redis.conf'],
      port: 6379,
      dataDir: '/data',
      files: {
        dir: '/etc/redis',
        contents: { 'redis.conf': 'bind 0.0.0.0\nport 6379\ndir /data\nrequirepass secret\nsave ""\n' },
      },
    },
    {
      name: 'mongodb',
      image: images.mongodb,
      command: ['mongod', '--dbpath', '/data/db', '--port', '27017', '--bind_ip_all'].concat([
        '--replSet',
        'rs0',
        '--keyFile',
        '/etc/mongodb/keyfile',
      ]),
      port: 27_017,
      dataDir: '/data/db',
      files: {
        dir: '/etc/mongodb',
        contents: { keyfile: 'key', username: 'root', password: PASSWORD },
      },
      env: {
        MONGO_INITDB_ROOT_USERNAME_FILE: '/etc/mongodb/username',
        MONGO_INITDB_ROOT_PASSWORD_FILE: '/etc/mongodb/password',
      },
    },
    {
      name: 'object-storage',
      image: images.objectStorage,
      command: [
        ['weed', '-logtostderr', 'server', '-dir=/data', '-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
        ['-filer', '-s3', '-s3.ip.bind=0.0.0.0', '-s3.port=8333', '-volume.preStopSeconds=0'],
      ].flat(),
      port: 8333,
      dataDir: '/data',
      env: { AWS_ACCESS_KEY_ID: ACCOUNT.accessKey, AWS_SECRET_ACCESS_KEY: ACCOUNT.secretKey },
    },
  ];
}

/** Where a service answers: its node port leads to a pod a moment after that pod is ready. */
async function addressOf(service: string): Promise<{ host: string; port: number }> {
  const jsonpath = 'jsonpath={.spec.ports[0].nodePort}';
  const address = await cluster.nodePortAddress(
    Number(await cluster.kubectl('-n', NAMESPACE, 'get', 'service', service, '-o', jsonpath)),
  );
  await eventually(async () => {
    const socket = connectTcp(address.port, address.host);
    try {
      await once(socket, 'connect');
    } finally {
      socket.destroy();
    }
  });
  return address;
}

async function readyAgain(name: string): Promise<void> {
  await cluster.kubectl('-n', NAMESPACE, 'rollout', 'status', `statefulset/${name}`, '--timeout=120s');
}

/** Ends the pod, in order unless its time is limited, and waits for its successor on the same volume. */
async function restartPod(name: string, graceSeconds?: number): Promise<void> {
  const grace = graceSeconds === undefined ? [] : [`--grace-period=${graceSeconds}`];
  await cluster.kubectl('-n', NAMESPACE, 'delete', 'pod', `${name}-0`, ...grace);
  await readyAgain(name);
}

/** Tries until it works: the parts of object storage find each other some seconds after its port answers. */
async function eventually<T>(work: () => Promise<T>, withinMs = 30_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(500);
    }
  }
}

before(async () => {
  used = await timed('cluster up', () => useCluster());
  cluster = used.cluster;
  images = await timed('store images built and loaded', () =>
    loadStoreImages((tarball) => cluster.loadImage(tarball)),
  );
  await apply(cluster, 'default', [restrictedNamespace(NAMESPACE)]);
  await timed('four stores ready', async () => {
    await apply(cluster, NAMESPACE, pods().flatMap(storeManifests));
    for (const { name } of pods()) await readyAgain(name);
  });
});

after(async () => {
  // The ends of servers that are not used again are not waited for.
  await cluster.kubectl('delete', 'namespace', NAMESPACE, '--wait=false');
  await timed('cluster given back', async () => used[Symbol.asyncDispose]());
});

test('the namespace refuses what is not Restricted', async () => {
  const run = cluster.kubectl('-n', NAMESPACE, 'run', 'lax', `--image=${images.nats}`);
  await assert.rejects(run, /violates PodSecurity "restricted/);
});

test('commands run in a pod and logs are read', async () => {
  const version = await cluster.kubectl('-n', NAMESPACE, 'exec', 'nats-0', '--', 'nats-server', '--version');
  assert.match(version, /^nats-server: v2\./);
  assert.match(await cluster.kubectl('-n', NAMESPACE, 'logs', 'nats-0'), /Server is ready/);
});

test('NATS stores a message that a new pod still has', async () => {
  const open = async () => {
    const { host, port } = await addressOf('nats');
    return connect({ servers: `${host}:${port}` });
  };
  const first = await open();
  const manager = await jetstreamManager(first);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
  await jetstream(first).publish('kept', 'hello');
  await first.close();
  await timed('NATS pod replaced', () => restartPod('nats'));
  const second = await open();
  const stored = await (await jetstreamManager(second)).streams.getMessage('KEPT', { seq: 1 });
  assert.equal(stored?.string(), 'hello');
  await second.close();
});

test('Redis requires its password', async () => {
  const { host, port } = await addressOf('redis');
  const open = (password: string) => {
    const redis = new Redis({ host, port, password, lazyConnect: true, retryStrategy: null });
    // What is wrong comes out of connect().
    return redis.on('error', () => undefined);
  };
  const redis = open('secret');
  await redis.connect();
  assert.equal(await redis.set('a', '1'), 'OK');
  redis.disconnect();
  const stranger = open('wrong');
  await assert.rejects(stranger.connect().then(() => stranger.get('a')));
  stranger.disconnect();
});

test('MongoDB lets in the root user of the secret alone, and a new pod has the data', async () => {
  const open = async (password: string) => {
    const { host, port } = await addressOf('mongodb');
    const user = `root:${encodeURIComponent(password)}`;
    return new MongoClient(
      `mongodb://${user}@${host}:${port}/?authSource=admin&directConnection=true&serverSelectionTimeoutMS=5000`,
    );
  };
  await using first = await open(PASSWORD);
  await first
    .db('im')
    .collection('kept')
    .insertOne({ value: 1 }, { writeConcern: { w: 'majority', journal: true } });
  await using stranger = await open('wrong');
  await assert.rejects(stranger.db('im').collection('kept').findOne(), /[Aa]uthentication/);
  await timed('MongoDB pod replaced', () => restartPod('mongodb'));
  await using second = await open(PASSWORD);
  assert.equal((await second.db('im').collection('kept').findOne())?.value, 1);
});

test('object storage keeps an object over a new pod and refuses other keys', async () => {
  const client = async (account = ACCOUNT) => {
    const { host, port } = await addressOf('object-storage');
    return new S3Client({ endPoint: host, port, useSSL: false, region: 'us-east-1', ...account });
  };
  const s3 = await client();
  await eventually(async () => {
    if (!(await s3.bucketExists('kept'))) await s3.makeBucket('kept');
    await s3.putObject('kept', 'a', 'content');
  });
  await assert.rejects((await client({ ...ACCOUNT, secretKey: 'wrong' })).getObject('kept', 'a'));
  await timed('object storage pod replaced', () => restartPod('object-storage', 1));
  const chunks = await eventually(async () => (await (await client()).getObject('kept', 'a')).toArray());
  assert.equal(Buffer.concat(chunks).toString(), 'content');
});
