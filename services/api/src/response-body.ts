import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzip as gzipLater, gzipSync } from 'node:zlib';
import type { ImError } from '@im/protocol';

/**
 * `data` of an answer as JSON text; undefined for none. A small answer is one string; a large one is generated in parts
 * while the client reads it, so that it is never in memory as a whole and does not block other requests.
 */
export type Data = string | undefined | AsyncIterable<string>;

/** Answers of at least this many characters are written in parts. */
export const LARGE_CHARS = 1_048_576;

async function* rest(
  held: string[],
  parts: Iterator<string, void> | AsyncIterator<string, void>,
): AsyncGenerator<string, void> {
  yield* held.splice(0);
  for (;;) {
    const { done, value } = await parts.next();
    if (done) return;
    yield value;
    await nextTurn();
  }
}

/** The joined parts; if they are large, the parts read so far and the rest as an iterable. */
export async function gather(parts: Iterator<string, void> | AsyncIterator<string, void>): Promise<Data> {
  const held: string[] = [];
  for (let chars = 0; chars < LARGE_CHARS; ) {
    const { done, value } = await parts.next();
    if (done) return held.join('');
    held.push(value);
    chars += value.length;
  }
  return rest(held, parts);
}

/** Smaller answers are not worth compressing. */
const MIN_BYTES = 512;
/** Up to this size, compressing synchronously is several times cheaper than in another thread. */
const SYNC_BYTES = 32_768;

/** Whether a client accepts gzip. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  return acceptEncoding !== undefined && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/i.test(acceptEncoding);
}

/** The compressed body; undefined for a body too small to be worth it. */
export async function gzip(body: Buffer): Promise<Buffer | undefined> {
  if (body.length < MIN_BYTES) return undefined;
  if (body.length <= SYNC_BYTES) return gzipSync(body);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  gzipLater(body, (error, compressed) => (error ? reject(error) : resolve(compressed)));
  return promise;
}

/** Headers of every answer: browsers of any origin may call, with any header. Source: docs/protocol/http.md. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': '*',
  'access-control-allow-headers': '*',
  'access-control-expose-headers':
    'Content-Length, Access-Control-Allow-Origin, Access-Control-Allow-Headers,Cache-Control,Content-Language,Content-Type,Expires,Last-Modified,Pragma,FooBar',
  'access-control-max-age': '172800',
  'access-control-allow-credentials': 'false',
  'content-type': 'application/json',
};

const SUCCESS = '{"errCode":0,"errMsg":"","errDlt":""}';

/** The answer to a request that succeeded. @param data JSON text; undefined leaves `data` out, as for empty responses. */
export function successBody(data: string | undefined): string {
  return data === undefined ? SUCCESS : `{"errCode":0,"errMsg":"","errDlt":"","data":${data}}`;
}

/** {@link successBody} in parts. */
export async function* successParts(data: AsyncIterable<string>): AsyncGenerator<string, void> {
  yield `${SUCCESS.slice(0, -1)},"data":`;
  yield* data;
  yield '}';
}

/** The answer to a request that failed; errors carry no `data`. */
export function errorBody({ code, errMsg, detail }: Pick<ImError, 'code' | 'errMsg' | 'detail'>): string {
  return JSON.stringify({ errCode: code, errMsg, errDlt: detail });
}
