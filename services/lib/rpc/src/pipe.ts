import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { Backoff, proofOf } from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { decodeFrame, EXCHANGE, encodeFrame, type Frame, type Reply, TickWriter } from './frames.ts';
import { channelOptions, type RpcConfig } from './options.ts';
import type { PendingCall } from './pending-call.ts';

/** What the owner of a pipe is notified of. */
export interface PipeEvents {
  /** It takes calls from now on. */
  onUp(): void;
  /**
   * It broke. `unsent` never reached the peer; of `sent` it is unknown whether they did.
   */
  onDown(sent: readonly PendingCall[], unsent: readonly PendingCall[]): void;
}

/** Most bytes of pieces of one peer that are kept, as parts of the largest answer. */
const LARGEST_ANSWERS = 2;

type Stream = ClientDuplexStream<Buffer, Buffer>;

interface Written {
  readonly id: number;
  readonly call: PendingCall;
}

/**
 * One stream to one process, by which all calls to it go: those of a tick in one message. Opens
 * itself, and again whenever it breaks, until it is closed.
 */
export class Pipe {
  readonly address: string;
  readonly #client: Client;
  readonly #events: PipeEvents;
  readonly #log: Logger;
  readonly #key: () => string;
  readonly #backoff = new Backoff({ baseMs: 50, maxMs: 1_000 });
  readonly #calls = new Map<number, PendingCall>();
  #writer: TickWriter<Written>;
  #stream: Stream | undefined;
  #state: 'down' | 'up' | 'leaving' | 'closed' = 'down';
  #retry: NodeJS.Timeout | undefined;
  #nextId = 1;
  /** Cancelled calls, sent to the peer at the end of the tick. */
  readonly #cancelled: number[] = [];
  #bytes = 0;
  #pieceBytes = 0;
  readonly #maxPieceBytes: number;
  #retired = false;

  /** @param key what is proved to a server that asks for it. */
  constructor(address: string, config: RpcConfig, events: PipeEvents, log: Logger, key: () => string) {
    this.address = address;
    this.#events = events;
    this.#log = log;
    this.#key = key;
    this.#maxPieceBytes = LARGEST_ANSWERS * config.maxAnswerBytes;
    this.#client = new Client(address, credentials.createInsecure(), {
      ...channelOptions(config),
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#writer = this.#newWriter();
    this.#open();
  }

  /** Whether it takes calls. */
  get up(): boolean {
    return this.#state === 'up' && !this.#retired;
  }

  /** Calls without an answer yet. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /** Bytes of the requests without an answer yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that came of answers in pieces whose rest is awaited. */
  get pieceBytes(): number {
    return this.#pieceBytes;
  }

  send(call: PendingCall): void {
    const id = this.#nextId;
    this.#nextId = id === 0xffff_ffff ? 1 : id + 1;
    this.#calls.set(id, call);
    this.#bytes += call.size;
    this.#writer.push({ id, call });
    // Still there when it settles: it was not answered but ran out of time, or its caller has gone.
    const forget = () => {
      if (!this.#forget(id)) return;
      this.#cancel(id);
      this.#closeWhenIdle();
    };
    call.answer.then(forget, forget);
  }

  /** The process is no longer among the peers: what it was asked is awaited, then the pipe closes. */
  retire(): void {
    this.#retired = true;
    this.#closeWhenIdle();
  }

  /** Closes at once; calls without an answer are handed back as if it broke. */
  close(): void {
    if (this.#state === 'closed') return;
    const stream = this.#stream;
    this.#stream = undefined;
    this.#state = 'closed';
    clearTimeout(this.#retry);
    stream?.cancel();
    this.#client.close();
    this.#handBack();
  }

  #open(): void {
    // The stream waits for the connection, which gRPC tries again and again.
    const metadata = new Metadata({ waitForReady: true });
    const stream: Stream = this.#client.makeBidiStreamRequest(EXCHANGE, asIs, asIs, metadata);
    this.#stream = stream;
    stream.on('data', (bytes: Buffer) => {
      if (this.#stream !== stream) return;
      try {
        this.#receive(decodeFrame(bytes));
      } catch (error) {
        stream.cancel();
        this.#lost(stream, new Error('an unreadable frame', { cause: error }));
      }
    });
    stream.on('drain', () => {
      if (this.#stream === stream) this.#writer.resume();
    });
    stream.on('error', (error) => this.#lost(stream, error));
    stream.on('end', () => this.#lost(stream));
  }

  #receive(frame: Frame): void {
    if (frame.challenge.length > 0) {
      // Without a key of our own it cannot be the right one, and the server says so.
      this.#stream?.write(encodeFrame({ proof: proofOf(this.#key(), frame.challenge) }));
    }
    if (frame.hello && this.#state === 'down') {
      this.#state = 'up';
      this.#backoff.reset();
      this.#events.onUp();
    }
    for (const reply of frame.replies) this.#answer(reply);
    if (frame.draining && this.#state === 'up') {
      this.#state = 'leaving';
      this.#closeWhenIdle();
    }
  }

  #answer(reply: Reply): void {
    if (reply.more) {
      this.#collect(reply);
      return;
    }
    if (reply.partial) {
      this.#calls.get(reply.id)?.partial(reply);
      return;
    }
    this.#forget(reply.id)?.succeed(reply);
    this.#closeWhenIdle();
  }

  /** Keeps a piece of a large answer, as long as all that are kept so are not too much. */
  #collect(reply: Reply): void {
    const call = this.#calls.get(reply.id);
    if (!call || call.settled) return;
    const before = call.pieceBytes;
    call.piece(reply);
    this.#pieceBytes += call.pieceBytes - before;
    if (this.#pieceBytes <= this.#maxPieceBytes) return;
    call.fail(new ImError(ERR.TooManyRequests, `${call.method.label}: too many large answers at once`));
  }

  #cancel(id: number): void {
    if (this.#state !== 'up' && this.#state !== 'leaving') return;
    if (this.#cancelled.push(id) > 1) return;
    setImmediate(() => {
      const cancelled = this.#cancelled.splice(0);
      this.#stream?.write(encodeFrame({ cancelled }));
    });
  }

  #forget(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    if (call && this.#calls.delete(id)) {
      this.#bytes -= call.size;
      this.#pieceBytes -= call.pieceBytes;
    }
    return call;
  }

  /** Ends the stream that the peer, or our own peers list, wants to end, once every call is answered. */
  #closeWhenIdle(): void {
    if (this.#calls.size > 0) return;
    if (this.#retired) this.close();
    else if (this.#state === 'leaving') this.#stream?.end();
  }

  #lost(stream: Stream, error?: Error): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    if (error && this.#state !== 'leaving') {
      this.#log.info({ peer: this.address, reason: error.message }, 'rpc peer lost');
    }
    this.#state = 'down';
    this.#handBack();
    if (this.#retired) {
      this.close();
      return;
    }
    this.#retry = setTimeout(() => this.#open(), this.#backoff.next());
  }

  #handBack(): void {
    const unsent = this.#writer.takeBack().map(({ call }) => call);
    this.#writer = this.#newWriter();
    const kept = new Set(unsent);
    const sent = [...this.#calls.values()].filter((call) => !kept.has(call));
    this.#calls.clear();
    this.#bytes = 0;
    this.#pieceBytes = 0;
    if (sent.length + unsent.length > 0 || this.#state !== 'closed') this.#events.onDown(sent, unsent);
  }

  #newWriter(): TickWriter<Written> {
    return new TickWriter(
      (items) => {
        const due = items.filter(({ call }) => !call.settled);
        if (due.length === 0) return true;
        const frame = encodeFrame({ calls: due.map(({ id, call }) => call.wire(id)) });
        return this.#stream?.write(frame) ?? true;
      },
      ({ call }) => call.size,
    );
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
