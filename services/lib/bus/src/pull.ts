import { onAbort } from '@im/kit';
import type { Msg } from '@nats-io/transport-node';
import { NS_PER_MS } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { encodeJson } from './producer-heartbeat.ts';
import type { Unsubscribe } from './types.ts';

const PULL_MS = 5_000;
/** A pull ends by itself with a status; without one after this long, the reader or its server is gone. */
export const PULL_ENDED_MS = 2 * PULL_MS;
const MAX_PULL = 500;
/** A process without room looks again after this long. */
const NO_ROOM_MS = 50;
export const ACK = Buffer.from('+ACK');

/** The answer by which a message comes again after a while. */
export function redeliverAfter(delayMs: number): Buffer<ArrayBuffer> {
  return Buffer.from(`-NAK ${JSON.stringify({ delay: Math.round(delayMs) * NS_PER_MS })}`);
}

/** Pulls of a durable reader, one after the other. */
export class Pulls {
  /** Messages that the last pull may still bring. */
  asked = 0;
  /** Why the reader cannot be pulled from any more. */
  failed: string | undefined;
  /** Takes nothing more. */
  readonly end: Unsubscribe;
  readonly #ask: (pull: Uint8Array) => void;

  /** @param onAnswer gets each message, and undefined for each status. Must not throw. */
  constructor(
    link: NatsLink,
    stream: string,
    consumer: string,
    onAnswer: (message: Msg | undefined) => void,
  ) {
    const inbox = `_INBOX.${consumer}.${Math.random().toString(36).slice(2)}`;
    this.#ask = (pull) =>
      link.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, pull, undefined, inbox);
    this.end = link.subscribe(inbox, (message) => {
      const code = message.headers?.code ?? 0;
      if (message.reply && code === 0) {
        this.asked--;
        onAnswer(message);
        return;
      }
      if (code === 404 || code === 408) this.asked = 0;
      else if (code !== 100) this.failed = `${code} ${message.headers?.description ?? ''}`;
      onAnswer(undefined);
    });
  }

  ask(messages: number): void {
    this.asked = messages;
    this.#ask(encodeJson({ batch: messages, expires: PULL_MS * NS_PER_MS }));
  }
}

/** A durable reader, and what takes its messages. */
export interface PullOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Messages that the process can take now. */
  readonly room: () => number;
  /** Must not throw. */
  readonly onMessage: (message: Msg) => void;
  /** Asked between pulls: false ends the reading. @default never */
  readonly goesOn?: () => boolean;
  readonly signal: AbortSignal;
}

/**
 * Pulls messages of a durable reader until the signal aborts or the connection is lost.
 * @throws when the reader does not answer or is gone.
 */
export async function pullWhileUp(
  link: NatsLink,
  { stream, consumer, room, onMessage, goesOn = () => true, signal }: PullOptions,
): Promise<void> {
  const { outages } = link;
  let wake = Promise.withResolvers<void>();
  const pulls = new Pulls(link, stream, consumer, (message) => {
    if (message) onMessage(message);
    if (pulls.asked <= 0 || pulls.failed !== undefined) wake.resolve();
  });
  const onEnd = () => wake.resolve();
  const stopListening = link.listen({ onDown: onEnd });
  using _ = onAbort(signal, onEnd);
  try {
    while (!signal.aborted && link.outages === outages && pulls.failed === undefined && goesOn()) {
      wake = Promise.withResolvers();
      if (pulls.asked <= 0) {
        const most = Math.min(MAX_PULL, room());
        if (most > 0) pulls.ask(most);
      }
      const pulling = pulls.asked > 0;
      const timer = setTimeout(
        () => {
          if (pulling) pulls.failed ??= 'no answer';
          wake.resolve();
        },
        pulling ? PULL_ENDED_MS : NO_ROOM_MS,
      );
      await wake.promise;
      clearTimeout(timer);
    }
    if (pulls.failed !== undefined) throw new Error(`reading of ${stream} ended: ${pulls.failed}`);
  } finally {
    pulls.end();
    stopListening();
  }
}

/** What settles a message of a durable reader. */
export function answersOf(link: NatsLink, reply: string) {
  return {
    done: () => {
      link.publishSoon(reply, ACK);
    },
    again: (delayMs: number) => {
      link.publish(reply, redeliverAfter(delayMs));
    },
  };
}
