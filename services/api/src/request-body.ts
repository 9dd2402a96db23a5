import type { Readable } from 'node:stream';
import { gunzip } from 'node:zlib';
import type { Metrics } from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';

/** The bodies that an API process holds: of requests that arrive or are in progress. */
export interface Bodies {
  /**
   * Reads a body.
   * @throws ImError 1001 above `limit` bytes; 429 when the process holds too many bytes.
   */
  read(request: object, stream: Readable, limit: number): Promise<Buffer>;
  /** Counts additional bytes of a request, such as its decompressed body. @throws ImError 429. */
  hold(request: object, bytes: number): void;
  /** Call when the request has ended. */
  release(request: object): void;
}

/** HTTP status of a body that is too large. */
export const TOO_LARGE = 413;

/** Bounds the bytes of all bodies together. */
export function createBodies(mostBytes: number, metrics: Metrics): Bodies {
  const held = new Map<object, number>();
  let total = 0;
  metrics.observe('openim_api_body_bytes', 'Bytes of request bodies that are held', () => total);
  const refused = metrics.counter(
    'openim_api_bodies_refused_total',
    'Requests refused because too many bytes of bodies are held',
  );

  function hold(request: object, bytes: number): void {
    if (total + bytes > mostBytes) {
      refused.inc();
      throw new ImError(ERR.TooManyRequests, `api.maxBodyBytes: requests hold ${total} bytes; try again`);
    }
    total += bytes;
    held.set(request, (held.get(request) ?? 0) + bytes);
  }

  return {
    hold,
    async read(request, stream, limit) {
      const chunks: Buffer[] = [];
      let size = 0;
      try {
        // The answer to a refused body needs the connection.
        for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (size > limit) throw argsError(bodyTooLarge(limit));
          hold(request, chunk.length);
          chunks.push(chunk);
        }
      } catch (error) {
        throw error instanceof ImError ? error : argsError('body did not arrive');
      }
      return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, size);
    },
    release(request) {
      total -= held.get(request) ?? 0;
      held.delete(request);
    },
  };
}

/** Error text for a body that is too large. */
export function bodyTooLarge(limit: number, bytes?: number): string {
  const had = bytes === undefined ? '' : `: it has ${bytes}`;
  return `body is larger than ${limit} bytes, the limit of this route${had}`;
}

/**
 * A request's body without its content encoding.
 * @throws ImError 1001 for an encoding other than gzip, for broken gzip, and above `limit` bytes.
 */
export async function decompress(body: Buffer, encoding: string | undefined, limit: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return body;
  if (name !== 'gzip' && name !== 'x-gzip') throw argsError('content encoding is not gzip');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  gunzip(body, { maxOutputLength: limit }, (error, inflated) => {
    if (error) {
      const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      reject(argsError(tooLarge ? bodyTooLarge(limit) : 'body is not valid gzip'));
    } else resolve(inflated);
  });
  return promise;
}

/** Largest bodies of routes: few sizes, so that the reference can name them; the configuration caps them. */
const SIZES = [65_536, 262_144, 1_048_576, 2_097_152] as const;

/** Largest body of a route that takes neither a message nor a list. */
export const USUAL_BODY = SIZES[0];

/** Largest body of a route whose requests take up to `bytes` of JSON; infinite above the largest size. */
export function bodyLimitFor(bytes: number): number {
  return SIZES.find((size) => bytes <= size) ?? Number.POSITIVE_INFINITY;
}
