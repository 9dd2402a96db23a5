import { WebSocket } from 'ws';
import type { Connection } from './connection.ts';

/** What a gateway does with what its clients send. */
export interface ClientEvents {
  /** One message of the client. */
  received(connection: Connection, data: Buffer, isBinary: boolean): void;
  /** A control ping or pong; pings are answered already. */
  heartbeat(connection: Connection, kind: 'ping' | 'pong', bytes: number): void;
  /** The connection is gone; called once. */
  closed(connection: Connection): void;
}

/** A client's WebSocket that knows its connection, so that listeners are functions shared by all of them. */
export class ClientSocket extends WebSocket {
  #connection: Connection | undefined;
  #events: ClientEvents | undefined;

  /** Begins to hand on what the client sends. */
  attach(connection: Connection, events: ClientEvents): void {
    this.#connection = connection;
    this.#events = events;
    this.on('message', this.#onMessage);
    this.on('ping', this.#onPing);
    this.on('pong', this.#onPong);
    this.on('error', this.#onError);
    this.on('close', this.#onClose);
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#connection?.open) this.#events?.received(this.#connection, data, isBinary);
  }

  #onPing(payload: Buffer): void {
    if (!this.#connection?.open) return;
    this.#connection.pong(payload);
    this.#events?.heartbeat(this.#connection, 'ping', payload.length);
  }

  #onPong(payload: Buffer): void {
    if (this.#connection?.open) this.#events?.heartbeat(this.#connection, 'pong', payload.length);
  }

  /** Too large a message, a broken frame: the library closes with the code that says so. */
  #onError(): void {
    this.#connection?.ended('protocol');
  }

  #onClose(): void {
    if (this.#connection) this.#events?.closed(this.#connection);
  }
}
