import { createHash } from 'node:crypto';
import type { ServerConfig, TenantId } from '@im/contract';
import { type Metrics, messageOf } from '@im/kit';
import { type Logger, notReady, READY, type Service } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { Client, CopyDestinationOptions, CopySourceOptions, PostPolicy, S3Error } from 'minio';
import { presignPut, type Signer } from './presign.ts';

/** Settings of the object storage. */
export type BlobConfig = ServerConfig['s3'];

/** Parts that a blob store needs. */
export interface BlobDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What is known of a stored object. */
export interface BlobInfo {
  readonly size: number;
  /** Lower-case hex without quotes; the MD5 of objects that were put in one piece. */
  readonly etag: string;
  readonly contentType: string;
  readonly modifiedMs: number;
}

/** One part of a multipart upload. */
export interface BlobPart {
  readonly partNumber: number;
  readonly etag: string;
}

/** What a presigned GET may change in the answer. */
export interface DownloadOptions {
  readonly contentType?: string;
  /** Browsers save it instead of showing it. */
  readonly attachment?: boolean;
}

/** What uploads that were never completed have left behind. */
export interface Leftovers {
  readonly keys: readonly string[];
  readonly uploads: readonly { readonly key: string; readonly uploadId: string }[];
}

/** A form by which a browser posts an object. */
export interface UploadForm {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Objects on any S3-compatible storage. Every tenant has a separate bucket, made at first use.
 * Failures of the storage reject with ImError 90004 (retryable), missing objects with 1004.
 */
export interface Blob extends Service {
  /** Name of the tenant's bucket. */
  bucket(tenant: TenantId): string;
  put(tenant: TenantId, key: string, data: Uint8Array, contentType: string): Promise<void>;
  stat(tenant: TenantId, key: string): Promise<BlobInfo>;
  /** Copies the bytes with this ETag. @throws ImError 1004 when others lie at `from` now. */
  copy(tenant: TenantId, from: string, to: string, etag: string): Promise<void>;
  /** Removing a missing object succeeds. */
  remove(tenant: TenantId, key: string): Promise<void>;
  /** URL by which a client puts exactly `size` bytes; valid for `expireS` seconds. */
  presignPut(tenant: TenantId, key: string, size: number, expireS: number): Promise<string>;
  /** URL by which a client gets an object; valid for `expireS` seconds. */
  presignGet(tenant: TenantId, key: string, expireS: number, options?: DownloadOptions): Promise<string>;
  /** Form by which a client posts exactly `size` bytes to `key`. */
  presignPost(
    tenant: TenantId,
    key: string,
    size: number,
    contentType: string,
    expires: Date,
  ): Promise<UploadForm>;
  /** Begins a multipart upload and returns its id. */
  createMultipart(tenant: TenantId, key: string, contentType: string): Promise<string>;
  /** As {@link presignPut}, for one part of a multipart upload. */
  presignPart(
    tenant: TenantId,
    key: string,
    uploadId: string,
    part: { readonly number: number; readonly size: number },
    expireS: number,
  ): Promise<string>;
  completeMultipart(
    tenant: TenantId,
    key: string,
    uploadId: string,
    parts: readonly BlobPart[],
  ): Promise<void>;
  /** Aborting a missing upload succeeds. */
  abortMultipart(tenant: TenantId, key: string, uploadId: string): Promise<void>;
  /** Objects below `prefix` and multipart uploads started before a time (ms), at most `limit` of each. */
  leftovers(tenant: TenantId, prefix: string, before: number, limit: number): Promise<Leftovers>;
}

/** Where bytes go that are copied when they are complete; what is old there is left over. */
export const TEMP_PREFIX = 'openim/temp/';

const MISSING = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload', 'NoSuchBucket', 'PreconditionFailed']);
const MAX_BUCKET_NAME = 63;

/** Bucket of a tenant: `<base>-<tenant>`; a name that would be too long ends in a hash instead. */
export function bucketName(base: string, tenant: TenantId): string {
  const name = `${base}-${tenant}`;
  if (name.length <= MAX_BUCKET_NAME) return name;
  const digest = createHash('sha256').update(tenant).digest('hex').slice(0, 16);
  return `${base.slice(0, MAX_BUCKET_NAME - digest.length - 1)}-${digest}`;
}

function connect(endpoint: string, config: BlobConfig): Client {
  const url = new URL(endpoint);
  return new Client({
    endPoint: url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
    useSSL: url.protocol === 'https:',
    accessKey: config.accessKey,
    secretKey: config.secretKey,
    region: config.region,
    pathStyle: true,
  });
}

function toBlobError(error: unknown): ImError {
  if (error instanceof ImError) return error;
  const code = error instanceof S3Error ? (error as { code?: string }).code : undefined;
  const text = messageOf(error);
  if (code !== undefined && MISSING.has(code))
    return new ImError(ERR.RecordNotFoundError, 'no such object', undefined, { cause: error });
  return new ImError(ERR.NetworkError, `object storage: ${text}`, undefined, { cause: error });
}

/** Builds the object store; nothing is contacted before the first use. @throws for an endpoint that is no URL. */
export function createBlob(config: BlobConfig, { log, metrics }: BlobDeps): Blob {
  const client = connect(config.endpoint, config);
  const outside = connect(config.externalEndpoint === '' ? config.endpoint : config.externalEndpoint, config);
  const signer: Signer = {
    endpoint: config.externalEndpoint === '' ? config.endpoint : config.externalEndpoint,
    accessKey: config.accessKey,
    secretKey: config.secretKey,
    region: config.region,
  };
  const calls = metrics.counter('openim_blob_calls_total', 'Calls to the object storage by result', [
    'call',
    'result',
  ]);
  const known = new Map<string, Promise<void>>();

  async function run<T>(call: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      calls.inc({ call, result: 'ok' });
      return result;
    } catch (error) {
      const mapped = toBlobError(error);
      calls.inc({ call, result: mapped.code === ERR.RecordNotFoundError ? 'missing' : 'error' });
      throw mapped;
    }
  }

  async function makeBucket(name: string): Promise<void> {
    if (await client.bucketExists(name)) return;
    try {
      await client.makeBucket(name, config.region);
      log.info({ bucket: name }, 'bucket made');
    } catch (error) {
      if (!(await client.bucketExists(name))) throw error;
    }
  }

  /** The tenant's bucket, existing; one attempt at a time, failures are tried again by the next call. */
  async function bucketOf(tenant: TenantId): Promise<string> {
    const name = bucketName(config.bucket, tenant);
    let made = known.get(name);
    if (made === undefined) {
      made = makeBucket(name);
      known.set(name, made);
      made.catch(() => known.delete(name));
    }
    await made;
    return name;
  }

  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    ready: () => (config.accessKey === '' ? notReady('s3.accessKey is not set') : READY),
    bucket: (tenant) => bucketName(config.bucket, tenant),
    put: (tenant, key, data, contentType) =>
      run('put', async () => {
        const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        await client.putObject(await bucketOf(tenant), key, bytes, bytes.length, {
          'Content-Type': contentType,
        });
      }),
    stat: (tenant, key) =>
      run('stat', async () => {
        const found = await client.statObject(await bucketOf(tenant), key);
        return {
          size: found.size,
          etag: found.etag.replaceAll('"', '').toLowerCase(),
          contentType: String(found.metaData['content-type'] ?? ''),
          modifiedMs: found.lastModified.getTime(),
        };
      }),
    copy: (tenant, from, to, etag) =>
      run('copy', async () => {
        const Bucket = await bucketOf(tenant);
        await client.copyObject(
          new CopySourceOptions({ Bucket, Object: from, MatchETag: etag }),
          new CopyDestinationOptions({ Bucket, Object: to }),
        );
      }),
    remove: (tenant, key) => run('remove', async () => client.removeObject(await bucketOf(tenant), key)),
    presignPut: (tenant, key, size, expireS) =>
      run('presign-put', async () =>
        presignPut(signer, { bucket: await bucketOf(tenant), key, size, expireS }),
      ),
    presignGet: (tenant, key, expireS, options = {}) =>
      run('presign-get', async () => {
        const params: Record<string, string> = {};
        if (options.contentType !== undefined) params['response-content-type'] = options.contentType;
        if (options.attachment) params['response-content-disposition'] = 'attachment';
        return outside.presignedUrl('GET', await bucketOf(tenant), key, expireS, params);
      }),
    presignPost: (tenant, key, size, contentType, expires) =>
      run('presign-post', async () => {
        const policy = new PostPolicy();
        policy.setBucket(await bucketOf(tenant));
        policy.setKey(key);
        policy.setExpires(expires);
        policy.setContentLengthRange(size, size);
        if (contentType !== '') policy.setContentType(contentType);
        const { postURL, formData } = await outside.presignedPostPolicy(policy);
        return { url: postURL, fields: formData };
      }),
    createMultipart: (tenant, key, contentType) =>
      run('create-multipart', async () =>
        client.initiateNewMultipartUpload(
          await bucketOf(tenant),
          key,
          contentType === '' ? {} : { 'content-type': contentType },
        ),
      ),
    presignPart: (tenant, key, uploadId, { number, size }, expireS) =>
      run('presign-part', async () => {
        const query = { uploadId, partNumber: String(number) };
        return presignPut(signer, { bucket: await bucketOf(tenant), key, size, expireS, query });
      }),
    completeMultipart: (tenant, key, uploadId, parts) =>
      run('complete-multipart', async () => {
        const etags = parts.map(({ partNumber, etag }) => ({ part: partNumber, etag }));
        await client.completeMultipartUpload(await bucketOf(tenant), key, uploadId, etags);
      }),
    abortMultipart: (tenant, key, uploadId) =>
      run('abort-multipart', async () => {
        try {
          await client.abortMultipartUpload(await bucketOf(tenant), key, uploadId);
        } catch (error) {
          if (toBlobError(error).code !== ERR.RecordNotFoundError) throw error;
        }
      }),
    leftovers: (tenant, prefix, before, limit) =>
      run('leftovers', async () => {
        const bucket = bucketName(config.bucket, tenant);
        if (!(await client.bucketExists(bucket))) return { keys: [], uploads: [] };
        const keys: string[] = [];
        for await (const { name, lastModified } of client.listObjectsV2(bucket, prefix, true)) {
          if (name !== undefined && lastModified !== undefined && lastModified.getTime() < before) {
            keys.push(name);
          }
          if (keys.length >= limit) break;
        }
        const uploads: { key: string; uploadId: string }[] = [];
        for await (const { key, uploadId, initiated } of client.listIncompleteUploads(bucket, '', true)) {
          if (new Date(initiated).getTime() < before) uploads.push({ key, uploadId });
          if (uploads.length >= limit) break;
        }
        return { keys, uploads };
      }),
  };
}
