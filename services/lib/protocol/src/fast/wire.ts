import protobuf from 'protobufjs';
import type { MessageName } from '../codec.ts';
import type { Messages } from '../gen/messages.ts';
import { messageType } from '../schema.ts';

/** Wire types of protobuf. Groups (3 and 4) do not exist in proto3. */
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Most bytes of a varint: 64 bits, seven in each byte. */
const MAX_VARINT_BYTES = 10;

/** Tags of the two fields of an entry of a `map<string, message>`; protobuf fixes them. */
export const MAP_ENTRY = { key: (1 << 3) | WIRE.bytes, value: (2 << 3) | WIRE.bytes } as const;

/**
 * Tag of a field as its schema numbers it: number and wire type in one integer.
 * @throws TypeError for a field that the schema does not have.
 */
export function tagOf<N extends MessageName>(message: N, name: keyof Messages[N] & string): number {
  const field = messageType(message).fields[name];
  if (field === undefined) throw new TypeError(`${message} has no field ${name}`);
  const types: Readonly<Record<string, number>> = protobuf.types.basic;
  const scalar = field.repeated || field.map ? undefined : types[field.type];
  return (field.id << 3) | (scalar ?? WIRE.bytes);
}

/** Size of a varint in bytes. @param value an integer from 0 to 2^53 - 1. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  let size = 4;
  for (let rest = Math.floor(value / 0x10000000); rest > 0; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Writes a varint. @param value an integer from 0 to 2^53 - 1. @returns The offset behind it. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  if (value < 0x80) {
    out[at] = value;
    return at + 1;
  }
  let rest = value;
  let position = at;
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 0x80)) out[position++] = (rest % 0x80) | 0x80;
  for (; rest >= 0x80; rest >>>= 7) out[position++] = (rest & 0x7f) | 0x80;
  out[position++] = rest;
  return position;
}

/** Size of a field that holds that many bytes, tag and length included. */
export function fieldSize(tag: number, length: number): number {
  return varintSize(tag) + varintSize(length) + length;
}

/** Writes the tag and the length of a field of bytes. @returns The offset at which its bytes begin. */
export function writeHead(out: Uint8Array, at: number, tag: number, length: number): number {
  return writeVarint(out, writeVarint(out, at, tag), length);
}

/** An encoded field of text. */
export function textField(tag: number, text: string): Buffer {
  const length = Buffer.byteLength(text);
  const out = Buffer.allocUnsafe(fieldSize(tag, length));
  out.write(text, writeHead(out, 0, tag, length), length, 'utf8');
  return out;
}

function malformed(): never {
  throw new RangeError('malformed protobuf');
}

/**
 * Walks over the fields of an encoded message without building an object. After `next()` exactly one of `varint()`,
 * `bytes()`, `text()`, `fields()` and `skip()` reads the field; which one fits its wire type is for the caller to know from its tag.
 * All throw RangeError where the bytes are no protobuf.
 */
export class FieldReader {
  /** Tag of the current field, to be compared with {@link tagOf}. */
  tag = 0;
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;

  /** @param at offset of the message in the bytes. @param end offset behind it. */
  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
    this.#end = end;
  }

  /** Goes to the next field. @returns False at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    this.tag = this.#uint32();
    if (this.tag < 8) malformed();
    return true;
  }

  /** The value of a varint field; exact below 2^53. */
  varint(): number {
    let value = 0;
    for (let size = 0, factor = 1; size < MAX_VARINT_BYTES; size++, factor *= 0x80) {
      if (this.#at >= this.#end) malformed();
      const byte = this.#buffer[this.#at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return malformed();
  }

  /** A view of a field's bytes. */
  bytes(): Buffer {
    const start = this.#skipBytes();
    return this.#buffer.subarray(start, this.#at);
  }

  text(): string {
    const start = this.#skipBytes();
    return this.#buffer.toString('utf8', start, this.#at);
  }

  /** The fields of an embedded message. */
  fields(): FieldReader {
    const start = this.#skipBytes();
    return new FieldReader(this.#buffer, start, this.#at);
  }

  /** Passes over a field of any type. @returns The length of a field of bytes, 0 for other types. */
  skip(): number {
    switch (this.tag & 7) {
      case WIRE.varint:
        this.#skipVarint();
        return 0;
      case WIRE.bytes: {
        const start = this.#skipBytes();
        return this.#at - start;
      }
      case WIRE.fixed64:
        this.#at += 8;
        break;
      case WIRE.fixed32:
        this.#at += 4;
        break;
      default:
        malformed();
    }
    if (this.#at > this.#end) malformed();
    return 0;
  }

  /** Passes over the length and bytes of a field. @returns The offset at which its bytes begin. */
  #skipBytes(): number {
    const length = this.#uint32();
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#end) malformed();
    return start;
  }

  /** Tags and lengths fit 32 bits; the rest of a longer number is passed over. */
  #uint32(): number {
    const at = this.#at;
    const first = at < this.#end ? (this.#buffer[at] ?? 0) : malformed();
    this.#at = at + 1;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let size = 1, factor = 0x80; size < MAX_VARINT_BYTES; size++, factor *= 0x80) {
      if (this.#at >= this.#end) malformed();
      const byte = this.#buffer[this.#at++] ?? 0;
      if (size < 5) value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return malformed();
  }

  #skipVarint(): void {
    const buffer = this.#buffer;
    const end = Math.min(this.#end, this.#at + MAX_VARINT_BYTES);
    let at = this.#at;
    while (at < end && (buffer[at] ?? 0) >= 0x80) at++;
    if (at >= end) malformed();
    this.#at = at + 1;
  }
}
