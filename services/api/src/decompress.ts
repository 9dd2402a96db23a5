import { gunzip } from 'node:zlib';
import { argsError } from '@im/protocol';
import { bodyTooLarge } from './read-body.ts';

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
