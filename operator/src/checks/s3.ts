import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import type { Client } from 'minio';
import {
  CHECK_TIMEOUT_MS,
  type CheckDetail,
  CheckError,
  type CheckResult,
  type CheckSource,
  type CheckTls,
  refused,
  runCheck,
} from './check.ts';
import { claimStore, ownerText, parseOwner, type RecordedOwner, type StoreOwner } from './identity.ts';

/** Address and account of object storage. */
export interface S3Target {
  readonly source: CheckSource;
  readonly endpoint: string;
  readonly region: string;
  /** Whether the bucket is in the path of URLs. @default true */
  readonly pathStyle?: boolean | undefined;
  /** Absent where only the pods of the services have a role. */
  readonly keys?: { readonly accessKey: string; readonly secretKey: string } | undefined;
  readonly tls?: CheckTls | undefined;
  readonly bucket: string;
  /** The cluster that the bucket is to belong to. @default not checked */
  readonly owner?: StoreOwner | undefined;
}

/** Object with the record of the cluster that a bucket belongs to. */
const OWNER_OBJECT = '.openim-cluster';
/** Longest record that is read. */
const MAX_RECORD_BYTES = 1_024;

const REFUSED = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'ExpiredToken']);
/** Names of errors that concern the bucket, not the connection. */
const BUCKET_ERRORS = new Set(['S3Error', 'InvalidBucketNameError']);
const MADE_MEANWHILE = new Set(['BucketAlreadyOwnedByYou']);

/**
 * Checks that the account has access to the bucket. A missing one is created in managed storage alone. Without an account
 * it checks that the storage answers.
 */
export async function checkS3(target: S3Target, signal: AbortSignal): Promise<CheckResult> {
  const { source, endpoint, region, pathStyle = true, bucket, keys, tls } = target;
  const where = `object storage at ${endpoint}`;
  return runCheck(
    { source, where, secrets: [keys?.accessKey, keys?.secretKey] },
    signal,
    async ({ defer }) => {
      const url = URL.parse(endpoint);
      if (url === null || !/^https?:$/.test(url.protocol)) {
        throw new CheckError(
          'InvalidAddress',
          `${source.addressField}: ${JSON.stringify(endpoint)} is not an http or https URL; correct it`,
        );
      }
      const { Client } = await import('minio');
      const useSSL = url.protocol === 'https:';
      const settings = { keepAlive: false, timeout: CHECK_TIMEOUT_MS };
      const agent = useSSL ? new HttpsAgent({ ...settings, ...tls }) : new HttpAgent(settings);
      defer(() => agent.destroy());
      const client = new Client({
        endPoint: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port) || (useSSL ? 443 : 80),
        useSSL,
        ...keys,
        region,
        pathStyle,
        transportAgent: agent,
        retryOptions: { disableRetry: true },
      });
      if (keys === undefined) return answers(client, bucket);
      try {
        if (await client.bucketExists(bucket)) {
          if (target.owner) await claim(client, bucket, target.owner, source, where);
          return {};
        }
        if (!source.managed) {
          throw new CheckError(
            'BucketUnavailable',
            `spec.objectStorage.bucket: ${endpoint} has no bucket ${bucket}; create it, or let the services create it at their start if the account may`,
          );
        }
        await client.makeBucket(bucket, region);
      } catch (error) {
        if (error instanceof CheckError) throw error;
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (MADE_MEANWHILE.has(code)) return {};
        if (REFUSED.has(code)) throw refused(source, where);
        if (error instanceof Error && BUCKET_ERRORS.has(error.name)) {
          // Some storages report a wrong key only like this, since the answer to HEAD has no body.
          if (code === 'AccessDenied' || code === 'Forbidden')
            throw refused(source, `${where}, asked for bucket ${bucket},`);
          throw new CheckError(
            'BucketUnavailable',
            `spec.objectStorage.bucket: bucket ${bucket} cannot be used at ${endpoint} (${error.message}); set a bucket that this account owns`,
          );
        }
        throw error;
      }
      return {};
    },
  );
}

async function claim(
  client: Client,
  bucket: string,
  owner: StoreOwner,
  source: CheckSource,
  where: string,
): Promise<void> {
  const write = (next: RecordedOwner) => client.putObject(bucket, OWNER_OBJECT, ownerText(next));
  const record = {
    read: async () => parseOwner(await textOf(await client.getObject(bucket, OWNER_OBJECT))),
    // Not every storage can create an object only where there is none: of two clusters at once the later one has it.
    create: write,
    replace: write,
  };
  await claimStore(record, owner, {
    source,
    where: `bucket ${bucket} of ${where}`,
    alternative: 'set another spec.objectStorage.bucket',
  });
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += chunk;
    if (text.length > MAX_RECORD_BYTES) break;
  }
  return text;
}

/** Any answer will do: the storage may refuse a request without an account. */
async function answers(client: Client, bucket: string): Promise<CheckDetail> {
  try {
    await client.bucketExists(bucket);
  } catch (error) {
    if (!(error instanceof Error && BUCKET_ERRORS.has(error.name))) throw error;
  }
  return {};
}
