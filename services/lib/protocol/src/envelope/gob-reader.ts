import { EnvelopeError } from './envelope.ts';

/**
 * Reads the primitives of Go's gob format from a window of a buffer. Every length is checked against
 * what is left, so no input makes it read outside or allocate more than it holds.
 */
export class GobReader {
  readonly bytes: Buffer;
  position: number;
  end: number;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get left(): number {
    return this.end - this.position;
  }

  /** An unsigned integer: one byte below 128, else 256 - n and n bytes, big-endian. @throws EnvelopeError above 2^53. */
  uint(): number {
    const first = this.#byte();
    if (first < 128) return first;
    const n = this.#extraBytes(first);
    let value = 0;
    for (let i = 0; i < n; i++) value = value * 256 + (this.bytes[this.position++] ?? 0);
    if (value > Number.MAX_SAFE_INTEGER) throw new EnvelopeError('gob: integer above 2^53');
    return value;
  }

  /** A signed integer: the sign in the lowest bit, the others complemented when it is negative. */
  int(): number {
    const u = this.uint();
    return u % 2 === 0 ? u / 2 : -(u + 1) / 2;
  }

  /** Passes over an integer or float of any size. */
  skipUint(): void {
    const first = this.#byte();
    if (first >= 128) this.position += this.#extraBytes(first);
  }

  /** A length that is available to read. */
  length(): number {
    const n = this.uint();
    if (n > this.left) throw new EnvelopeError('gob: length beyond the message');
    return n;
  }

  string(): string {
    const n = this.length();
    const from = this.position;
    this.position += n;
    return n === 0 ? '' : this.bytes.toString('utf8', from, this.position);
  }

  /** A view of the buffer. */
  byteString(): Buffer {
    const n = this.length();
    const from = this.position;
    this.position += n;
    return this.bytes.subarray(from, this.position);
  }

  skipByteString(): void {
    const n = this.length();
    this.position += n;
  }

  #byte(): number {
    if (this.position >= this.end) throw new EnvelopeError('gob: truncated');
    return this.bytes[this.position++] ?? 0;
  }

  #extraBytes(first: number): number {
    const n = 256 - first;
    if (n > 8) throw new EnvelopeError('gob: integer of more than 8 bytes');
    if (n > this.left) throw new EnvelopeError('gob: truncated');
    return n;
  }
}
