import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a request is signed with, from its Authorization header or its query. */
export function signatureOf(incoming: IncomingMessage, query: URLSearchParams) {
  const [, credential = '', signed = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=(\w+)$/.exec(
      incoming.headers.authorization ?? '',
    ) ?? [];
  const presigned = query.get('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256';
  return {
    presigned,
    scope: (presigned ? (query.get('X-Amz-Credential') ?? '') : credential).split('/').slice(1).join('/'),
    signedHeaders: presigned ? (query.get('X-Amz-SignedHeaders') ?? '') : signed,
    signature: presigned ? query.get('X-Amz-Signature') : signature,
    time: presigned ? (query.get('X-Amz-Date') ?? '') : String(incoming.headers['x-amz-date']),
    token: presigned ? query.get('X-Amz-Security-Token') : incoming.headers['x-amz-security-token'],
    payload: presigned ? 'UNSIGNED-PAYLOAD' : String(incoming.headers['x-amz-content-sha256']),
  };
}

/**
 * Whether a request is signed with this secret.
 * Source: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
 */
export function isSigned(incoming: IncomingMessage, url: URL, secret: string): boolean {
  const { scope, signedHeaders, signature, time, payload } = signatureOf(incoming, url.searchParams);
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const headers = signedHeaders
    .split(';')
    .map((name) => `${name}:${String(incoming.headers[name]).trim()}\n`);
  const request = [incoming.method, url.pathname, query, headers.join(''), signedHeaders, payload].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join(
    '\n',
  );
  return sign(text, scope, secret) === signature;
}

/** The signature of a text, hex. @param scope day, region, service and `aws4_request`, by `/`. */
export function sign(text: string, scope: string, secret: string): string {
  const key = scope
    .split('/')
    .reduce<string | Buffer>((k, part) => createHmac('sha256', k).update(part).digest(), `AWS4${secret}`);
  return createHmac('sha256', key).update(text).digest('hex');
}
