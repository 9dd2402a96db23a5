import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tenantId } from '@im/contract';
import { type S3Backend, startS3 } from '@im/dev-stores';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { ImError } from '@im/protocol';
import { type Blob, type BlobConfig, createBlob, TEMP_PREFIX } from '../src/index.ts';
import { AWS, COS, KODO, OSS, resolveTestHosts, startStrictStorage, type Vendor } from './strict-storage.ts';

const [a, b] = [tenantId('default'), tenantId('t2')];
const PICTURE = { contentType: 'image/png', attachment: false };
const PAGE = { contentType: 'text/html', attachment: true };
const ORIGIN = 'https://chat.example.com';

function deps() {
  const [log, metrics] = [silentLogger(), createMetrics()];
  return { log, metrics, tasks: createTaskRunner({ log, metrics }) };
}

/** What each vendor is used with. */
const SETTINGS: readonly [name: string, vendor: Vendor, settings: Partial<BlobConfig>][] = [
  ['OSS', OSS, { pathStyle: false, bucket: 'im' }],
  ['COS', COS, { pathStyle: false, bucket: 'im-1250000000', bucketPerTenant: false }],
  ['Kodo by path', KODO, { bucket: 'kodo' }],
  ['Kodo by host', KODO, { pathStyle: false, bucket: 'kodo', bucketPerTenant: false }],
  ['AWS with a session', AWS, { pathStyle: false, bucket: 'aws', sessionToken: AWS.sessionToken ?? '' }],
];

describe('storages that refuse what their vendors refuse', () => {
  let dir: string;
  let server: S3Backend;
  let hosts: Disposable;
  before(async () => {
    hosts = resolveTestHosts();
    dir = await mkdtemp(join(tmpdir(), 'vendors-'));
    server = await startS3({ dir });
  });
  after(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
    hosts[Symbol.dispose]();
  });

  async function use(
    vendor: Vendor,
    settings: Partial<BlobConfig>,
    work: (blob: Blob, refused: readonly string[]) => Promise<void>,
  ): Promise<void> {
    await using storage = await startStrictStorage(vendor, server);
    const { accessKey, secretKey } = server;
    const keys = { accessKey, secretKey, region: vendor.region, bucket: 'im' };
    const config = { endpoint: storage.endpoint, externalEndpoint: '', ...keys, ...settings };
    await work(createBlob(config, deps()), storage.refused);
  }

  for (const [name, vendor, settings] of SETTINGS) {
    test(`${name}: all that the server and its clients do is accepted`, async () => {
      await use(vendor, settings, async (blob, refused) => {
        const data = randomBytes(3_000);
        const key = `${TEMP_PREFIX}ü (1)/x+y`;
        const put = async (url: string, body: Buffer) => {
          const answer = await fetch(url, { method: 'PUT', body });
          assert.equal(answer.status, 200, await answer.text());
          return (answer.headers.get('etag') ?? '').replaceAll('"', '');
        };
        await put(await blob.presignPut(a, key, data.length, 3_600), data);
        const { etag, size } = await blob.stat(a, key);
        assert.deepEqual([size, etag], [3_000, createHash('md5').update(data).digest('hex')]);
        await blob.copy(a, key, 'copy', etag, PAGE);
        const page = await fetch(await blob.presignGet(a, 'copy', 604_800, PAGE));
        assert.deepEqual(Buffer.from(await page.arrayBuffer()), data);
        assert.deepEqual(
          [page.headers.get('content-type'), page.headers.get('content-disposition')],
          ['text/html', 'attachment'],
        );
        assert.equal((await blob.stat(a, 'copy')).contentType, 'text/html', 'stored as it is served');

        await blob.put(a, 'thumbnail', data, 'image/png');
        const head = await blob.read(a, 'thumbnail', 16, AbortSignal.timeout(10_000));
        assert.deepEqual(Buffer.from(head), data.subarray(0, 16));

        const parts = [randomBytes(5 * 1024 * 1024), randomBytes(10)];
        const id = await blob.createMultipart(a, 'large', PICTURE);
        const etags: string[] = [];
        for (const [i, part] of parts.entries()) {
          const piece = { number: i + 1, size: part.length };
          etags.push(await put(await blob.presignPart(a, 'large', id, piece, 3_600), part));
        }
        const done = etags.map((etag, i) => ({ partNumber: i + 1, etag }));
        await blob.completeMultipart(a, 'large', id, done);
        assert.equal((await blob.stat(a, 'large')).size, 5 * 1024 * 1024 + 10);
        await blob.abortMultipart(a, 'other', await blob.createMultipart(a, 'other', PICTURE));

        const form = new FormData();
        const { url, fields } = await blob.presignPost(a, 'form', 5, PAGE, new Date(Date.now() + 60_000));
        for (const [field, value] of Object.entries(fields)) form.set(field, value);
        form.set('file', new File(['hello'], 'f.html'));
        const posted = await fetch(url, { method: 'POST', body: form });
        assert.equal(posted.status, 204, await posted.text());
        assert.equal((await blob.stat(a, 'form')).contentType, 'text/html');

        const preflight = { origin: ORIGIN, 'access-control-request-method': 'PUT' };
        const target = await blob.presignPut(a, 'browser', 1, 60);
        assert.equal((await fetch(target, { method: 'OPTIONS', headers: preflight })).status, 200);

        await blob.put(b, 'copy', data, 'text/plain');
        await blob.remove(a, 'copy');
        assert.equal((await blob.stat(b, 'copy')).size, 3_000, 'of another tenant');
        await assert.rejects(blob.stat(a, 'copy'), (e: unknown) => e instanceof ImError && e.code === 1004);
        assert.deepEqual((await blob.leftovers(a, TEMP_PREFIX, Date.now() + 60_000, 10)).keys, [key]);
        assert.deepEqual((await blob.leftovers(b, TEMP_PREFIX, Date.now() + 60_000, 10)).keys, []);
        assert.deepEqual(
          refused.filter((code) => code !== 'NoSuchCORSConfiguration'),
          [],
        );
      });
    });
  }

  for (const [what, vendor, settings, code] of [
    ['a bucket in the path', OSS, {}, 'SecondLevelDomainForbidden'],
    ['a bucket in the path of COS', COS, { bucket: 'im-1250000000' }, 'PathStyleDomainForbidden'],
    ['a bucket per tenant of COS', COS, { pathStyle: false, bucket: 'im-1250000000' }, 'InvalidBucketName'],
    ['another region', KODO, { region: 'us-east-1' }, 'AuthorizationHeaderMalformed'],
    ['keys of a session without its token', AWS, { pathStyle: false }, 'InvalidToken'],
    ['a wrong key', KODO, { secretKey: 'wrong' }, 'SignatureDoesNotMatch'],
  ] as const) {
    test(`${what} is refused`, async () => {
      await use(vendor, settings, async (blob, refused) => {
        await assert.rejects(blob.put(a, 'k', Buffer.from('v'), 'text/plain'));
        const url = await blob.presignPut(a, 'k', 1, 60).catch(() => undefined);
        if (url) assert.ok((await fetch(url, { method: 'PUT', body: 'v' })).status >= 400);
        assert.ok(refused.includes(code), refused.join());
      });
    });
  }

  test('rules of a bucket that has some stay as they are', async () => {
    const own = ['https://only.example.com'];
    await use(OSS, { pathStyle: false, bucket: 'cors' }, async () => {});
    await using storage = await startStrictStorage(OSS, server);
    const { accessKey, secretKey } = server;
    const config = { endpoint: storage.endpoint, externalEndpoint: '', accessKey, secretKey };
    const blobOf = (corsOrigins: string[]) =>
      createBlob({ ...config, region: OSS.region, pathStyle: false, bucket: 'cors', corsOrigins }, deps());
    const allowed = async (blob: Blob) => {
      await blob.put(a, 'k', Buffer.from('v'), 'text/plain');
      const headers = { origin: ORIGIN, 'access-control-request-method': 'PUT' };
      return (
        (await fetch(await blob.presignPut(a, 'k', 1, 60), { method: 'OPTIONS', headers })).status === 200
      );
    };
    assert.equal(await allowed(blobOf([])), false, 'none are set');
    assert.equal(await allowed(blobOf(own)), false);
    assert.equal(await allowed(blobOf(['*'])), false, 'they are those that were set first');
  });
});
