import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { type TenantId, tenantId } from '@im/contract';
import { make } from '@im/protocol';
import { objectUploadRepo, thumbnailRepo } from '@im/store';
import { as, describeDomain, eventually, refuses } from '@im/testing';
import { thirdService } from '../src/index.ts';
import { formatOf } from '../src/thumbnails/picture-format.ts';
import { hollowPng, png } from './pictures.ts';

const [first, second, full] = ['default', 't2', 'full'].map((id) => tenantId(id)) as [
  TenantId,
  TenantId,
  TenantId,
];
const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex');

describe('thumbnails on real servers', () => {
  const secrets = { tokenSecret: 's', adminSecret: 's' };
  const domain = describeDomain(thirdService, {
    servers: ['mongo', 'redis', 's3'],
    tenants: [
      { id: 'default', ...secrets },
      { id: 't2', ...secrets },
      { id: 'full', ...secrets, quotas: { storageBytes: 150_000 } },
    ],
    // A loaded machine takes its time.
    config: { s3: { thumbnails: { waitMs: 30_000, decodeMs: 20_000 } } },
  });

  async function upload(tenant: TenantId, name: string, data: Uint8Array<ArrayBuffer>): Promise<string> {
    const ctx = as(tenant, 'u1');
    const hash = md5(md5(data));
    const initiated = await domain.third.initiateMultipartUpload(
      ctx,
      make('third.InitiateMultipartUploadReq', { hash, size: data.length, name, maxParts: 1 }),
    );
    if (initiated.upload) {
      const put = await fetch(initiated.upload.sign?.parts[0]?.url ?? '', { method: 'PUT', body: data });
      assert.equal(put.status, 200);
      await domain.third.completeMultipartUpload(
        ctx,
        make('third.CompleteMultipartUploadReq', {
          uploadID: initiated.upload.uploadID,
          parts: [md5(data)],
          name,
          contentType: 'image/png',
        }),
      );
    }
    return `openim/data/hash/${hash}`;
  }

  const access = (tenant: TenantId, name: string, query: Record<string, string>) =>
    domain.third.accessURL(
      as(tenant, 'u2', false, { timeoutMs: 60_000 }),
      make('third.AccessURLReq', { name, query: { type: 'image', ...query } }),
    );

  async function get(tenant: TenantId, name: string, query: Record<string, string>) {
    const { url } = await access(tenant, name, query);
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return { bytes, key: new URL(url).pathname, type: answer.headers.get('content-type') };
  }

  const widthOf = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32BE(16);
  const results = async () =>
    Object.fromEntries(
      (await domain.metrics.values('openim_thumbnails_total')).map(({ labels, value }) => [
        labels.result,
        value,
      ]),
    );

  test('a picture is served in the wished size, made once', async () => {
    const source = png(300, 200);
    const key = await upload(first, 'u1/a.png', source);
    const [one, same] = await Promise.all([
      get(first, 'u1/a.png', { width: '120', height: '120' }),
      get(first, 'u1/a.png', { width: '120', height: '120' }),
    ]);
    assert.equal(widthOf(one.bytes), 120);
    assert.equal(one.type, 'image/png');
    assert.equal(same.key, one.key);
    assert.match(one.key, /\/openim\/thumbnail\/[0-9a-f]{32}\/120x80-[0-9a-f]{8}\.png$/);
    const jpeg = await get(first, 'u1/a.png', { width: '120', height: '120', format: 'jpg' });
    assert.deepEqual([formatOf(jpeg.bytes), jpeg.type], ['jpeg', 'image/jpeg']);
    assert.deepEqual((await get(first, 'u1/a.png', { width: '400' })).bytes, source, 'it is smaller already');
    const found = await thumbnailRepo(domain.store).get(first, key);
    assert.deepEqual(
      found?.made.map(({ width, format }) => [width, format]),
      [
        [120, 'png'],
        [120, 'jpeg'],
      ],
    );
    const counted = source.length + (found?.made.reduce((sum, { size }) => sum + size, 0) ?? 0);
    assert.equal(await objectUploadRepo(domain.store).bytes(first), counted);
    assert.deepEqual(await objectUploadRepo(domain.store).olderThan(first, Date.now() + 1, 10), []);
  });

  test('wrong sides are refused, and an unknown name', async () => {
    await refuses(1001, access(first, 'u1/a.png', { width: 'wide' }));
    await refuses(1004, access(first, 'u1/none.png', { width: '10' }));
  });

  test('a file that is no picture, or a hostile one, is served as it is, and not decoded again', async () => {
    const svg = new Uint8Array(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'));
    const bomb = hollowPng(50_000, 50_000);
    for (const [name, data] of [
      ['u1/x.svg', svg],
      ['u1/bomb.png', bomb],
    ] as const) {
      await upload(first, name, data);
      for (let i = 0; i < 2; i++) assert.deepEqual((await get(first, name, { width: '10' })).bytes, data);
    }
    const refused = await domain.metrics.values('openim_thumbnail_refusals_total');
    assert.deepEqual(
      refused.map(({ labels, value }) => [labels.reason, value]),
      [
        ['not-a-picture', 1],
        ['too-many-pixels', 1],
      ],
    );
    assert.equal((await results()).refused, 4);
  });

  test('tenants have separate thumbnails, in their own buckets', async () => {
    await upload(second, 'u1/a.png', png(300, 200));
    const other = await get(second, 'u1/a.png', { width: '120', height: '120' });
    assert.equal(widthOf(other.bytes), 120);
    assert.ok(other.key.startsWith('/openim-t2/'), other.key);
  });

  test('a thumbnail that does not fit into the quota is not stored', async () => {
    const source = png(300, 200);
    assert.ok(source.length < 150_000, `${source.length}`);
    await upload(full, 'u1/a.png', source);
    assert.deepEqual((await get(full, 'u1/a.png', { width: '290' })).bytes, source);
    assert.deepEqual((await get(full, 'u1/a.png', { width: '280' })).bytes, source);
    assert.equal((await results()).quota, 2);
    const refused = await domain.metrics.values('openim_thumbnail_refusals_total');
    assert.equal(refused.find(({ labels }) => labels.reason === 'quota')?.value, 1, 'decoded once');
    assert.equal(await objectUploadRepo(domain.store).bytes(full), source.length);
  });

  test('of a picture with too many thumbnails the next larger one is served', async () => {
    const source = png(64, 64);
    const key = await upload(first, 'u1/many.png', source);
    for (let side = 20; side < 36; side++) await get(first, 'u1/many.png', { width: String(side) });
    assert.equal((await thumbnailRepo(domain.store).get(first, key))?.made.length, 16);
    assert.equal(widthOf((await get(first, 'u1/many.png', { width: '10' })).bytes), 20);
    assert.deepEqual((await get(first, 'u1/many.png', { width: '50' })).bytes, source);
  });

  test('two processes that make the same thumbnail keep one', async () => {
    const key = await upload(first, 'u1/both.png', png(305, 200));
    const other = await domain.another();
    const request = make('third.AccessURLReq', {
      name: 'u1/both.png',
      query: { type: 'image', width: '50' },
    });
    const ctx = as(first, 'u2', false, { timeoutMs: 60_000 });
    const gate = Promise.withResolvers<void>();
    const { put } = domain.blob;
    let puts = 0;
    domain.blob.put = async (...args) => {
      puts++;
      if (puts === 2) gate.resolve();
      await gate.promise;
      return put(...args);
    };
    try {
      const urls = await Promise.all([domain.third, other].map((third) => third.accessURL(ctx, request)));
      const made = (await thumbnailRepo(domain.store).get(first, key))?.made ?? [];
      assert.equal(made.length, 1);
      for (const { url } of urls) assert.ok(new URL(url).pathname.endsWith(`/${made[0]?.key}`), url);
    } finally {
      domain.blob.put = put;
    }
    const left = await objectUploadRepo(domain.store).olderThan(first, Date.now() + 1, 10);
    assert.equal(left.length, 1, 'the other is removed by the job');
    await objectUploadRepo(domain.store).take(first, left[0]?.id ?? '');
  });

  test('a picture that is removed while its thumbnail is made leaves none behind', async () => {
    const key = await upload(first, 'u1/gone.png', png(301, 200));
    const { put } = domain.blob;
    domain.blob.put = async (...args) => {
      await domain.store.collection(first, { name: 'object', indexes: [] }).col.deleteMany({ t: first, key });
      return put(...args);
    };
    try {
      await get(first, 'u1/gone.png', { width: '50' });
    } finally {
      domain.blob.put = put;
    }
    assert.equal(await thumbnailRepo(domain.store).get(first, key), undefined);
    const left = await objectUploadRepo(domain.store).olderThan(first, Date.now() + 1, 10);
    assert.deepEqual(
      left.map(({ kind, source }) => [kind, source]),
      [['thumbnail', key]],
    );
  });

  test('a storage that hangs for one tenant delays no other, and the request is answered with the picture', async () => {
    const { read } = domain.blob;
    const hang = Promise.withResolvers<void>();
    domain.blob.read = async (tenant, ...rest) => {
      if (tenant === first) await hang.promise;
      return read(tenant, ...rest);
    };
    try {
      await upload(first, 'u1/slow.png', png(302, 200));
      await upload(first, 'u1/slower.png', png(303, 200));
      await upload(second, 'u1/quick.png', png(304, 200));
      const url = (name: string, timeoutMs: number) =>
        domain.third.accessURL(
          as(first, 'u2', false, { timeoutMs }),
          make('third.AccessURLReq', { name, query: { type: 'image', width: '50' } }),
        );
      const late = await Promise.all([url('u1/slow.png', 1_500), url('u1/slower.png', 1_500)]);
      for (const { url } of late) assert.match(url, /openim\/data\/hash/);
      assert.equal(widthOf((await get(second, 'u1/quick.png', { width: '50' })).bytes), 50);
    } finally {
      hang.resolve();
      domain.blob.read = read;
    }
    await eventually(async () => {
      const { url } = await access(first, 'u1/slow.png', { width: '50' });
      assert.match(url, /openim\/thumbnail/);
    });
  });
});
