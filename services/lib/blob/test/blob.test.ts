import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tenantId } from '@im/contract';
import { CertificateAuthority, type S3Backend, startS3, startTlsProxy } from '@im/dev-stores';
import { createLogger, createMetrics, createTaskRunner } from '@im/process';
import { ImError } from '@im/protocol';
import { type Blob, type BlobConfig, bucketName, createBlob } from '../src/index.ts';

const a = tenantId('default');
const b = tenantId('t2');
const PICTURE = { contentType: 'image/png', attachment: false };

function depsWith(level: 'error' | 'fatal') {
  const [log, metrics] = [createLogger({ level }), createMetrics()];
  return { log, metrics, tasks: createTaskRunner({ log, metrics }) };
}

describe('objects on a real S3 server', () => {
  let dir: string;
  let server: S3Backend;
  let blob: Blob;
  let config: BlobConfig;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'blob-'));
    server = await startS3({ dir });
    config = {
      endpoint: server.endpoint,
      externalEndpoint: '',
      accessKey: server.accessKey,
      secretKey: server.secretKey,
      bucket: 'openim',
      region: server.region,
      uploadHours: 24,
    };
    blob = createBlob(config, depsWith('error'));
  });
  after(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('a client puts and gets by presigned URLs', async () => {
    const data = randomBytes(10_000);
    const put = await fetch(await blob.presignPut(a, 'u1/x y.bin', data.length, 60), {
      method: 'PUT',
      body: data,
    });
    assert.equal(put.status, 200);
    const info = await blob.stat(a, 'u1/x y.bin');
    assert.equal(info.size, data.length);
    assert.equal(info.etag, createHash('md5').update(data).digest('hex'));
    const got = await fetch(await blob.presignGet(a, 'u1/x y.bin', 60, PICTURE));
    assert.equal(got.status, 200);
    assert.equal(got.headers.get('content-type'), 'image/png');
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), data);
  });

  test('a changed signature and an expired one are refused', async () => {
    await blob.put(a, 'k', Buffer.from('v'), 'text/plain');
    const url = new URL(await blob.presignGet(a, 'k', 60, PICTURE));
    url.searchParams.set('X-Amz-Signature', '0'.repeat(64));
    assert.equal((await fetch(url)).status, 403);
  });

  test('a multipart upload completes, and copies and removals follow', async () => {
    const parts = [randomBytes(5 * 1024 * 1024), randomBytes(1000)];
    const total = 5 * 1024 * 1024 + 1000;
    const id = await blob.createMultipart(a, 'big', PICTURE);
    const done = [];
    for (const [i, part] of parts.entries()) {
      const answer = await fetch(
        await blob.presignPart(a, 'big', id, { number: i + 1, size: part.length }, 60),
        {
          method: 'PUT',
          body: part,
        },
      );
      assert.equal(answer.status, 200);
      done.push({ partNumber: i + 1, etag: (answer.headers.get('etag') ?? '').replaceAll('"', '') });
    }
    await blob.completeMultipart(a, 'big', id, done);
    assert.equal((await blob.stat(a, 'big')).size, total);
    await blob.copy(a, 'big', 'copy', (await blob.stat(a, 'big')).etag, PICTURE);
    await blob.remove(a, 'big');
    await blob.remove(a, 'big');
    assert.equal((await blob.stat(a, 'copy')).size, total);
    await assert.rejects(blob.stat(a, 'big'), (e: unknown) => e instanceof ImError && e.code === 1004);
  });

  test('tenants do not see each other', async () => {
    await blob.put(a, 'same', Buffer.from('a'), 'text/plain');
    await assert.rejects(blob.stat(b, 'same'), (e: unknown) => e instanceof ImError && e.code === 1004);
    assert.notEqual(blob.bucket(a), blob.bucket(b));
  });

  test('TLS takes the CA and the client certificate of the config; another CA is refused', async () => {
    const authority = CertificateAuthority.create('s3');
    const issue = (usage: 'client' | 'server') =>
      authority.issue({ commonName: usage, usage, hosts: ['localhost'] });
    const client = issue('client');
    await using proxy = await startTlsProxy(Number(new URL(server.endpoint).port), {
      pair: issue('server'),
      clients: authority.certificate,
    });
    const pem = async (name: string, text: string) => {
      await writeFile(join(dir, name), text);
      return join(dir, name);
    };
    const files = {
      certFile: await pem('tls.crt', client.certificate),
      keyFile: await pem('tls.key', client.key),
    };
    const secured = (caFile: string) =>
      createBlob(
        { ...config, endpoint: `https://localhost:${proxy.port}`, tls: { ...files, caFile } },
        depsWith('fatal'),
      );
    const trusting = secured(await pem('ca.crt', authority.certificate));
    await trusting.put(a, 'over-tls', Buffer.from('v'), 'text/plain');
    assert.equal((await trusting.stat(a, 'over-tls')).size, 1);
    const other = await pem('other.crt', CertificateAuthority.create('other').certificate);
    await assert.rejects(
      secured(other).stat(a, 'over-tls'),
      (e: unknown) => e instanceof ImError && e.code === 90004 && /certificate/.test(e.message),
    );
  });

  test('one bucket holds all tenants apart, and public pictures are linked without a signature', async () => {
    const publicBaseURL = 'https://cdn.example.com/objects/';
    const shared = createBlob(
      { ...config, bucket: 'shared', bucketPerTenant: false, publicBaseURL },
      depsWith('error'),
    );
    await shared.put(a, 'x y', Buffer.from('a'), 'image/png');
    await shared.put(b, 'x y', Buffer.from('bb'), 'image/png');
    assert.deepEqual([shared.bucket(a), shared.bucket(b)], ['shared', 'shared']);
    assert.deepEqual([(await shared.stat(a, 'x y')).size, (await shared.stat(b, 'x y')).size], [1, 2]);
    const later = Date.now() + 60_000;
    assert.deepEqual((await shared.leftovers(b, '', later, 10)).keys, ['x y']);
    const url = 'https://cdn.example.com/objects/default/x%20y';
    assert.equal(await shared.presignGet(a, 'x y', 60, PICTURE), url);
    const signed = await shared.presignGet(b, 'x y', 60, { contentType: 'text/html', attachment: true });
    assert.equal((await fetch(signed)).headers.get('content-disposition'), 'attachment');
    assert.deepEqual([await shared.removeSome(a), await shared.removeSome(a)], [1, undefined]);
    assert.equal((await shared.stat(b, 'x y')).size, 2);
    const each = createBlob({ ...config, publicBaseURL: 'https://{bucket}.example.com' }, depsWith('error'));
    assert.equal(await each.presignGet(a, 'k', 60, PICTURE), 'https://openim-default.example.com/k');
  });

  test('a storage that is away is a retryable error', async () => {
    const away = createBlob({ ...config, endpoint: 'http://127.0.0.1:9' }, depsWith('fatal'));
    await assert.rejects(away.stat(a, 'x'), (e: unknown) => e instanceof ImError && e.code === 90004);
  });
});

test('a bucket name fits whatever the tenant is called', () => {
  const long = tenantId(`a${'b'.repeat(61)}c`);
  const name = bucketName('openim', long);
  assert.ok(name.length <= 63);
  assert.notEqual(name, bucketName('openim', tenantId(`a${'b'.repeat(61)}d`)));
});
