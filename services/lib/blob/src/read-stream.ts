import type { Readable } from 'node:stream';
import { onAbort } from '@im/kit';

/** What a stream brings, up to `length` bytes; it is destroyed when `signal` aborts. */
export async function readStream(
  stream: Readable,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  using _ = onAbort(signal, () => stream.destroy());
  const bytes = new Uint8Array(length);
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    const room = chunk.subarray(0, length - size);
    bytes.set(room, size);
    size += room.length;
  }
  return size === length ? bytes : bytes.slice(0, size);
}
