import type { ServerConfig } from '@im/contract';
import { type Logger, tlsContext } from '@im/process';
import { s3Clients } from './s3-clients.ts';

/** What one look at the object storage finds. */
export interface BlobProbe {
  /** Its clock by the Date header, ms since the epoch, in whole seconds; undefined where it sends none. */
  readonly time: number | undefined;
  readonly sentAt: number;
  readonly answeredAt: number;
}

/**
 * Looks at the object storage once, for diagnosis: signs a request with the configured keys.
 * @throws Error where it does not answer, or refuses the keys.
 */
export async function probeBlob(
  { endpoint, externalEndpoint, region, pathStyle, bucket, tls, ...keys }: ServerConfig['s3'],
  log: Logger,
  timeoutMs: number,
): Promise<BlobProbe> {
  const { accessKey, secretKey, sessionToken } = keys;
  const credentials = { accessKey, secretKey, ...(sessionToken !== '' && { sessionToken }) };
  const { inside } = s3Clients(
    { endpoint, externalEndpoint, region, pathStyle },
    tlsContext(tls, 's3.tls', log),
  )(credentials);
  const sentAt = Date.now();
  // Whether the bucket is there does not matter: the server makes it. A refusal of the keys is an error.
  await inside.bucketExists(bucket);
  const answeredAt = Date.now();
  return { time: await clockOf(endpoint, timeoutMs), sentAt, answeredAt: Math.max(answeredAt, Date.now()) };
}

/** An unsigned request tells the time, whatever the answer is. */
async function clockOf(endpoint: string, timeoutMs: number): Promise<number | undefined> {
  try {
    const { headers, body } = await fetch(endpoint, {
      method: 'HEAD',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await body?.cancel();
    const time = Date.parse(headers.get('date') ?? '');
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  }
}
