import { gzip as gzipLater, gzipSync } from 'node:zlib';

/** Below this a compressed answer saves nothing. */
const MIN_BYTES = 512;
/** Up to this, compressing at once is several times cheaper than handing it to another thread. */
const SYNC_BYTES = 32_768;

/** Whether a client takes gzip. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  return acceptEncoding !== undefined && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/i.test(acceptEncoding);
}

/** The body as gzip, or undefined when it is not worth it. */
export async function gzip(body: Buffer): Promise<Buffer | undefined> {
  if (body.length < MIN_BYTES) return undefined;
  if (body.length <= SYNC_BYTES) return gzipSync(body);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  gzipLater(body, (error, compressed) => (error ? reject(error) : resolve(compressed)));
  return promise;
}
