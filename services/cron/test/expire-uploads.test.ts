import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Blob, createBlob, TEMP_PREFIX } from '@im/blob';
import { tenantSettings } from '@im/contract';
import { type Backend, type S3Backend, startMongo, startRedis, startS3 } from '@im/dev-stores';
import { inProcessInvalidations, sleep, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { ImError } from '@im/protocol';
import {
  clientLogRepo,
  createStore,
  type ObjectRepo,
  type ObjectUploadRepo,
  type OpenUpload,
  objectRepo,
  objectUploadRepo,
  type Store,
} from '@im/store';
import { expireClientLogs } from '../src/jobs/expire-client-logs.ts';
import { expireUploads } from '../src/jobs/expire-uploads.ts';
import { recountStorage } from '../src/jobs/recount-storage.ts';

const HOURS = 24;
const settings = tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' });
const { id } = settings;
let dir: string;
let servers: Backend[] = [];
let store: Store;
let blob: Blob;
let objects: ObjectRepo;
let uploads: ObjectUploadRepo;
const log = silentLogger();
const metrics = createMetrics();
const tasks = createTaskRunner({ log, metrics });

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'uploads-'));
  const [mongo, redis, s3] = await Promise.all([
    startMongo({ dir: join(dir, 'mongo') }),
    startRedis({ dir: join(dir, 'redis') }),
    startS3({ dir: join(dir, 's3') }),
  ]);
  servers = [mongo, redis, s3];
  store = createStore(
    { mongo: { uri: mongo.uri, database: 'uploads', maxPoolSize: 5 }, redis: { uri: redis.uri } },
    {
      log,
      metrics,
      tenants: staticTenants([settings]),
      tasks,
      invalidations: inProcessInvalidations(),
    },
  );
  await store.start();
  for (const end = Date.now() + 60_000; !store.ready().ready; await sleep(20)) {
    if (Date.now() > end) throw new Error(store.ready().reason);
  }
  const { endpoint, accessKey, secretKey, region } = s3 as S3Backend;
  const config = {
    endpoint,
    externalEndpoint: '',
    accessKey,
    secretKey,
    region,
    bucket: 'openim',
    uploadHours: HOURS,
  };
  blob = createBlob(config, { log, metrics });
  objects = objectRepo(store);
  uploads = objectUploadRepo(store);
});
after(async () => {
  await tasks.stop();
  await store?.stop(AbortSignal.timeout(5_000));
  await Promise.all(servers.map((server) => server.stop()));
  await rm(dir, { recursive: true, force: true });
});

const { signal } = new AbortController();
const ahead = (hours: number) => () => Date.now() + hours * 3_600_000;
const run = (hours: number) =>
  expireUploads('* * * * *', HOURS, { uploads, objects, blob, now: ahead(hours) }).run(settings, signal);
const there = async (key: string) => {
  try {
    await blob.stat(id, key);
    return true;
  } catch (error) {
    if (error instanceof ImError && error.code === 1004) return false;
    throw error;
  }
};
const open = async (upload: Pick<OpenUpload, 'id' | 'kind' | 'key'> & Partial<OpenUpload>) => {
  await uploads.reserve(id, 10, 0);
  await uploads.put(id, { userID: 'u', storageId: '', size: 10, createTime: Date.now(), ...upload });
};
const put = (key: string) => blob.put(id, key, Buffer.alloc(10), 'text/plain');
const name = (name: string, key: string) =>
  objects.put(id, {
    name,
    key,
    userID: 'u',
    hash: '',
    size: 10,
    contentType: '',
    group: '',
    createTime: Date.now(),
  });

test('nothing is made at the storage for a tenant without objects', async () => {
  assert.equal(await run(25), 0);
});

test('uploads that were not completed in time go, with their bytes, and what has a name stays', async () => {
  const multipart = async (key: string) => ({
    kind: 'multipart' as const,
    key,
    storageId: await blob.createMultipart(id, key, ''),
  });
  await put(`${TEMP_PREFIX}a`);
  await open({ id: 'a', kind: 'single', key: `${TEMP_PREFIX}a` });
  await open({ id: 'b', ...(await multipart('openim/data/hash/b')) });
  for (const key of ['form', 'named-form', 'orphan', 'named-orphan']) await put(key);
  await open({ id: 'c', kind: 'form', key: 'form' });
  await open({ id: 'd', kind: 'form', key: 'named-form' });
  await name('u/d', 'named-form');
  await open({ id: 'e', kind: 'orphan', key: 'orphan' });
  await open({ id: 'f', kind: 'orphan', key: 'named-orphan' });
  await name('u/f', 'named-orphan');
  // Without a record: a process died between two steps.
  await put(`${TEMP_PREFIX}lost`);
  await multipart('lost');
  assert.equal(await uploads.bytes(id), 60);

  assert.equal(await run(23), 0, 'nothing before its time');
  assert.equal(await run(25), 4 + 2);
  assert.equal(await run(25), 0);
  for (const key of [`${TEMP_PREFIX}a`, `${TEMP_PREFIX}lost`, 'form', 'orphan']) {
    assert.equal(await there(key), false, key);
  }
  for (const key of ['named-form', 'named-orphan']) assert.equal(await there(key), true, key);
  assert.deepEqual(await blob.leftovers(id, '', ahead(25)(), 10), {
    keys: ['named-form', 'named-orphan'],
    uploads: [],
  });
  assert.equal(await uploads.bytes(id), 20);
});

test('what is stored is recounted: each key once, and uploads under way', async () => {
  await name('u/second-name', 'named-form');
  await open({ id: 'g', kind: 'single', key: 'g' });
  await uploads.reserve(id, 1_000, 0);
  await recountStorage('* * * * *', objects, uploads).run(settings, signal);
  assert.equal(await uploads.bytes(id), 30);
});

test('entries of client logs go with the files that they name', async () => {
  const logs = clientLogRepo(store);
  const day = 24 * 3600 * 1000;
  const entry = (logID: string, createTime: number) => ({
    logID,
    userID: 'u1',
    platform: 'Web',
    url: 'http://x/a.log',
    filename: 'a.log',
    systemType: '',
    version: '1',
    ex: '',
    createTime,
  });
  await logs.add(id, [entry('old', Date.now() - 11 * day), entry('new', Date.now() - 9 * day)]);
  const job = (days: number, groups: string[]) =>
    expireClientLogs({ schedule: '* * * * *', days, groups }, logs).run(
      settings,
      new AbortController().signal,
    );
  assert.equal(await job(0, ['sdklog']), 0);
  assert.equal(await job(10, ['msg-file']), 0);
  assert.equal(await job(10, ['msg-file', 'sdklog']), 1);
  assert.deepEqual([await logs.count(id, ['old']), await logs.count(id, ['new'])], [0, 1]);
});
