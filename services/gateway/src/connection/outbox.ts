import type { Duplex } from 'node:stream';

/** Something with output that waits for the end of the tick. */
export interface Flushable {
  flush(): void;
}

/** Most outputs written in one turn of the event loop; the rest follows in the next, so that a large fan-out delays no other work. */
const FLUSHES_PER_TURN = 500;

/** Writes what was queued during a tick: several frames of one socket leave in one system call. */
export class TickFlusher {
  #waiting: Flushable[] = [];
  #head = 0;
  #scheduled = false;

  /** Flushes `output` at the end of this tick. The caller sees to it that it waits only once. */
  add(output: Flushable): void {
    this.#waiting.push(output);
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#run);
    }
  }

  readonly #run = (): void => {
    const end = Math.min(this.#waiting.length, this.#head + FLUSHES_PER_TURN);
    while (this.#head < end) this.#waiting[this.#head++]?.flush();
    if (this.#head < this.#waiting.length) {
      setImmediate(this.#run);
      return;
    }
    this.#waiting = [];
    this.#head = 0;
    this.#scheduled = false;
  };
}

/** Bounds of an outbox: what may wait because the socket takes no more. */
export interface OutboxLimits {
  /** Most frames waiting. */
  readonly frames: number;
  /** Most bytes waiting. */
  readonly bytes: number;
}

/** Frames of one tick are joined up to this size, so that they take one system call. */
const JOIN_MAX_BYTES = 65_536;
/** Beyond this many frames, or {@link JOIN_MAX_BYTES}, the socket is asked at once whether it takes them. */
const EAGER_FRAMES = 64;
/**
 * What is released for a client in one go may exceed the limits for as long as the client takes some of
 * it within this time, ms, and up to this many times the limits.
 */
const STALLED_MS = 2_000;
const BURST_FACTOR = 4;

/**
 * The frames on their way to one socket, in order. Frames wait here, bounded, only while the socket
 * takes no more; it holds no timer, and an idle one holds nothing but a few numbers.
 */
export class Outbox implements Flushable {
  readonly #socket: Duplex;
  readonly #flusher: TickFlusher;
  /** The frames that wait; a single one without an array. */
  #waiting: Buffer | Buffer[] | undefined;
  #bytes = 0;
  #scheduled = false;
  /** Since when the socket has taken nothing, ms of the monotonic clock; 0 while it takes what comes. */
  #blockedSince = 0;
  #ending = false;

  constructor(socket: Duplex, flusher: TickFlusher) {
    this.#socket = socket;
    this.#flusher = flusher;
  }

  /** Frames that wait. */
  get length(): number {
    if (this.#waiting === undefined) return 0;
    return Array.isArray(this.#waiting) ? this.#waiting.length : 1;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Queues one frame. @returns false when the limits are exceeded: the connection is to be closed. */
  add(frame: Buffer, limits: OutboxLimits): boolean {
    if (this.#ending) return true;
    if (this.#waiting === undefined) this.#waiting = frame;
    else if (Array.isArray(this.#waiting)) this.#waiting.push(frame);
    else this.#waiting = [this.#waiting, frame];
    this.#bytes += frame.length;
    if (this.#blockedSince !== 0) return this.#isWithin(limits);
    if (this.length >= EAGER_FRAMES || this.#bytes >= JOIN_MAX_BYTES) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#flusher.add(this);
    }
    return true;
  }

  /** Writes what waits, as far as the socket takes it. */
  flush(): void {
    this.#scheduled = false;
    while (this.#waiting !== undefined && this.#blockedSince === 0) {
      // Beyond its mark a stream always wants a pause; only what the kernel has not taken counts.
      if (!this.#socket.write(this.#take()) && this.#socket.writableLength > 0) this.#block();
    }
    if (this.#ending && this.#waiting === undefined) this.#socket.end();
  }

  /** Closes the TCP connection behind the last frame; later frames are dropped. */
  end(): void {
    this.#ending = true;
    if (this.#blockedSince === 0) this.flush();
  }

  #isWithin({ frames, bytes }: OutboxLimits): boolean {
    if (this.length <= frames && this.#bytes <= bytes) return true;
    if (this.length > frames * BURST_FACTOR || this.#bytes > bytes * BURST_FACTOR) return false;
    return performance.now() - this.#blockedSince < STALLED_MS;
  }

  /** The next bytes to write: one frame, or several joined. */
  #take(): Buffer {
    const waiting = this.#waiting;
    if (!Array.isArray(waiting)) {
      this.#waiting = undefined;
      this.#bytes = 0;
      return waiting ?? Buffer.alloc(0);
    }
    let count = 1;
    let size = waiting[0]?.length ?? 0;
    while (count < waiting.length && size + (waiting[count]?.length ?? 0) <= JOIN_MAX_BYTES) {
      size += waiting[count]?.length ?? 0;
      count++;
    }
    const taken = waiting.splice(0, count);
    if (waiting.length === 0) this.#waiting = undefined;
    this.#bytes -= size;
    return taken.length === 1 && taken[0] ? taken[0] : Buffer.concat(taken, size);
  }

  #block(): void {
    this.#blockedSince = performance.now();
    this.#socket.once('drain', () => {
      this.#blockedSince = 0;
      this.flush();
    });
  }
}
