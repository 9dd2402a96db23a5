import { type log, REQ } from '@im/protocol';
import type { Connection } from '../connection/connection.ts';
import { framingAt } from '../wire/frame.ts';

/** Writes a delivery to a connection. */
export type Forward = (connection: Connection, delivery: log.Delivery, frame: Buffer) => void;

/** A client that asks for nothing within this time does not catch up. */
const ASK_MS = 3_000;
/** Time for the next request, or for the client to work through the answer. */
const NEXT_MS = 300;
/** More deliveries than this do not wait. */
const MAX_HELD = 1_000;
/** Nor more bytes. */
const MAX_HELD_BYTES = 4_194_304;
/** Nor more bytes on all connections together. */
const MAX_TOTAL_BYTES = 268_435_456;

/** Requests by which the JS SDK catches up, or that it makes meanwhile. */
const CATCHING_UP = new Set<number>([
  REQ.GetConvMaxReadSeq,
  REQ.PullMsgByRange,
  REQ.PullMsgBySeqList,
  REQ.SubUserOnlineStatus,
]);

/**
 * Holds pushes back from a new connection of the JS SDK until it has caught up. That SDK counts its
 * highest seq by one for every push, whatever seq the push has, and asks for what it missed from
 * there on: a push before the answer to its first 1006 makes it leave out one message and get another
 * twice, and one before the answer to 1002 comes before older messages. What the answers cover is
 * dropped, the rest follows them. Clients that synchronize otherwise are not kept waiting.
 */
export class CatchUps {
  readonly #forward: Forward;
  readonly #waiting = new Set<Connection>();
  readonly #bounded: () => void;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param bounded called each time that a wait ends early because too much is held. */
  constructor(forward: Forward, bounded: () => void = () => {}) {
    this.#forward = forward;
    this.#bounded = bounded;
  }

  /** Bytes that are held for all connections; of a frame for several, each time. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A connection has just been opened. */
  begin(connection: Connection): void {
    if (framingAt(connection.framing).encoding !== 'json') return;
    connection.catchUp = { held: [], bytes: 0, known: undefined, until: performance.now() + ASK_MS };
    this.#wait(connection);
  }

  /** @returns whether the delivery waits, instead of being written now. */
  hold(connection: Connection, delivery: log.Delivery, frame: Buffer): boolean {
    const { catchUp } = connection;
    if (!catchUp) return false;
    catchUp.held.push({ delivery, frame });
    catchUp.bytes += frame.length;
    this.#bytes += frame.length;
    const { held, bytes } = catchUp;
    if (held.length > MAX_HELD || bytes > MAX_HELD_BYTES || this.#bytes > MAX_TOTAL_BYTES) {
      this.#bounded();
      this.#end(connection);
    }
    return true;
  }

  /** The client has asked something. */
  asked(connection: Connection, reqIdentifier: number): void {
    const { catchUp } = connection;
    if (catchUp && CATCHING_UP.has(reqIdentifier)) catchUp.until = Number.POSITIVE_INFINITY;
  }

  /** The client is about to learn the highest seqs of its conversations. */
  onSynced(connection: Connection, known: ReadonlyMap<string, number>): void {
    if (connection.catchUp) connection.catchUp.known = known;
  }

  /** The answer has just been written. */
  answered(connection: Connection, reqIdentifier: number): void {
    const { catchUp } = connection;
    if (!catchUp) return;
    if (CATCHING_UP.has(reqIdentifier))
      catchUp.until = performance.now() + (catchUp.known ? NEXT_MS : ASK_MS);
    else this.#end(connection);
  }

  /** Forgets all that waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #end(connection: Connection): void {
    const { catchUp } = connection;
    this.#waiting.delete(connection);
    connection.catchUp = undefined;
    this.#bytes -= catchUp?.bytes ?? 0;
    if (!catchUp || !connection.open) return;
    for (const { delivery, frame } of catchUp.held) {
      const known = catchUp.known?.get(delivery.conversationID) ?? 0;
      if (delivery.seq === 0 || delivery.seq > known) this.#forward(connection, delivery, frame);
    }
  }

  #wait(connection: Connection): void {
    this.#waiting.add(connection);
    this.#timer ??= setTimeout(this.#run, NEXT_MS);
  }

  readonly #run = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const connection of this.#waiting) {
      const until = connection.catchUp?.until ?? 0;
      if (until <= now || !connection.open) this.#end(connection);
      else next = Math.min(next, until);
    }
    // Waits are cut short by requests, so none is slept through.
    if (this.#waiting.size > 0)
      this.#timer = setTimeout(this.#run, Math.min(NEXT_MS, Math.max(1, next - now)));
  };
}
