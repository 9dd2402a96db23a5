import { DEFAULT_CONFIG, type ServerConfig, type TenantId } from '@im/contract';
import { beginStoreStep, type Metrics, messageOf, unlessAborted } from '@im/kit';
import { type Logger, type Service, type TaskRunner, tlsContext } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { CopyDestinationOptions, CopySourceOptions, PostPolicy, S3Error } from 'minio';
import { createBuckets } from './buckets.ts';
import { fixedCredentials, roleCredentials } from './current-credentials.ts';
import { presignPut } from './presign.ts';
import { publicURL } from './public-url.ts';
import { readStream } from './read-stream.ts';
import { removeSome } from './remove-some.ts';
import { fetchRoleCredentials } from './role-credentials.ts';
import { s3Clients } from './s3-clients.ts';

const STEP = { 'db.system.name': 's3' };

type Settings = ServerConfig['s3'];
type Required = 'endpoint' | 'externalEndpoint' | 'accessKey' | 'secretKey' | 'bucket' | 'region';

/** Settings of the object storage; what is absent is as in the config's defaults. */
export type BlobConfig = Pick<Settings, Required> & Partial<Omit<Settings, Required>>;

/** Parts that a blob store needs. */
export interface BlobDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tasks: Pick<TaskRunner, 'spawn'>;
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

/** How an object is downloaded. */
export interface Served {
  readonly contentType: string;
  /** Saved by browsers, never shown: the page of an uploader would run on the storage's host. */
  readonly attachment: boolean;
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
 * Objects on any S3-compatible storage. Every tenant has a separate bucket, made at first use, or separate keys in one
 * bucket; keys and lists are without that part. Failures of the storage reject with ImError 90004 (retryable), missing
 * objects with 1004.
 */
export interface Blob extends Service {
  /** Name of the tenant's bucket. */
  bucket(tenant: TenantId): string;
  put(tenant: TenantId, key: string, data: Uint8Array, contentType: string): Promise<void>;
  stat(tenant: TenantId, key: string): Promise<BlobInfo>;
  /**
   * The first bytes of an object, at most `length`.
   * @throws ImError 90004 when the signal aborts.
   */
  read(tenant: TenantId, key: string, length: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** Copies the bytes with this ETag, to be served like this. @throws ImError 1004 when others lie at `from` now. */
  copy(tenant: TenantId, from: string, to: string, etag: string, served: Served): Promise<void>;
  /** Removing a missing object succeeds. */
  remove(tenant: TenantId, key: string): Promise<void>;
  /** URL by which a client puts exactly `size` bytes; valid for `expireS` seconds. */
  presignPut(tenant: TenantId, key: string, size: number, expireS: number): Promise<string>;
  /**
   * URL by which a client gets an object; valid for `expireS` seconds, or without end where objects that are shown are public
   * (`s3.publicBaseURL`).
   */
  presignGet(tenant: TenantId, key: string, expireS: number, served: Served): Promise<string>;
  /** Form by which a client posts exactly `size` bytes to `key`. */
  presignPost(
    tenant: TenantId,
    key: string,
    size: number,
    served: Served,
    expires: Date,
  ): Promise<UploadForm>;
  /** Begins a multipart upload of an object to be served like this, and returns its id. */
  createMultipart(tenant: TenantId, key: string, served: Served): Promise<string>;
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
  /**
   * Removes a page of the tenant's objects and unfinished uploads; when none is left, its bucket, unless tenants share one.
   * Versions that a bucket keeps of removed objects are not touched. @returns how many; undefined when nothing is left.
   */
  removeSome(tenant: TenantId): Promise<number | undefined>;
  /** The tenant's bucket may be removed by another process: at its next use it is looked for, and made. */
  forgetBucket(tenant: TenantId): void;
  /** Objects below `prefix` and multipart uploads started before a time (ms), at most `limit` of each. */
  leftovers(tenant: TenantId, prefix: string, before: number, limit: number): Promise<Leftovers>;
}

/** Where bytes go that are copied when they are complete; what is old there is left over. */
export const TEMP_PREFIX = 'openim/temp/';

const ATTACHMENT = 'attachment';
const MISSING = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload', 'NoSuchBucket', 'PreconditionFailed']);

function headersOf({ contentType, attachment }: Served): Record<string, string> {
  return { 'Content-Type': contentType, ...(attachment && { 'Content-Disposition': ATTACHMENT }) };
}

function toBlobError(error: unknown): ImError {
  if (error instanceof ImError) return error;
  const code = error instanceof S3Error ? (error as { code?: string }).code : undefined;
  const text = messageOf(error);
  if (code !== undefined && MISSING.has(code))
    return new ImError(ERR.RecordNotFoundError, 'no such object', undefined, { cause: error });
  return new ImError(ERR.NetworkError, `object storage: ${text}`, undefined, { cause: error });
}

/**
 * Builds the object store; nothing is contacted before the first use.
 * @throws for an endpoint that is no URL; Error that names the setting whose file for TLS cannot be used.
 */
export function createBlob(config: BlobConfig, { log, metrics, tasks }: BlobDeps): Blob {
  const settings: Settings = { ...DEFAULT_CONFIG.s3, ...config };
  const { accessKey, secretKey, sessionToken, region } = settings;
  const credentials =
    settings.credentials === 'role'
      ? roleCredentials({
          log,
          metrics,
          tasks,
          fetch: (signal) => fetchRoleCredentials({ env: process.env, region }, signal),
        })
      : fixedCredentials({ accessKey, secretKey, ...(sessionToken !== '' && { sessionToken }) });
  const clientsOf = s3Clients(settings, tlsContext(settings.tls, 's3.tls', log));
  const clients = () => clientsOf(credentials.get());
  const calls = metrics.counter('openim_blob_calls_total', 'Calls to the object storage by result', [
    'call',
    'result',
  ]);

  async function run<T>(call: string, work: () => Promise<T>): Promise<T> {
    const step = beginStoreStep(`s3 ${call}`, STEP);
    try {
      const result = await work();
      calls.inc({ call, result: 'ok' });
      step?.end();
      return result;
    } catch (error) {
      const mapped = toBlobError(error);
      step?.end(mapped);
      calls.inc({ call, result: mapped.code === ERR.RecordNotFoundError ? 'missing' : 'error' });
      throw mapped;
    }
  }

  const buckets = createBuckets(settings, () => clients().inside, log);

  /** The bucket of an object, existing, and its key there. */
  async function at(tenant: TenantId, key: string): Promise<{ bucket: string; key: string }> {
    const { bucket, prefix } = await buckets.existing(tenant);
    return { bucket, key: prefix + key };
  }

  async function readFirst(tenant: TenantId, key: string, length: number, signal: AbortSignal) {
    const of = await at(tenant, key);
    return readStream(await clients().inside.getPartialObject(of.bucket, of.key, 0, length), length, signal);
  }

  return {
    start: async () => credentials.start(),
    stop: () => Promise.resolve(),
    ready: () => credentials.ready(),
    bucket: (tenant) => buckets.placeOf(tenant).bucket,
    put: (tenant, key, data, contentType) =>
      run('put', async () => {
        const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        const to = await at(tenant, key);
        await clients().inside.putObject(to.bucket, to.key, bytes, bytes.length, {
          'Content-Type': contentType,
        });
      }),
    stat: (tenant, key) =>
      run('stat', async () => {
        const of = await at(tenant, key);
        const found = await clients().inside.statObject(of.bucket, of.key);
        return {
          size: found.size,
          etag: found.etag.replaceAll('"', '').toLowerCase(),
          contentType: String(found.metaData['content-type'] ?? ''),
          modifiedMs: found.lastModified.getTime(),
        };
      }),
    read: (tenant, key, length, signal) =>
      run('read', () => unlessAborted(readFirst(tenant, key, length, signal), signal)),
    copy: (tenant, from, to, etag, served) =>
      run('copy', async () => {
        const [source, target] = [await at(tenant, from), await at(tenant, to)];
        await clients().inside.copyObject(
          new CopySourceOptions({ Bucket: source.bucket, Object: source.key, MatchETag: etag }),
          new CopyDestinationOptions({
            Bucket: target.bucket,
            Object: target.key,
            MetadataDirective: 'REPLACE',
            Headers: headersOf(served),
          }),
        );
      }),
    remove: (tenant, key) =>
      run('remove', async () => {
        const of = await at(tenant, key);
        await clients().inside.removeObject(of.bucket, of.key);
      }),
    presignPut: (tenant, key, size, expireS) =>
      run('presign-put', async () =>
        presignPut(clients().signer, { ...(await at(tenant, key)), size, expireS }),
      ),
    presignGet: (tenant, key, expireS, served) =>
      run('presign-get', async () => {
        const of = await at(tenant, key);
        if (settings.publicBaseURL !== '' && !served.attachment) {
          return publicURL(settings.publicBaseURL, of.bucket, of.key);
        }
        return clients().outside.presignedUrl('GET', of.bucket, of.key, expireS, {
          'response-content-type': served.contentType,
          ...(served.attachment && { 'response-content-disposition': ATTACHMENT }),
        });
      }),
    presignPost: (tenant, key, size, served, expires) =>
      run('presign-post', async () => {
        const to = await at(tenant, key);
        const policy = new PostPolicy();
        policy.setBucket(to.bucket);
        policy.setKey(to.key);
        policy.setExpires(expires);
        policy.setContentLengthRange(size, size);
        policy.setContentType(served.contentType);
        if (served.attachment) policy.setContentDisposition(ATTACHMENT);
        const { postURL, formData } = await clients().outside.presignedPostPolicy(policy);
        return { url: postURL, fields: formData };
      }),
    createMultipart: (tenant, key, served) =>
      run('create-multipart', async () => {
        const to = await at(tenant, key);
        return clients().inside.initiateNewMultipartUpload(to.bucket, to.key, headersOf(served));
      }),
    presignPart: (tenant, key, uploadId, { number, size }, expireS) =>
      run('presign-part', async () => {
        const query = { uploadId, partNumber: String(number) };
        return presignPut(clients().signer, { ...(await at(tenant, key)), size, expireS, query });
      }),
    completeMultipart: (tenant, key, uploadId, parts) =>
      run('complete-multipart', async () => {
        const etags = parts.map(({ partNumber, etag }) => ({ part: partNumber, etag }));
        const of = await at(tenant, key);
        await clients().inside.completeMultipartUpload(of.bucket, of.key, uploadId, etags);
      }),
    abortMultipart: (tenant, key, uploadId) =>
      run('abort-multipart', async () => {
        const of = await at(tenant, key);
        try {
          await clients().inside.abortMultipartUpload(of.bucket, of.key, uploadId);
        } catch (error) {
          if (toBlobError(error).code !== ERR.RecordNotFoundError) throw error;
        }
      }),
    removeSome: (tenant) =>
      run('remove-some', async () => {
        buckets.forget(tenant);
        return (await buckets.exists(tenant))
          ? removeSome(clients().inside, buckets.placeOf(tenant))
          : undefined;
      }),
    forgetBucket: (tenant) => buckets.forget(tenant),
    leftovers: (tenant, below, before, limit) =>
      run('leftovers', async () => {
        if (!(await buckets.exists(tenant))) return { keys: [], uploads: [] };
        const { bucket, prefix } = buckets.placeOf(tenant);
        const { inside } = clients();
        const keys: string[] = [];
        for await (const { name, lastModified } of inside.listObjectsV2(bucket, prefix + below, true)) {
          if (name !== undefined && lastModified !== undefined && lastModified.getTime() < before) {
            keys.push(name.slice(prefix.length));
          }
          if (keys.length >= limit) break;
        }
        const uploads: { key: string; uploadId: string }[] = [];
        for await (const { key, uploadId, initiated } of inside.listIncompleteUploads(bucket, prefix, true)) {
          if (new Date(initiated).getTime() < before)
            uploads.push({ key: key.slice(prefix.length), uploadId });
          if (uploads.length >= limit) break;
        }
        return { keys, uploads };
      }),
  };
}
