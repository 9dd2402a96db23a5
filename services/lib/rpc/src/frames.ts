import { decode, encode, type Messages, make } from '@im/protocol';

export type Frame = Messages['rpc.Frame'];
export type Call = Messages['rpc.Call'];
export type Reply = Messages['rpc.Reply'];

/** gRPC path of the stream that carries frames. */
export const EXCHANGE = '/openim.rpc.Pipe/Exchange';

/** A frame grows no further once it has this size; larger answers travel alone. */
const FRAME_BYTES = 262_144;

/** A frame as bytes. */
export function encodeFrame(fields: Partial<Frame>): Buffer {
  return asBuffer(encode('rpc.Frame', make('rpc.Frame', fields)));
}

/** A frame from bytes. @throws Error when they are none. */
export function decodeFrame(bytes: Uint8Array): Frame {
  return decode('rpc.Frame', bytes);
}

/** Bytes as a Buffer over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Gathers what is written in one tick of the event loop, and hands it on in order, cut to a fair size.
 * While the other side takes no more it keeps what comes; the caller bounds how much that is.
 */
export class TickWriter<T> {
  readonly #write: (items: T[]) => boolean;
  readonly #sizeOf: (item: T) => number;
  #items: T[] = [];
  #bytes = 0;
  #scheduled = false;
  #blocked = false;

  /** @param write returns false when nothing more is to be written before {@link resume}. */
  constructor(write: (items: T[]) => boolean, sizeOf: (item: T) => number) {
    this.#write = write;
    this.#sizeOf = sizeOf;
  }

  /** Whether the other side takes no more for now. */
  get blocked(): boolean {
    return this.#blocked;
  }

  push(item: T): void {
    const size = this.#sizeOf(item);
    if (this.#bytes + size > FRAME_BYTES) this.flush();
    this.#items.push(item);
    this.#bytes += size;
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Hands on what was gathered, without waiting for the end of the tick, as far as it is taken. */
  flush(): void {
    while (this.#items.length > 0 && !this.#blocked) {
      if (!this.#write(this.#take())) this.#blocked = true;
    }
  }

  /** The other side takes more. */
  resume(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.flush();
  }

  /** Takes back what was not handed on. */
  takeBack(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    return items;
  }

  /** The items of the next frame. */
  #take(): T[] {
    if (this.#bytes <= FRAME_BYTES) return this.takeBack();
    let end = 0;
    let bytes = 0;
    for (const item of this.#items) {
      const size = this.#sizeOf(item);
      if (end > 0 && bytes + size > FRAME_BYTES) break;
      bytes += size;
      end++;
    }
    this.#bytes -= bytes;
    return this.#items.splice(0, end);
  }
}
