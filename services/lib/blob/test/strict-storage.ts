import { createHash } from 'node:crypto';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { S3Backend } from '@im/dev-stores';
import { Client, S3Error } from 'minio';
import { isSigned, sign, signatureOf } from './signatures.ts';

/** What a vendor of S3 storage asks for. */
export interface Vendor {
  /** Host of the endpoint, below `.test`. */
  readonly host: string;
  readonly region: string;
  /** Error for a bucket in the path; absent where that is allowed. */
  readonly pathStyleError?: string;
  /** What bucket names must look like besides the rules of S3. */
  readonly bucketName?: RegExp;
  /** The only session that it knows. */
  readonly sessionToken?: string;
}

/**
 * Alibaba OSS. Sources: "Use Amazon S3 SDKs to access OSS" (only virtual-hosted style, no chunked encoding), error code
 * 0003-00000201 SecondLevelDomainForbidden.
 */
export const OSS: Vendor = {
  host: 's3.oss-cn-hangzhou.aliyuncs.test',
  region: 'oss-cn-hangzhou',
  pathStyleError: 'SecondLevelDomainForbidden',
};

/** Tencent COS. Sources: "Using AWS S3 SDK to access COS", "Bucket overview" (names end in -APPID), "Path-style domains". */
export const COS: Vendor = {
  host: 'cos.ap-guangzhou.myqcloud.test',
  region: 'ap-guangzhou',
  pathStyleError: 'PathStyleDomainForbidden',
  bucketName: /^[a-z0-9][a-z0-9-]*-\d{10}$/,
};

/** Qiniu Kodo. Source: "AWS S3 compatibility" (endpoints by region, path and virtual-hosted style). */
export const KODO: Vendor = { host: 's3.cn-south-1.qiniucs.test', region: 'cn-south-1' };

/** Amazon S3 with the keys of a session. Sources: S3 API Reference, "Error responses"; STS, "Using temporary credentials". */
export const AWS: Vendor = {
  host: 's3.eu-central-1.amazonaws.test',
  region: 'eu-central-1',
  sessionToken: 'session/token+=',
};

/** A storage that refuses what its vendor refuses, and does all else on the real server behind it. */
export interface StrictStorage extends AsyncDisposable {
  readonly endpoint: string;
  /** Codes that it refused with. */
  readonly refused: string[];
}

const MAX_SKEW_MS = 15 * 60_000;
const MAX_EXPIRES_S = 604_800;
const FORBIDDEN_HEADERS = /^x-amz-(trailer|sdk-checksum-algorithm|decoded-content-length|checksum-)/;
const FORWARDED = /^(content-type|content-disposition|range|x-amz-(copy-source|metadata).*)$/;
const STATUS: Readonly<Record<string, number>> = {
  NoSuchKey: 404,
  NotFound: 404,
  NoSuchBucket: 404,
  NoSuchUpload: 404,
  NoSuchCORSConfiguration: 404,
  PreconditionFailed: 412,
  InvalidArgument: 400,
  AuthorizationHeaderMalformed: 400,
  InvalidBucketName: 400,
  XAmzContentSHA256Mismatch: 400,
};

/** A refusal. */
class Refused extends Error {
  readonly code: string;

  constructor(code: string, message = '') {
    super(message);
    this.code = code;
  }
}

/** Hosts below `.test` are this machine, as a wildcard record of DNS would have it. */
export function resolveTestHosts(): Disposable {
  const { lookup } = dns;
  const local = (host: string, options: object, answer: (...result: unknown[]) => void) => {
    if (!host.endsWith('.test')) return (lookup as (...args: unknown[]) => void)(host, options, answer);
    const address = { address: '127.0.0.1', family: 4 };
    if ('all' in options && options.all) answer(null, [address]);
    else answer(null, address.address, address.family);
  };
  dns.lookup = local as unknown as typeof lookup;
  return {
    [Symbol.dispose]() {
      dns.lookup = lookup;
    },
  };
}

/** Starts a vendor's storage in front of a real server, whose account it has. */
export async function startStrictStorage(vendor: Vendor, backend: S3Backend): Promise<StrictStorage> {
  const { secretKey, accessKey, region } = backend;
  const { hostname, port: backendPort } = new URL(backend.endpoint);
  const account = { accessKey, secretKey, region };
  const client = new Client({ endPoint: hostname, port: Number(backendPort), useSSL: false, ...account });
  const refused: string[] = [];
  const cors = new Map<string, string>();

  /** Bucket and key of a request. */
  function target({ headers }: IncomingMessage, url: URL): { bucket: string; key: string } {
    const [host = ''] = String(headers.host).split(':');
    const path = decodeURIComponent(url.pathname.slice(1));
    if (host !== vendor.host) {
      if (!host.endsWith(`.${vendor.host}`)) throw new Refused('InvalidHost', host);
      return { bucket: host.slice(0, -vendor.host.length - 1), key: path };
    }
    if (vendor.pathStyleError !== undefined) throw new Refused(vendor.pathStyleError, url.pathname);
    const [bucket = '', ...rest] = path.split('/');
    return { bucket, key: rest.join('/') };
  }

  function checkScope(scope: string): void {
    if (scope.split('/')[1] !== vendor.region) throw new Refused('AuthorizationHeaderMalformed', scope);
  }

  function checkTime(time: string, expiresS: number | undefined): void {
    const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    if (expiresS === undefined) {
      if (!(Math.abs(Date.now() - at) <= MAX_SKEW_MS)) throw new Refused('RequestTimeTooSkewed');
    } else {
      if (!(expiresS >= 1 && expiresS <= MAX_EXPIRES_S))
        throw new Refused('AuthorizationQueryParametersError');
      if (Date.now() > at + expiresS * 1_000) throw new Refused('AccessDenied', 'Request has expired');
    }
  }

  function checkSigned(incoming: IncomingMessage, url: URL, body: Buffer): void {
    const { presigned, scope, signedHeaders, time, token, payload, signature } = signatureOf(
      incoming,
      url.searchParams,
    );
    if (!signature) throw new Refused('AccessDenied', 'anonymous');
    checkScope(scope);
    checkTime(time, presigned ? Number(url.searchParams.get('X-Amz-Expires')) : undefined);
    if ((token ?? undefined) !== vendor.sessionToken) throw new Refused('InvalidToken');
    const signed = new Set(signedHeaders.split(';'));
    const needed = ['host', ...Object.keys(incoming.headers).filter((name) => name.startsWith('x-amz-'))];
    for (const name of needed) {
      if (!signed.has(name)) throw new Refused('AccessDenied', `not signed: ${name}`);
    }
    if (payload.startsWith('STREAMING-')) throw new Refused('InvalidArgument', payload);
    if (payload !== 'UNSIGNED-PAYLOAD' && payload !== createHash('sha256').update(body).digest('hex')) {
      throw new Refused('XAmzContentSHA256Mismatch');
    }
    if (!isSigned(incoming, url, secretKey)) throw new Refused('SignatureDoesNotMatch');
  }

  function checkHeaders({ headers }: IncomingMessage): void {
    if (/aws-chunked/.test(headers['content-encoding'] ?? ''))
      throw new Refused('InvalidArgument', 'aws-chunked');
    const wrong = Object.keys(headers).find((name) => FORBIDDEN_HEADERS.test(name));
    if (wrong) throw new Refused('InvalidArgument', wrong);
  }

  /** Does a request on the real server. */
  async function forward(
    incoming: IncomingMessage,
    url: URL,
    at: { bucket: string; key: string },
    body: Buffer,
  ) {
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).filter(([name]) => FORWARDED.test(name)),
    ) as Record<string, string>;
    const query = [...url.searchParams].filter(([name]) => !name.startsWith('X-Amz-'));
    return client.makeRequestAsync(
      {
        method: incoming.method ?? '',
        headers,
        bucketName: at.bucket,
        ...(at.key !== '' && { objectName: at.key }),
        query: query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&'),
      },
      body,
      [200, 204, 206],
      region,
    );
  }

  /** A form that a browser posts. Source: S3 API Reference, "Browser-based uploads using POST". */
  async function postForm(incoming: IncomingMessage, bucket: string, body: Buffer): Promise<void> {
    const type = { 'content-type': incoming.headers['content-type'] ?? '' };
    const form = await new Response(new Uint8Array(body), { headers: type }).formData();
    const field = (name: string) => String(form.get(name) ?? '');
    const scope = field('x-amz-credential').split('/').slice(1).join('/');
    checkScope(scope);
    if (sign(field('policy'), scope, secretKey) !== field('x-amz-signature')) {
      throw new Refused('SignatureDoesNotMatch');
    }
    if (vendor.sessionToken !== undefined && field('x-amz-security-token') !== vendor.sessionToken) {
      throw new Refused('InvalidToken');
    }
    const policy = JSON.parse(Buffer.from(field('policy'), 'base64').toString()) as {
      conditions: (string[] | Record<string, string>)[];
      expiration: string;
    };
    if (!(Date.parse(policy.expiration) > Date.now())) throw new Refused('AccessDenied', 'expired');
    const file = form.get('file');
    if (!(file instanceof File)) throw new Refused('InvalidArgument', 'no file');
    const allowed = new Set(['policy', 'x-amz-signature', 'file', 'bucket']);
    for (const condition of policy.conditions) {
      if (!Array.isArray(condition)) throw new Refused('InvalidPolicyDocument');
      const [kind, name = '', wanted] = condition;
      if (kind === 'content-length-range') {
        if (file.size < Number(name) || file.size > Number(wanted)) throw new Refused('EntityTooLarge');
        continue;
      }
      const lower = name.slice(1).toLowerCase();
      const given = lower === 'bucket' ? bucket : [...form].find(([key]) => key.toLowerCase() === lower)?.[1];
      if (given !== wanted)
        throw new Refused('AccessDenied', `policy: ${name} is ${String(given)}, not ${wanted}`);
      allowed.add(lower);
    }
    const extra = [...form.keys()].find((key) => !allowed.has(key.toLowerCase()));
    if (extra !== undefined) throw new Refused('AccessDenied', `extra field: ${extra}`);
    const meta: Record<string, string> = {};
    for (const name of ['Content-Type', 'Content-Disposition']) if (form.has(name)) meta[name] = field(name);
    await client.putObject(bucket, field('key'), Buffer.from(await file.arrayBuffer()), file.size, meta);
  }

  /** What browsers ask before a request of another origin. Source: S3 User Guide, "Using CORS". */
  function preflight(incoming: IncomingMessage, response: ServerResponse, bucket: string): void {
    const rules = cors.get(bucket) ?? '';
    const has = (element: string, value: string) => rules.includes(`<${element}>${value}</${element}>`);
    const { origin = '', 'access-control-request-method': method = '' } = incoming.headers;
    if (!(has('AllowedOrigin', '*') || has('AllowedOrigin', origin)) || !has('AllowedMethod', method)) {
      throw new Refused('AccessForbidden', 'CORSResponse');
    }
    response.writeHead(200, {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': method,
    });
    response.end();
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const url = new URL(incoming.url ?? '', `http://${incoming.headers.host}`);
    const at = target(incoming, url);
    const { bucket, key } = at;
    if (vendor.bucketName && !vendor.bucketName.test(bucket)) throw new Refused('InvalidBucketName', bucket);
    if (incoming.method === 'OPTIONS') return preflight(incoming, response, bucket);
    checkHeaders(incoming);
    if (incoming.method === 'POST' && incoming.headers['content-type']?.startsWith('multipart/form-data')) {
      await postForm(incoming, bucket, body);
      return void response.writeHead(204).end();
    }
    checkSigned(incoming, url, body);
    if (key === '' && url.searchParams.has('cors')) {
      if (incoming.method === 'PUT') {
        if (incoming.headers['content-md5'] !== createHash('md5').update(body).digest('base64')) {
          throw new Refused('InvalidArgument', 'Missing required header for this request: Content-MD5');
        }
        cors.set(bucket, body.toString());
      }
      const rules = cors.get(bucket);
      if (rules === undefined) throw new Refused('NoSuchCORSConfiguration');
      return void response.writeHead(200, { 'content-type': 'application/xml' }).end(rules);
    }
    const answer = await forward(incoming, url, at, body);
    const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers;
    response.writeHead(answer.statusCode ?? 500, headers);
    response.end(incoming.method === 'HEAD' ? undefined : await buffer(answer));
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      const known = error instanceof Refused || error instanceof S3Error;
      const code = known ? String((error as { code?: string }).code) : 'InternalError';
      if (error instanceof Refused) refused.push(code);
      const text = `<Error><Code>${code}</Code><Message>${known ? error.message : String(error)}</Message></Error>`;
      response.writeHead(known ? (STATUS[code] ?? 403) : 500, { 'content-type': 'application/xml' });
      response.end(incoming.method === 'HEAD' ? undefined : text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://${vendor.host}:${(server.address() as AddressInfo).port}`,
    refused,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
