import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  CHECK_TIMEOUT_MS,
  CheckError,
  type CheckResult,
  type CheckSource,
  refused,
  runCheck,
} from './check.ts';

/** Address and account of object storage. */
export interface S3Target {
  readonly source: CheckSource;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
}

const REFUSED = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'ExpiredToken']);
/** Names of errors that concern the bucket, not the connection. */
const BUCKET_ERRORS = new Set(['S3Error', 'InvalidBucketNameError']);
const MADE_MEANWHILE = new Set(['BucketAlreadyOwnedByYou']);

/** Checks that the account has access to the bucket; creates a missing bucket, as the services would. */
export async function checkS3(target: S3Target, signal: AbortSignal): Promise<CheckResult> {
  const { source, endpoint, region, bucket, accessKey, secretKey } = target;
  const where = `object storage at ${endpoint}`;
  return runCheck({ source, where, secrets: [accessKey, secretKey] }, signal, async ({ defer }) => {
    const url = URL.parse(endpoint);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new CheckError(
        'InvalidAddress',
        `${source.addressField}: ${JSON.stringify(endpoint)} is not an http or https URL; correct it`,
      );
    }
    const { Client } = await import('minio');
    const useSSL = url.protocol === 'https:';
    const agent = new (useSSL ? HttpsAgent : HttpAgent)({ keepAlive: false, timeout: CHECK_TIMEOUT_MS });
    defer(() => agent.destroy());
    const client = new Client({
      endPoint: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (useSSL ? 443 : 80),
      useSSL,
      accessKey,
      secretKey,
      region,
      transportAgent: agent,
      retryOptions: { disableRetry: true },
    });
    try {
      if (!(await client.bucketExists(bucket))) await client.makeBucket(bucket, region);
    } catch (error) {
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
  });
}
