import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** What a URL is signed with. */
export interface Signer {
  /** Base URL of the storage as clients reach it. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Buckets are in the path; else in the host name. */
  readonly pathStyle: boolean;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

/** What a presigned PUT allows. */
export interface PresignedPut {
  readonly bucket: string;
  readonly key: string;
  /** Exact size of the body: the request has another signature with any other. */
  readonly size: number;
  readonly expireS: number;
  readonly query?: Readonly<Record<string, string>>;
  /** @default now */
  readonly at?: Date;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * URL by which a client puts exactly `size` bytes: AWS Signature Version 4 in the query, with
 * `content-length` among the signed headers, which the S3 client leaves out.
 */
export function presignPut(signer: Signer, put: PresignedPut): string {
  const url = new URL(signer.endpoint);
  const key = put.key.split('/').map(encode).join('/');
  // A certificate for *.host does not cover a name with more dots.
  const inPath = signer.pathStyle || (url.protocol === 'https:' && put.bucket.includes('.'));
  if (!inPath) url.hostname = `${put.bucket}.${url.hostname}`;
  const path = inPath ? `/${put.bucket}/${key}` : `/${key}`;
  const time = (put.at ?? new Date()).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${signer.region}/s3/aws4_request`;
  const signedHeaders = 'content-length;host';
  const query = canonicalQuery({
    ...put.query,
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${signer.accessKey}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(put.expireS),
    'X-Amz-SignedHeaders': signedHeaders,
    ...(signer.sessionToken !== undefined && { 'X-Amz-Security-Token': signer.sessionToken }),
  });
  const request = [
    'PUT',
    path,
    query,
    `content-length:${put.size}`,
    `host:${url.host}`,
    '',
    signedHeaders,
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const text = [ALGORITHM, time, scope, hash('sha256', request)].join('\n');
  const signature = createHmac('sha256', signingKey(signer, day)).update(text).digest('hex');
  return `${url.origin}${path}?${query}&X-Amz-Signature=${signature}`;
}

/** The key of each signer's latest day: to derive it costs as much as twenty signatures. */
const signingKeys = new WeakMap<Signer, { readonly day: string; readonly key: KeyObject }>();

/** @param day as `20260131`. */
function signingKey(signer: Signer, day: string): KeyObject {
  const known = signingKeys.get(signer);
  if (known?.day === day) return known.key;
  const derived = [day, signer.region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (key, text) => createHmac('sha256', key).update(text).digest(),
    `AWS4${signer.secretKey}`,
  );
  const key = createSecretKey(Buffer.from(derived));
  signingKeys.set(signer, { day, key });
  return key;
}

function canonicalQuery(params: Readonly<Record<string, string>>): string {
  return Object.entries(params)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

/** Everything but unreserved characters percent-encoded, as the signature wants it. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
