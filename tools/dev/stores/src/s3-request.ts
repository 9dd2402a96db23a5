import { createHash, createHmac } from 'node:crypto';

/** Where an S3 server is and what it trusts. */
export interface S3Account {
  /** `http://host:port`, path-style. */
  endpoint: string;
  accessKey: string;
  secretKey: string;
  region: string;
}

const PAYLOAD = 'UNSIGNED-PAYLOAD';

/**
 * One signed S3 request on a path like `/bucket/key` (characters that need no escaping, no query), for readiness
 * checks; answers the status. Source: AWS Signature Version 4, S3 form with an unsigned payload.
 */
export async function s3Request(
  account: S3Account,
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  options: { body?: string; signal?: AbortSignal } = {},
): Promise<{ status: number; body: string }> {
  const url = new URL(path, account.endpoint);
  const time = `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const day = time.slice(0, 8);
  const scope = `${day}/${account.region}/s3/aws4_request`;
  const signed = { host: url.host, 'x-amz-content-sha256': PAYLOAD, 'x-amz-date': time };
  const names = Object.keys(signed).join(';');
  const canonicalHeaders = Object.entries(signed)
    .map(([name, value]) => `${name}:${value}\n`)
    .join('');
  const canonical = [method, url.pathname, '', canonicalHeaders, names, PAYLOAD].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  const key = [day, account.region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${account.secretKey}`,
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const response = await fetch(url, {
    method,
    body: options.body,
    signal: options.signal,
    headers: {
      'x-amz-content-sha256': PAYLOAD,
      'x-amz-date': time,
      authorization: `AWS4-HMAC-SHA256 Credential=${account.accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    },
  });
  return { status: response.status, body: await response.text() };
}
