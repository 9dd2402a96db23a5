import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';

/** Takes what arrives for a subscription, or the error that ended it. */
export type Receiver = (subject: string, message: Msg | undefined, error: Error | undefined) => void;

/**
 * One subscription as the client library's protocol sees it. The library's own class brings an
 * iterator, two promises and their closures along, 1.7 KB; a gateway holds several per connection.
 */
class SlimSubscription {
  readonly subject: string;
  readonly receiver: Receiver;
  /** Given and changed by the protocol. */
  sid = 0;
  received = 0;

  constructor(subject: string, receiver: Receiver) {
    this.subject = subject;
    this.receiver = receiver;
  }

  /** Called by the protocol for each message, and for a refusal by the server. */
  callback(error: Error | null, message: Msg): void {
    if (error) this.receiver(this.subject, undefined, error);
    else this.receiver(this.subject, message, undefined);
  }

  /** Called by the protocol at the end. */
  close(): void {}
}

/** The part of the library's connection that its interface does not show. */
interface Protocol {
  subscribe(subscription: SlimSubscription): void;
  unsubscribe(subscription: SlimSubscription): void;
  /** Hands what was published to the socket; called at the end of each microtask that published something. */
  flushPending(): void;
  readonly outbound: { size(): number };
  readonly pendingLimit: number;
}

function protocolOf(connection: NatsConnection): Protocol {
  return (connection as unknown as { readonly protocol: Protocol }).protocol;
}

/**
 * Makes what is published in one tick of the event loop leave in one system call. The library has one for each
 * microtask: several per connection of a client that comes.
 */
export function flushPerTick(connection: NatsConnection): void {
  const protocol = protocolOf(connection);
  const flush = protocol.flushPending.bind(protocol);
  let scheduled = false;
  const atEndOfTick = () => {
    scheduled = false;
    flush();
  };
  protocol.flushPending = () => {
    if (protocol.outbound.size() >= protocol.pendingLimit) {
      flush();
    } else if (!scheduled) {
      scheduled = true;
      setImmediate(atEndOfTick);
    }
  };
}

/**
 * Subscribes; the library subscribes again by itself after each outage.
 * @returns what ends it.
 */
export function subscribeSlim(connection: NatsConnection, subject: string, receiver: Receiver): () => void {
  const protocol = protocolOf(connection);
  const subscription = new SlimSubscription(subject, receiver);
  protocol.subscribe(subscription);
  return () => protocol.unsubscribe(subscription);
}

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
