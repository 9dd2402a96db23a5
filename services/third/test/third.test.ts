import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Backend, type S3Backend, startMongo, startRedis, startS3 } from '@im/backends';
import { createBlob } from '@im/blob';
import {
  background,
  type CallContext,
  createBackground,
  createMetrics,
  inProcessInvalidations,
  silentLogger,
  sleep,
  staticTenants,
  tenantId,
  tenantSettings,
} from '@im/kit';
import { ImError, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import { clientLogRepo, createStore, objectRepo, pushTokenRepo, type Store, userRepo } from '@im/store';
import { createThirdService } from '../src/third-service.ts';

const tenant = tenantId('default');
const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex');
const as = (userID: string): CallContext => ({
  ...background(tenant, 'op'),
  opUserID: userID,
  opAdmin: false,
});
const code = (wanted: number) => (e: unknown) => e instanceof ImError && e.code === wanted;

describe('objects, logs and registrations on real servers', () => {
  let dir: string;
  let servers: Backend[] = [];
  let store: Store;
  let third: DomainService<'third'>;
  const log = silentLogger();
  const metrics = createMetrics();
  const runner = createBackground({ log, metrics });

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'third-'));
    const [mongo, redis, s3] = await Promise.all([
      startMongo({ dir: join(dir, 'mongo') }),
      startRedis({ dir: join(dir, 'redis') }),
      startS3({ dir: join(dir, 's3') }),
    ]);
    servers = [mongo, redis, s3];
    const tenants = staticTenants([tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' })]);
    store = createStore(
      { mongo: { uri: mongo.uri, database: 'third', maxPoolSize: 5 }, redis: { uri: redis.uri } },
      { log, metrics, tenants, background: runner, invalidations: inProcessInvalidations() },
    );
    await store.start();
    for (const end = Date.now() + 60_000; !store.ready().ready; await sleep(20)) {
      if (Date.now() > end) throw new Error(store.ready().reason);
    }
    const account = s3 as S3Backend;
    const blob = createBlob(
      {
        endpoint: account.endpoint,
        externalEndpoint: '',
        accessKey: account.accessKey,
        secretKey: account.secretKey,
        region: account.region,
        bucket: 'openim',
      },
      { log, metrics },
    );
    third = createThirdService({
      blob,
      tenants,
      objects: objectRepo(store),
      logs: clientLogRepo(store),
      pushTokens: pushTokenRepo(store),
      users: userRepo(store),
    });
  });
  after(async () => {
    await runner.stop();
    await store?.stop(AbortSignal.timeout(5_000));
    await Promise.all(servers.map((s) => s.stop()));
    await rm(dir, { recursive: true, force: true });
  });

  const urlPrefix = 'http://api/object/';
  const initiate = (
    userID: string,
    fields: { hash: string; size: number; name: string; maxParts?: number },
  ) =>
    third.initiateMultipartUpload(
      as(userID),
      make('third.InitiateMultipartUploadReq', {
        maxParts: 20,
        contentType: 'text/plain',
        urlPrefix,
        ...fields,
      }),
    );

  test('a small object takes one PUT, and its name leads to its bytes', async () => {
    const data = randomBytes(2_000);
    const hash = md5(md5(data));
    const begun = await initiate('u1', { hash, size: data.length, name: 'u1/a.txt' });
    const part = begun.upload?.sign?.parts[0];
    assert.equal(begun.url, '');
    assert.equal(part?.partNumber, 1);
    assert.equal((await fetch(part?.url ?? '', { method: 'PUT', body: data })).status, 200);
    const done = await third.completeMultipartUpload(
      as('u1'),
      make('third.CompleteMultipartUploadReq', {
        uploadID: begun.upload?.uploadID ?? '',
        parts: [md5(data)],
        name: 'u1/a.txt',
        urlPrefix,
      }),
    );
    assert.equal(done.url, 'http://api/object/u1/a.txt');
    const access = await third.accessURL(as('u2'), make('third.AccessURLReq', { name: 'u1/a.txt' }));
    assert.deepEqual(Buffer.from(await (await fetch(access.url)).arrayBuffer()), data);
    const again = await initiate('u2', { hash, size: data.length, name: 'u2/same.txt' });
    assert.equal(again.url, 'http://api/object/u2/same.txt');
    assert.equal(again.upload, null);
  });

  test('a large object goes in parts, signed at once or later', async () => {
    const parts = [randomBytes(5 * 1024 * 1024), randomBytes(1_234)];
    const sums = parts.map((p) => md5(p));
    const begun = await initiate('u1', {
      hash: md5(sums.join(',')),
      size: 5 * 1024 * 1024 + 1_234,
      name: 'u1/b',
      maxParts: 1,
    });
    const uploadID = begun.upload?.uploadID ?? '';
    const rest = await third.authSign(as('u1'), make('third.AuthSignReq', { uploadID, partNumbers: [2] }));
    const urls = [...(begun.upload?.sign?.parts ?? []), ...rest.parts].map((p) => p.url);
    for (const [i, body] of parts.entries()) {
      assert.equal((await fetch(urls[i] ?? '', { method: 'PUT', body })).status, 200);
    }
    const request = make('third.CompleteMultipartUploadReq', {
      uploadID,
      parts: sums,
      name: 'u1/b',
      urlPrefix,
    });
    assert.equal((await third.completeMultipartUpload(as('u1'), request)).url, 'http://api/object/u1/b');
  });

  test('bytes that differ from the hash are refused', async () => {
    const data = Buffer.from('what was announced');
    const begun = await initiate('u1', { hash: md5(md5(data)), size: data.length, name: 'u1/c' });
    await fetch(begun.upload?.sign?.parts[0]?.url ?? '', {
      method: 'PUT',
      body: Buffer.from('what was uploaded!'),
    });
    const request = make('third.CompleteMultipartUploadReq', {
      uploadID: begun.upload?.uploadID ?? '',
      parts: [md5(data)],
      name: 'u1/c',
    });
    await assert.rejects(third.completeMultipartUpload(as('u1'), request), code(500));
    await assert.rejects(third.accessURL(as('u1'), make('third.AccessURLReq', { name: 'u1/c' })), code(1004));
  });

  test('names, hashes and upload ids are checked', async () => {
    const good = { hash: md5('x'), size: 1, name: 'u1/x' };
    await assert.rejects(initiate('u1', { ...good, name: 'u2/x' }), code(1002));
    await assert.rejects(initiate('u1', { ...good, name: '/u1/x' }), code(1001));
    await assert.rejects(initiate('u1', { ...good, name: `u1/${'x'.repeat(1024)}` }), code(1001));
    await assert.rejects(initiate('u1', { ...good, hash: '../../etc' }), code(1001));
    await assert.rejects(initiate('u1', { ...good, size: 0 }), code(500));
    for (const uploadID of ['', 'x', Buffer.from('["{}","seal"]').toString('base64')]) {
      await assert.rejects(
        third.authSign(as('u1'), make('third.AuthSignReq', { uploadID, partNumbers: [1] })),
        code(1001),
      );
    }
  });

  test('uploaded logs are found, newest first, and removed by administrators only', async () => {
    const upload = make('third.UploadLogsReq', {
      platform: 5,
      version: '1',
      fileURLs: [make('third.FileURL', { filename: 'a.log', URL: 'http://x/a.log' })],
    });
    await third.uploadLogs(as('u1'), upload);
    const pagination = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 10 });
    const search = make('third.SearchLogsReq', { keyword: 'u1', endTime: Date.now() + 1_000, pagination });
    const found = await third.searchLogs(background(tenant, 'op'), search);
    assert.equal(found.total, 1);
    assert.equal(found.logsInfos[0]?.platform, 'Web');
    await assert.rejects(third.searchLogs(as('u1'), search), code(1002));
    const logIDs = found.logsInfos.map((l) => l.logID);
    await assert.rejects(
      third.deleteLogs(background(tenant, 'op'), make('third.DeleteLogsReq', { logIDs: [...logIDs, '1'] })),
      code(1004),
    );
    await third.deleteLogs(background(tenant, 'op'), make('third.DeleteLogsReq', { logIDs }));
    assert.equal((await third.searchLogs(background(tenant, 'op'), search)).total, 0);
  });

  test('a device is registered and removed by its own user', async () => {
    const register = make('third.FcmUpdateTokenReq', { platformID: 2, fcmToken: 'f', account: 'u1' });
    await assert.rejects(third.fcmUpdateToken(as('u2'), register), code(1002));
    await third.fcmUpdateToken(as('u1'), register);
    const devices = pushTokenRepo(store);
    assert.deepEqual(await devices.ofUsers(tenant, ['u1', 'u2'], Date.now()), [
      { userID: 'u1', platformID: 2, token: 'f' },
    ]);
    await third.delUserPushToken(
      as('u1'),
      make('third.DelUserPushTokenReq', { userID: 'u1', platformID: 2 }),
    );
    assert.deepEqual(await devices.ofUsers(tenant, ['u1'], Date.now()), []);
  });
});
