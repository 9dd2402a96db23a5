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

/** Gathers what is written in one tick of the event loop, and hands it on in order, cut to a fair size. */
export class TickWriter<T> {
  readonly #write: (items: T[]) => void;
  readonly #sizeOf: (item: T) => number;
  #items: T[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(write: (items: T[]) => void, sizeOf: (item: T) => number) {
    this.#write = write;
    this.#sizeOf = sizeOf;
  }

  push(item: T): void {
    const size = this.#sizeOf(item);
    if (this.#bytes + size > FRAME_BYTES) this.flush();
    this.#items.push(item);
    this.#bytes += size;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Hands on what is there, without waiting for the end of the tick. */
  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    this.#write(items);
  }

  /** Takes back what was not handed on. */
  takeBack(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    return items;
  }
}
