import type { MsgHdrs } from '@nats-io/transport-node';

/**
 * Headers of a published message, as the finished text of the protocol. The client library's own
 * class checks and rebuilds every name for every message, which costs more than the publish itself.
 */
export class RawHeaders {
  readonly #bytes: Uint8Array;

  /** @param lines `Name: value` each, already well-formed. */
  constructor(...lines: readonly string[]) {
    this.#bytes = Buffer.from(`NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  }

  /** Called by the client library when it publishes: the only method of headers that it uses there. */
  encode(): Uint8Array {
    return this.#bytes;
  }

  /** The same object under the type that the client library declares. */
  asHeaders(): MsgHdrs {
    return this as unknown as MsgHdrs;
  }
}
