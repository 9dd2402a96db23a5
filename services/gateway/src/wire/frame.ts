import { encodeResponse, type Framing, type ResponseEnvelope } from '@im/protocol';

/** Opcodes of RFC 6455, section 5.2, that a server sends. */
const OPCODE = { text: 1, binary: 2, ping: 9, pong: 10 } as const;

const FINAL = 0x80;
/** Payload lengths from here on take 2 more bytes, and from 2^16 on 8 more. */
const TWO_BYTE_LENGTH = 126;
const EIGHT_BYTE_LENGTH = 127;

function headerSize(length: number): number {
  if (length < TWO_BYTE_LENGTH) return 2;
  return length < 65_536 ? 4 : 10;
}

/**
 * One complete, unmasked WebSocket frame. A frame is made once and written to as many sockets as
 * need it: nothing in it belongs to a connection.
 */
function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const size = headerSize(length);
  const out = Buffer.allocUnsafe(size + length);
  out[0] = FINAL | opcode;
  if (size === 2) out[1] = length;
  else if (size === 4) {
    out[1] = TWO_BYTE_LENGTH;
    out.writeUInt16BE(length, 2);
  } else {
    out[1] = EIGHT_BYTE_LENGTH;
    out.writeUInt32BE(0, 2);
    out.writeUInt32BE(length, 6);
  }
  out.set(payload, size);
  return out;
}

/** A binary frame: one envelope. */
export function binaryFrame(payload: Uint8Array): Buffer {
  return frame(OPCODE.binary, payload);
}

/** A text frame: the connect result or a text pong. */
export function textFrame(text: string): Buffer {
  return frame(OPCODE.text, Buffer.from(text));
}

/** A control pong with the payload of the ping. */
export function pongFrame(payload: Uint8Array): Buffer {
  return frame(OPCODE.pong, payload);
}

/** The server's own control ping. */
export const PING_FRAME: Buffer = frame(OPCODE.ping, Buffer.alloc(0));

/** Every framing that a connection can have; a connection holds the index of the one it uses. */
export const FRAMINGS: readonly Framing[] = [
  { encoding: 'gob', gzip: false },
  { encoding: 'gob', gzip: true },
  { encoding: 'json', gzip: false },
  { encoding: 'json', gzip: true },
];

const PLAIN_GOB: Framing = { encoding: 'gob', gzip: false };

/** The framing of an index. */
export function framingAt(index: number): Framing {
  return FRAMINGS[index] ?? PLAIN_GOB;
}

/** Index of a framing in {@link FRAMINGS}. */
export function framingIndex({ encoding, gzip }: Framing): number {
  return (encoding === 'json' ? 2 : 0) + (gzip ? 1 : 0);
}

/**
 * One answer or push as WebSocket frames: encoded at most once per framing, the same bytes for every
 * socket that wants it.
 */
export class SharedFrame {
  readonly #make: () => ResponseEnvelope;
  #envelope: ResponseEnvelope | undefined;
  readonly #frames: (Buffer | undefined)[] = [undefined, undefined, undefined, undefined];

  /** @param make called at the first use, so that a push without receivers costs nothing. */
  constructor(make: () => ResponseEnvelope) {
    this.#make = make;
  }

  /** The frame for connections of this framing (an index of `FRAMINGS`). */
  for(framing: number): Buffer {
    let frame = this.#frames[framing];
    if (frame === undefined) {
      this.#envelope ??= this.#make();
      frame = binaryFrame(encodeResponse(framingAt(framing), this.#envelope));
      this.#frames[framing] = frame;
    }
    return frame;
  }
}
