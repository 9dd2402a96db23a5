import type { Readable } from 'node:stream';
import type { Metrics } from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';

/** The bodies that an API process holds, of requests that arrive or are worked on. */
export interface Bodies {
  /**
   * Reads a body.
   * @throws ImError 1001 above `limit` bytes; 429 when the process holds as much as it may.
   */
  read(request: object, stream: Readable, limit: number): Promise<Buffer>;
  /** Counts bytes that a request holds beside its body, such as what it inflates to. @throws ImError 429. */
  hold(request: object, bytes: number): void;
  /** The request is over. */
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
    'Requests refused for want of room for bodies',
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
        // The answer to what is refused needs the connection.
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

/** The refusal of a body that is too large. */
export function bodyTooLarge(limit: number, bytes?: number): string {
  const had = bytes === undefined ? '' : `: it has ${bytes}`;
  return `body is larger than ${limit} bytes, the limit of this route${had}`;
}
