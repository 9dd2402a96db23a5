import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { tenantId } from '@im/contract';
import { type CallContext, systemContext } from '@im/kit';
import { ImError, make } from '@im/protocol';
import { objectUploadRepo, pushTokenRepo } from '@im/store';
import { describeDomain } from '@im/testing';
import { thirdService } from '../src/index.ts';

const tenant = tenantId('default');
const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex');
const as = (userID: string): CallContext => ({
  ...systemContext(tenant, 'op'),
  opUserID: userID,
  opAdmin: false,
});
const code = (wanted: number) => (e: unknown) => e instanceof ImError && e.code === wanted;

describe('objects, logs and registrations on real servers', () => {
  const secrets = { tokenSecret: 's', adminSecret: 's' };
  const domain = describeDomain(thirdService, {
    servers: ['mongo', 'redis', 's3'],
    tenants: [
      { id: 'default', ...secrets },
      { id: 'small', ...secrets, quotas: { storageBytes: 10_000, objectBytes: 6_000 } },
      { id: 'full', ...secrets, quotas: { storageBytes: 1 } },
      { id: 'crowd', ...secrets, quotas: { storageBytes: 10_000 } },
    ],
  });

  const urlPrefix = 'http://api/object/';
  const initiate = (
    userID: string,
    fields: { hash: string; size: number; name: string; maxParts?: number },
  ) =>
    domain.third.initiateMultipartUpload(
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
    const initiated = await initiate('u1', { hash, size: data.length, name: 'u1/a.txt' });
    const part = initiated.upload?.sign?.parts[0];
    assert.equal(initiated.url, '');
    assert.equal(part?.partNumber, 1);
    assert.equal((await fetch(part?.url ?? '', { method: 'PUT', body: data })).status, 200);
    const done = await domain.third.completeMultipartUpload(
      as('u1'),
      make('third.CompleteMultipartUploadReq', {
        uploadID: initiated.upload?.uploadID ?? '',
        parts: [md5(data)],
        name: 'u1/a.txt',
        urlPrefix,
      }),
    );
    assert.equal(done.url, 'http://api/object/u1/a.txt');
    const access = await domain.third.accessURL(as('u2'), make('third.AccessURLReq', { name: 'u1/a.txt' }));
    assert.deepEqual(Buffer.from(await (await fetch(access.url)).arrayBuffer()), data);
    const again = await initiate('u2', { hash, size: data.length, name: 'u2/same.txt' });
    assert.equal(again.url, 'http://api/object/u2/same.txt');
    assert.equal(again.upload, null);
  });

  test('a large object goes in parts, signed at once or later', async () => {
    const parts = [randomBytes(5 * 1024 * 1024), randomBytes(1_234)];
    const sums = parts.map((p) => md5(p));
    const initiated = await initiate('u1', {
      hash: md5(sums.join(',')),
      size: 5 * 1024 * 1024 + 1_234,
      name: 'u1/b',
      maxParts: 1,
    });
    const uploadID = initiated.upload?.uploadID ?? '';
    const rest = await domain.third.authSign(
      as('u1'),
      make('third.AuthSignReq', { uploadID, partNumbers: [2] }),
    );
    const urls = [...(initiated.upload?.sign?.parts ?? []), ...rest.parts].map((p) => p.url);
    for (const [i, body] of parts.entries()) {
      assert.equal((await fetch(urls[i] ?? '', { method: 'PUT', body })).status, 200);
    }
    const request = make('third.CompleteMultipartUploadReq', {
      uploadID,
      parts: sums,
      name: 'u1/b',
      urlPrefix,
    });
    assert.equal(
      (await domain.third.completeMultipartUpload(as('u1'), request)).url,
      'http://api/object/u1/b',
    );
  });

  test('bytes that differ from the hash are refused', async () => {
    const data = Buffer.from('what was announced');
    const initiated = await initiate('u1', { hash: md5(md5(data)), size: data.length, name: 'u1/c' });
    await fetch(initiated.upload?.sign?.parts[0]?.url ?? '', {
      method: 'PUT',
      body: Buffer.from('what was uploaded!'),
    });
    const request = make('third.CompleteMultipartUploadReq', {
      uploadID: initiated.upload?.uploadID ?? '',
      parts: [md5(data)],
      name: 'u1/c',
    });
    await assert.rejects(domain.third.completeMultipartUpload(as('u1'), request), code(1001));
    await assert.rejects(
      domain.third.accessURL(as('u1'), make('third.AccessURLReq', { name: 'u1/c' })),
      code(1004),
    );
  });

  const small = tenantId('small');
  const inSmall = (userID: string): CallContext => ({ ...as(userID), tenant: small });
  const begin = (ctx: CallContext, data: Uint8Array, name: string) =>
    domain.third.initiateMultipartUpload(
      ctx,
      make('third.InitiateMultipartUploadReq', {
        hash: md5(md5(data)),
        size: data.length,
        name,
        maxParts: 20,
        urlPrefix,
      }),
    );
  const finish = (ctx: CallContext, uploadID: string, data: Uint8Array, name: string) =>
    domain.third.completeMultipartUpload(
      ctx,
      make('third.CompleteMultipartUploadReq', { uploadID, parts: [md5(data)], name, urlPrefix }),
    );
  const put = async (url: string | undefined, body: Uint8Array) =>
    (await fetch(url ?? '', { method: 'PUT', body: Buffer.from(body) })).status;

  test('a URL takes exactly the announced number of bytes', async () => {
    const data = randomBytes(3_000);
    const one = await begin(as('u1'), data, 'u1/sized');
    const url = one.upload?.sign?.parts[0]?.url;
    assert.equal(await put(url, randomBytes(3_001)), 403);
    assert.equal(await put(url, randomBytes(2_999)), 403);
    assert.equal(await put(url, data), 200);
    const many = await initiate('u1', { hash: md5('p'), size: 5 * 1024 * 1024 + 10, name: 'u1/parts' });
    const [, last] = many.upload?.sign?.parts ?? [];
    assert.equal(await put(last?.url, randomBytes(11)), 403);
    assert.equal(await put(last?.url, randomBytes(10)), 200);
    const uploadID = many.upload?.uploadID ?? '';
    const ask = (partNumbers: number[]) =>
      domain.third.authSign(as('u1'), make('third.AuthSignReq', { uploadID, partNumbers }));
    await assert.rejects(ask([3]), code(1001));
    await assert.rejects(ask(Array(1_001).fill(1)), code(1001));
    const endless = await initiate('u1', { hash: md5('q'), size: 1024 ** 4, name: 'u1/t', maxParts: -1 });
    assert.equal(endless.upload?.sign?.parts.length, 1_000);
  });

  test('bytes that are put after others were looked at never become visible', async () => {
    const [good, evil] = [Buffer.from('what was announced'), Buffer.from('something evil ...')];
    const initiated = await begin(as('u1'), good, 'u1/swap');
    const url = initiated.upload?.sign?.parts[0]?.url;
    assert.equal(await put(url, good), 200);
    const { copy } = domain.blob;
    // Put between the look and the copy.
    domain.blob.copy = async (...args) => {
      assert.equal(await put(url, evil), 200);
      return copy(...args);
    };
    try {
      await assert.rejects(finish(as('u1'), initiated.upload?.uploadID ?? '', good, 'u1/swap'));
    } finally {
      domain.blob.copy = copy;
    }
    await assert.rejects(domain.blob.stat(tenant, `openim/data/hash/${md5(md5(good))}`), code(1004));
    assert.notEqual((await begin(as('u2'), good, 'u2/swap')).upload, null);
  });

  test('an upload can be completed again, when the first answer was lost', async () => {
    const data = randomBytes(100);
    const uploadID = (await begin(as('u1'), data, 'u1/twice')).upload?.uploadID ?? '';
    const second = (await begin(as('u2'), data, 'u2/twice')).upload;
    await assert.rejects(finish(as('u1'), uploadID, data, 'u1/twice'), code(1004));
    assert.equal(await put(second?.sign?.parts[0]?.url, data), 200);
    await finish(as('u2'), second?.uploadID ?? '', data, 'u2/twice');
    for (let i = 0; i < 2; i++) {
      assert.match((await finish(as('u1'), uploadID, data, 'u1/twice')).url, /u1\/twice$/);
    }
  });

  test('a tenant stores no more than its quotas allow, uploads under way included', async () => {
    const [a, b, c] = [randomBytes(6_000), randomBytes(3_000), randomBytes(2_000)];
    const refused = (quota: string) => (e: unknown) =>
      e instanceof ImError && e.code === 1002 && e.detail.includes(quota);
    await assert.rejects(begin(inSmall('u1'), randomBytes(6_001), 'u1/x'), refused('quotas.objectBytes'));
    const first = await begin(inSmall('u1'), a, 'u1/a');
    assert.equal(await put(first.upload?.sign?.parts[0]?.url, a), 200);
    await finish(inSmall('u1'), first.upload?.uploadID ?? '', a, 'u1/a');
    await begin(inSmall('u2'), b, 'u2/b');
    await assert.rejects(begin(inSmall('u3'), c, 'u3/c'), refused('quotas.storageBytes'));
    const form = make('third.InitiateFormDataReq', { name: 'u3/c', size: 2_000 });
    await assert.rejects(domain.third.initiateFormData(inSmall('u3'), form), refused('quotas.storageBytes'));
    assert.equal((await begin(inSmall('u3'), a, 'u3/a')).upload, null, 'the same bytes take no more room');
    assert.equal(await objectUploadRepo(domain.store).bytes(small), 9_000);
    assert.notEqual((await begin(as('u3'), c, 'u3/c')).upload, null, 'another tenant has its own room');
  });

  test('uploads that begin at once do not exceed the quota together', async () => {
    const crowd = tenantId('crowd');
    const starts = Array.from({ length: 30 }, (_, i) =>
      begin({ ...as(`u${i}`), tenant: crowd }, randomBytes(1_000), `u${i}/x`),
    );
    const outcomes = await Promise.allSettled(starts);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(code(1002)(outcome.reason), String(outcome.reason));
    }
    assert.equal(await objectUploadRepo(domain.store).bytes(crowd), 10_000);
  });

  test('an upload in parts that does not fit leaves nothing open in the storage', async () => {
    const full = tenantId('full');
    const ctx = { ...as('u1'), tenant: full };
    const fields = { hash: md5('large'), size: 64 * 1024 * 1024, name: 'u1/large' };
    const request = make('third.InitiateMultipartUploadReq', { ...fields, urlPrefix });
    await assert.rejects(domain.third.initiateMultipartUpload(ctx, request), code(1002));
    const later = Date.now() + 3_600_000;
    assert.deepEqual((await domain.blob.leftovers(full, 'openim/', later, 10)).uploads, []);
  });

  test('a form is posted and completed by the user who began it, for the key that it was made for', async () => {
    const body = Buffer.from('hello form');
    const initiated = await domain.third.initiateFormData(
      as('u1'),
      make('third.InitiateFormDataReq', { name: 'u1/f.txt', size: body.length, contentType: 'text/html' }),
    );
    const form = new FormData();
    for (const [name, value] of Object.entries(initiated.formData)) form.set(name, value);
    form.set('file', new File([body], 'f.txt'));
    assert.ok([200, 204].includes((await fetch(initiated.url, { method: 'POST', body: form })).status));
    const complete = (userID: string, id: string) =>
      domain.third.completeFormData(as(userID), make('third.CompleteFormDataReq', { id, urlPrefix }));
    await assert.rejects(complete('u2', initiated.id), code(1002));
    const forged = { name: 'u2/f', size: body.length, contentType: '', group: '', key: 'openim/data/hash/x' };
    const [text, seal] = JSON.parse(Buffer.from(initiated.id, 'base64').toString()) as [string, string];
    const changed = text.replace('u1/f.txt', 'u1/g.txt');
    const ids = ['', 'x', forged, [text], [text, 7], [7, seal], [changed, seal], null, { name: 1 }];
    for (const id of ids) {
      const sealed = typeof id === 'string' ? id : Buffer.from(JSON.stringify(id)).toString('base64');
      await assert.rejects(complete('u1', sealed), code(1001));
    }
    const upload = (await begin(as('u1'), randomBytes(10), 'u1/k')).upload?.uploadID ?? '';
    await assert.rejects(complete('u1', upload), code(1001), 'an upload id is no form id');
    for (let i = 0; i < 2; i++) assert.match((await complete('u1', initiated.id)).url, /u1\/f\.txt$/);
  });

  test('what browsers would run is handed out as an attachment', async () => {
    const served = async (contentType: string) => {
      const data = randomBytes(50);
      const name = `u1/${md5(data)}`;
      const initiated = await begin(as('u1'), data, name);
      const url = initiated.upload?.sign?.parts[0]?.url ?? '';
      // The uploader's own header counts for nothing.
      await fetch(url, { method: 'PUT', body: data, headers: { 'content-type': 'text/html' } });
      const uploadID = initiated.upload?.uploadID ?? '';
      const done = { uploadID, parts: [md5(data)], name, contentType };
      await domain.third.completeMultipartUpload(as('u1'), make('third.CompleteMultipartUploadReq', done));
      const access = await domain.third.accessURL(as('u2'), make('third.AccessURLReq', { name }));
      const { headers } = await fetch(access.url);
      return [headers.get('content-type'), headers.get('content-disposition')];
    };
    assert.deepEqual(await served('image/png'), ['image/png', null]);
    assert.deepEqual(await served('text/html'), ['text/html', 'attachment']);
    assert.deepEqual(await served('image/svg+xml'), ['image/svg+xml', 'attachment']);
    assert.deepEqual(await served(''), ['application/octet-stream', 'attachment']);
  });

  test('names, hashes and upload ids are checked', async () => {
    const good = { hash: md5('x'), size: 1, name: 'u1/x' };
    await assert.rejects(initiate('u1', { ...good, name: 'u2/x' }), code(1002));
    await assert.rejects(initiate('u1', { ...good, name: '/u1/x' }), code(1001));
    await assert.rejects(initiate('u1', { ...good, name: `u1/${'x'.repeat(1024)}` }), code(1001));
    await assert.rejects(initiate('u1', { ...good, hash: '../../etc' }), code(1001));
    await assert.rejects(initiate('u1', { ...good, size: 0 }), {
      code: 1001,
      detail: /^size must be 1 or more/,
    });
    for (const uploadID of ['', 'x', Buffer.from('["{}","seal"]').toString('base64')]) {
      await assert.rejects(
        domain.third.authSign(as('u1'), make('third.AuthSignReq', { uploadID, partNumbers: [1] })),
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
    await domain.third.uploadLogs(as('u1'), upload);
    const pagination = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 10 });
    const search = make('third.SearchLogsReq', { keyword: 'u1', endTime: Date.now() + 1_000, pagination });
    const found = await domain.third.searchLogs(systemContext(tenant, 'op'), search);
    assert.equal(found.total, 1);
    assert.equal(found.logsInfos[0]?.platform, 'Web');
    const totalOf = async (keyword: string) =>
      (
        await domain.third.searchLogs(
          systemContext(tenant, 'op'),
          make('third.SearchLogsReq', { ...search, keyword }),
        )
      ).total;
    for (const keyword of ['', 'u', '1', '^u1$', '^u', '1$', '^.*1', 'u.*1'])
      assert.equal(await totalOf(keyword), 1, keyword);
    for (const keyword of ['u2', '^1', 'u$', '^u$', 'u.', '(u1', 'U1', '[u]', 'u|1'])
      assert.equal(await totalOf(keyword), 0, keyword);
    await assert.rejects(domain.third.searchLogs(as('u1'), search), code(1002));
    const logIDs = found.logsInfos.map((l) => l.logID);
    await assert.rejects(
      domain.third.deleteLogs(
        systemContext(tenant, 'op'),
        make('third.DeleteLogsReq', { logIDs: [...logIDs, '1'] }),
      ),
      code(1004),
    );
    await domain.third.deleteLogs(systemContext(tenant, 'op'), make('third.DeleteLogsReq', { logIDs }));
    assert.equal((await domain.third.searchLogs(systemContext(tenant, 'op'), search)).total, 0);
  });

  test('a device is registered and removed by its own user', async () => {
    const register = make('third.FcmUpdateTokenReq', { platformID: 2, fcmToken: 'f', account: 'u1' });
    await assert.rejects(domain.third.fcmUpdateToken(as('u2'), register), code(1002));
    await domain.third.fcmUpdateToken(as('u1'), register);
    const devices = pushTokenRepo(domain.store);
    const [device, ...others] = await devices.ofUsers(tenant, ['u1', 'u2'], Date.now());
    assert.deepEqual([device?.userID, device?.platformID, device?.token, others], ['u1', 2, 'f', []]);
    await domain.third.delUserPushToken(
      as('u1'),
      make('third.DelUserPushTokenReq', { userID: 'u1', platformID: 2 }),
    );
    assert.deepEqual(await devices.ofUsers(tenant, ['u1'], Date.now()), []);
    const badge = make('third.SetAppBadgeReq', { userID: 'u1', appUnreadCount: 3 });
    await domain.third.setAppBadge(as('u1'), badge);
    await assert.rejects(domain.third.setAppBadge(as('u2'), badge), code(1002));
  });

  test('parts are as large as their number demands', async () => {
    const sizeOf = async (size: number) =>
      (await domain.third.partSize(as('u1'), make('third.PartSizeReq', { size }))).size;
    assert.equal(await sizeOf(1), 5_242_880);
    assert.equal(await sizeOf(5_242_880 * 10_000 + 1), 5_242_881);
  });
});
