import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { ServerConfig, TenantId } from '@im/contract';
import type { Logger } from '@im/process';
import { type Client, S3Error } from 'minio';

/** Settings that decide where objects are. */
export type BucketSettings = Pick<
  ServerConfig['s3'],
  'bucket' | 'region' | 'bucketPerTenant' | 'corsOrigins'
>;

/** Where a tenant's objects are: in a bucket, with keys that begin with `prefix`. */
export interface Place {
  readonly bucket: string;
  readonly prefix: string;
}

/** The buckets of all tenants. */
export interface Buckets {
  /** The tenant's place, whether it exists or not. */
  placeOf(tenant: TenantId): Place;
  /** The tenant's place, its bucket made when it is missing; one attempt at a time, the next call repeats a failed one. */
  existing(tenant: TenantId): Promise<Place>;
  /** Forgets that the tenant's bucket exists, unless all tenants share it. */
  forget(tenant: TenantId): void;
  /** Whether the tenant's bucket exists, as far as the account may know. */
  exists(tenant: TenantId): Promise<boolean>;
}

const MAX_BUCKET_NAME = 63;
/** Time for which browsers keep the answer to a preflight request, s. */
const CORS_MAX_AGE_S = 3_600;
const NO_RULES = 'NoSuchCORSConfiguration';
/** The account may use the bucket but not look at it. */
const FORBIDDEN = new Set(['AccessDenied', 'Forbidden']);

/** Bucket of a tenant: `<base>-<tenant>`; a name that would be too long ends in a hash instead. */
export function bucketName(base: string, tenant: TenantId): string {
  const name = `${base}-${tenant}`;
  if (name.length <= MAX_BUCKET_NAME) return name;
  const digest = createHash('sha256').update(tenant).digest('hex').slice(0, 16);
  return `${base.slice(0, MAX_BUCKET_NAME - digest.length - 1)}-${digest}`;
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * Rules by which web clients of these origins put and get objects.
 * Source: Amazon S3 API Reference, PutBucketCors.
 */
export function corsRules(origins: readonly string[]): string {
  const elements = (name: string, values: readonly string[]) =>
    values.map((value) => `<${name}>${escaped(value)}</${name}>`).join('');
  return [
    '<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CORSRule>',
    elements('AllowedOrigin', origins),
    elements('AllowedMethod', ['GET', 'HEAD', 'PUT', 'POST']),
    elements('AllowedHeader', ['*']),
    elements('ExposeHeader', ['ETag']),
    elements('MaxAgeSeconds', [String(CORS_MAX_AGE_S)]),
    '</CORSRule></CORSConfiguration>',
  ].join('');
}

function codeOf(error: unknown): string {
  return error instanceof S3Error ? String((error as { code?: string }).code) : '';
}

/** The buckets. @param client with the credentials in force. */
export function createBuckets(settings: BucketSettings, client: () => Client, log: Logger): Buckets {
  const known = new Map<string, Promise<void>>();

  const placeOf = (tenant: TenantId): Place =>
    settings.bucketPerTenant
      ? { bucket: bucketName(settings.bucket, tenant), prefix: '' }
      : { bucket: settings.bucket, prefix: `${tenant}/` };

  async function isThere(bucket: string): Promise<boolean> {
    try {
      return await client().bucketExists(bucket);
    } catch (error) {
      if (FORBIDDEN.has(codeOf(error))) return true;
      throw error;
    }
  }

  /**
   * Sets the rules of a bucket that has none. Those that it has are its owner's. All but web clients do without, so that a
   * storage that knows no rules, or an account that may not set them, is no failure.
   */
  async function allowOrigins(bucket: string): Promise<void> {
    if (settings.corsOrigins.length === 0) return;
    const request = { bucketName: bucket, query: 'cors' };
    const send = async (method: string, headers: Record<string, string>, body: string) =>
      text(
        await client().makeRequestAsync({ ...request, method, headers }, body, [200, 204], settings.region),
      );
    try {
      await send('GET', {}, '');
    } catch (error) {
      if (codeOf(error) !== NO_RULES) {
        log.debug({ bucket, err: error }, 'CORS rules of the bucket not read');
        return;
      }
      const rules = corsRules(settings.corsOrigins);
      const sum = createHash('md5').update(rules).digest('base64');
      try {
        await send('PUT', { 'content-md5': sum, 'content-type': 'application/xml' }, rules);
      } catch (error) {
        log.warn({ bucket, err: error }, 'CORS rules not set: web clients need them to upload');
      }
    }
  }

  async function make(bucket: string): Promise<void> {
    if (!(await isThere(bucket))) {
      try {
        await client().makeBucket(bucket, settings.region);
        log.info({ bucket }, 'bucket made');
      } catch (error) {
        if (!(await isThere(bucket))) throw error;
      }
    }
    await allowOrigins(bucket);
  }

  return {
    placeOf,
    forget(tenant) {
      if (settings.bucketPerTenant) known.delete(placeOf(tenant).bucket);
    },
    exists: (tenant) => isThere(placeOf(tenant).bucket),
    async existing(tenant) {
      const place = placeOf(tenant);
      let made = known.get(place.bucket);
      if (made === undefined) {
        made = make(place.bucket);
        known.set(place.bucket, made);
        made.catch(() => known.delete(place.bucket));
      }
      await made;
      return place;
    },
  };
}
