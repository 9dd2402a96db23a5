import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Blob, createBlob, TEMP_PREFIX } from '@im/blob';
import { tenantSettings } from '@im/contract';
import { type S3Backend, startS3 } from '@im/dev-stores';
import { ImError } from '@im/protocol';
import {
  clientLogRepo,
  type ObjectRepo,
  type ObjectUploadRepo,
  type OpenUpload,
  objectRepo,
  objectUploadRepo,
  type Store,
  type ThumbnailRepo,
  thumbnailRepo,
} from '@im/store';
import { expireClientLogs } from '../src/jobs/expire-client-logs.ts';
import { expireObjects } from '../src/jobs/expire-objects.ts';
import { expireUploads } from '../src/jobs/expire-uploads.ts';
import { recountStorage } from '../src/jobs/recount-storage.ts';
import { useStore } from './harness.ts';

const HOURS = 24;
const settings = tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' });
const { id } = settings;
let s3: S3Backend | undefined;
let store: Store;
let blob: Blob;
let objects: ObjectRepo;
let uploads: ObjectUploadRepo;
let thumbnails: ThumbnailRepo;

// Before the folder that it writes to is removed.
after(() => s3?.stop());
useStore([settings], async ({ log, metrics, tasks, dir, ...fixture }) => {
  ({ store } = fixture);
  s3 = await startS3({ dir: join(dir, 's3') });
  const { endpoint, accessKey, secretKey, region } = s3;
  const config = {
    endpoint,
    externalEndpoint: '',
    accessKey,
    secretKey,
    region,
    bucket: 'openim',
    uploadHours: HOURS,
  };
  blob = createBlob(config, { log, metrics, tasks });
  objects = objectRepo(store);
  uploads = objectUploadRepo(store);
  thumbnails = thumbnailRepo(store);
});
const { signal } = new AbortController();
const ahead = (hours: number) => () => Date.now() + hours * 3_600_000;
const run = (hours: number) =>
  expireUploads('* * * * *', HOURS, { uploads, objects, thumbnails, blob, now: ahead(hours) }).run(
    settings,
    signal,
  );
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
    storageId: await blob.createMultipart(id, key, { contentType: 'image/png', attachment: false }),
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
  await recountStorage('* * * * *', objects, thumbnails, uploads).run(settings, signal);
  assert.equal(await uploads.bytes(id), 30);
});

test('thumbnails go with their picture, and those that no picture has', async () => {
  const shape = { width: 8, height: 8, format: 'png' };
  const picture = async (key: string, ...made: string[]) => {
    await put(key);
    await name(`u/${key}`, key);
    await thumbnails.describe(id, key, { ...shape, width: 80 });
    for (const [i, thumbnail] of made.entries()) {
      await put(thumbnail);
      await thumbnails.add(id, key, { ...shape, width: 8 + i, key: thumbnail, size: 10 }, 9);
    }
  };
  await picture('stays', 'stays/8');
  await picture('goes', 'goes/8', 'goes/9');
  await put('lost/8');
  await open({ id: 'k', kind: 'thumbnail', key: 'stays/8', source: 'stays' });
  await open({ id: 'l', kind: 'thumbnail', key: 'lost/8', source: 'stays' });
  const old = { schedule: '* * * * *', days: 1, groups: ['pictures'] };
  await objects.put(id, {
    ...{ name: 'u/goes', key: 'goes', userID: 'u', hash: '', size: 10, contentType: '' },
    ...{ group: 'pictures', createTime: 0 },
  });
  assert.equal(await expireObjects(old, { objects, uploads, thumbnails, blob }).run(settings, signal), 1);
  assert.equal(await thumbnails.get(id, 'goes'), undefined);
  assert.equal(await run(25), 4, 'two of the picture, the lost one, and g of the test before');
  const gone = await Promise.all(['goes', 'goes/8', 'goes/9', 'lost/8'].map(there));
  assert.deepEqual(gone, [false, false, false, false]);
  assert.deepEqual(await Promise.all(['stays', 'stays/8'].map(there)), [true, true]);
  assert.equal((await thumbnails.get(id, 'stays'))?.made.length, 1);
  const before = await uploads.bytes(id);
  await uploads.reserve(id, 1_000, 0);
  await recountStorage('* * * * *', objects, thumbnails, uploads).run(settings, signal);
  assert.equal(
    await uploads.bytes(id),
    40,
    `two named before, the picture and its thumbnail (was ${before})`,
  );
});

test('an expiry that is cut off between the name and the bytes leaves neither', async () => {
  await put('cut');
  await uploads.reserve(id, 10, 0);
  const counted = await uploads.bytes(id);
  await objects.put(id, {
    ...{ name: 'u/cut', key: 'cut', userID: 'u', hash: '', size: 10, contentType: '' },
    ...{ group: 'pictures', createTime: 0 },
  });
  const old = { schedule: '* * * * *', days: 1, groups: ['pictures'] };
  const dies: Blob = Object.assign(Object.create(blob), {
    remove: async () => {
      throw new Error('the process dies');
    },
  });
  const parts = { objects, uploads, thumbnails };
  await assert.rejects(expireObjects(old, { ...parts, blob: dies }).run(settings, signal), /dies/);
  assert.deepEqual([await objects.get(id, 'u/cut'), await there('cut')], [undefined, true]);
  assert.equal(await run(25), 1);
  assert.equal(await there('cut'), false);
  assert.equal(await uploads.bytes(id), counted - 10);
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
