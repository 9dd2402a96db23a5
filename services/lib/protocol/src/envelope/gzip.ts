import { constants, crc32, gunzipSync, gzipSync } from 'node:zlib';
import { EnvelopeError } from './envelope.ts';

/**
 * Frames up to this size are stored in their gzip member instead of deflated: they fit one TCP
 * segment either way, and storing costs a hundredth of the CPU.
 */
const STORED_MAX_BYTES = 512;

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const BLOCK_HEADER = 5;
const TRAILER = 8;

function store(data: Uint8Array): Buffer {
  const n = data.length;
  const out = Buffer.allocUnsafe(HEADER.length + BLOCK_HEADER + n + TRAILER);
  HEADER.copy(out);
  let at = HEADER.length;
  // One final block of type "stored": its length and the complement of that.
  at = out.writeUInt8(1, at);
  at = out.writeUInt16LE(n, at);
  at = out.writeUInt16LE(~n & 0xffff, at);
  out.set(data, at);
  at = out.writeUInt32LE(crc32(data), at + n);
  out.writeUInt32LE(n, at);
  return out;
}

/** Steps in which zlib makes its output: it allocates each whole, and joins them when there is more than one. */
const CHUNKS = { least: 1_024, most: 16_384 };
/** Bytes that deflate may add to what cannot be compressed, below the size of one chunk. */
const DEFLATE_MARGIN = 64;
/** Most bytes that deflate makes of one. */
const MAX_RATIO = 1_032;

/** A complete gzip member (RFC 1952) of these bytes. */
export function gzip(data: Uint8Array): Buffer {
  if (data.length <= STORED_MAX_BYTES) return store(data);
  const chunkSize = Math.min(CHUNKS.most, data.length + DEFLATE_MARGIN);
  return gzipSync(data, { level: constants.Z_BEST_SPEED, chunkSize });
}

/**
 * The bytes of a gzip member.
 * @param limit most bytes to inflate; more is an error and is never held in memory.
 * @throws EnvelopeError when it is no gzip, is damaged, or holds more than `limit`.
 */
export function gunzip(data: Uint8Array, limit: number): Buffer {
  const size = inflatedSize(data);
  if (size > limit) throw new EnvelopeError('gzip: damaged or too large');
  // With room for one byte more zlib sees the end without another chunk. What says too little is made in small steps;
  // what says too much gets no more room than so many bytes can fill.
  const chunkSize = Math.max(CHUNKS.least, Math.min(size, data.length * MAX_RATIO) + 1);
  try {
    return gunzipSync(data, { maxOutputLength: limit, chunkSize });
  } catch (cause) {
    throw new EnvelopeError('gzip: damaged or too large', { cause });
  }
}

/** The size of what a gzip member holds, as its last four bytes say (RFC 1952, ISIZE); 0 for what is too short. */
export function inflatedSize(data: Uint8Array): number {
  const at = data.length - 4;
  if (at < HEADER.length) return 0;
  return new DataView(data.buffer, data.byteOffset + at, 4).getUint32(0, true);
}
