import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Client } from 'minio';
import { type StartedBackends, startBackends } from '../src/index.ts';
import { removeDir, temporaryDir } from './temporary-dir.ts';

/** What object storage relies on, tested on the server with the client alone. */

const bucket = `contract-${process.pid}`;
const MIB = 1024 * 1024;
let dir = '';
let backends: StartedBackends<'s3'>;
let s3: Client;

before(async () => {
  dir = await temporaryDir();
  backends = await startBackends({ dir, only: ['s3'] });
  s3 = clientWith(backends.s3.accessKey, backends.s3.secretKey);
  await s3.makeBucket(bucket);
});

after(async () => {
  await backends?.stop();
  await removeDir(dir);
});

function clientWith(accessKey: string, secretKey: string): Client {
  const { hostname, port, protocol } = new URL(backends.s3.endpoint);
  return new Client({
    endPoint: hostname,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    useSSL: protocol === 'https:',
    region: backends.s3.region,
    pathStyle: true,
    accessKey,
    secretKey,
  });
}

const read = async (key: string): Promise<Buffer> => buffer(await s3.getObject(bucket, key));

test('an object keeps its bytes, type and size; a missing one has a code', async () => {
  const bytes = randomBytes(100_000);
  await s3.putObject(bucket, 'dir/a b+ü.bin', bytes, bytes.length, { 'Content-Type': 'image/png' });
  assert.deepEqual(await read('dir/a b+ü.bin'), bytes);
  const stat = await s3.statObject(bucket, 'dir/a b+ü.bin');
  assert.equal(stat.size, bytes.length);
  assert.equal(stat.metaData['content-type'], 'image/png');
  await assert.rejects(s3.statObject(bucket, 'missing'), { code: 'NotFound' });
});

test('a wrong secret is refused', async () => {
  const stranger = clientWith(backends.s3.accessKey, 'wrong-secret-of-a-stranger');
  await assert.rejects(stranger.putObject(bucket, 'x', 'x'), { code: 'SignatureDoesNotMatch' });
  const answer = await fetch(`${backends.s3.endpoint}/${bucket}/dir`);
  assert.equal(answer.status, 403);
});

test('presigned addresses put and get without credentials, ranges included', async () => {
  const put = await fetch(await s3.presignedPutObject(bucket, 'signed', 60), {
    method: 'PUT',
    body: '0123456789',
  });
  assert.equal(put.status, 200);
  const address = await s3.presignedGetObject(bucket, 'signed', 60, {
    'response-content-type': 'text/x-test',
    'response-content-disposition': 'attachment; filename="f"',
  });
  const get = await fetch(address, { headers: { range: 'bytes=2-4' } });
  assert.equal(get.status, 206);
  assert.equal(await get.text(), '234');
  assert.equal(get.headers.get('content-type'), 'text/x-test');
  assert.equal(get.headers.get('content-disposition'), 'attachment; filename="f"');
  assert.equal((await fetch(address.replace(/.$/, (c) => (c === '0' ? '1' : '0')))).status, 403);
});

test('a multipart upload by presigned parts becomes one object', async () => {
  const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(1000)];
  const uploadId = await s3.initiateNewMultipartUpload(bucket, 'large', { 'Content-Type': 'video/mp4' });
  const etags = await Promise.all(
    parts.map(async (body, i) => {
      const query = { uploadId, partNumber: `${i + 1}` };
      const address = await s3.presignedUrl('PUT', bucket, 'large', 60, query);
      const answer = await fetch(address, { method: 'PUT', body: new Uint8Array(body) });
      assert.equal(answer.status, 200);
      return { part: i + 1, etag: (answer.headers.get('etag') ?? '').replaceAll('"', '') };
    }),
  );
  await s3.completeMultipartUpload(bucket, 'large', uploadId, etags);
  assert.ok((await read('large')).equals(Buffer.concat(parts)));
  assert.equal((await s3.statObject(bucket, 'large')).metaData['content-type'], 'video/mp4');
});

test('listing by prefix, copying and removing', async () => {
  for (const key of ['l/1', 'l/2', 'other/1']) await s3.putObject(bucket, key, key);
  await s3.copyObject(bucket, 'l/3', `/${bucket}/l/1`);
  const list = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const item of s3.listObjectsV2(bucket, 'l/', true)) keys.push(item.name);
    return keys;
  };
  assert.deepEqual(await list(), ['l/1', 'l/2', 'l/3']);
  await s3.removeObjects(bucket, ['l/1', 'l/2']);
  await s3.removeObject(bucket, 'l/never-there');
  assert.deepEqual(await list(), ['l/3']);
});

test('objects survive a restart', {
  skip: process.env.S3_ENDPOINT ? 'external' : false,
}, async () => {
  await s3.putObject(bucket, 'kept', 'still here');
  await backends.s3.restart();
  assert.equal((await read('kept')).toString(), 'still here');
});

test('objects are readable when another process opens the folder on other ports', {
  skip: process.env.S3_ENDPOINT ? 'external' : false,
}, async () => {
  await s3.putObject(bucket, 'moved', 'still here');
  const { port } = backends.s3;
  await backends.stop();
  backends = await startBackends({ dir, only: ['s3'] });
  assert.notEqual(backends.s3.port, port);
  s3 = clientWith(backends.s3.accessKey, backends.s3.secretKey);
  assert.equal((await read('moved')).toString(), 'still here');
});
