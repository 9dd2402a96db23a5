import { parseAnswer } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { RawHeaders } from './slim-client.ts';

/** One message of a batch. */
export interface OutgoingMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
}

/** What a stream answers to a publish. */
interface PublishAck {
  readonly stream: string;
  readonly seq: number;
  readonly count?: number;
}

/** Most messages of one atomic batch, a limit of the server. */
export const MAX_BATCH_MESSAGES = 1_000;

let lastBatch = 0;

/**
 * Publishes messages of one stream, all or none, with one round trip; they are stored next to each
 * other in this order. Live subscribers see each message as it passes, also when the batch fails later.
 * @returns the stream sequence of the last one.
 * @throws JetStreamApiError when the stream refuses; after any other error the outcome is unknown.
 */
export async function publishAtomically(
  link: NatsLink,
  instanceId: string,
  messages: readonly OutgoingMessage[],
  timeoutMs: number,
): Promise<number> {
  const last = messages.at(-1);
  if (last === undefined) throw new RangeError('a batch has at least one message');
  if (messages.length > MAX_BATCH_MESSAGES) throw new RangeError(`${messages.length} messages in a batch`);
  if (messages.length === 1) {
    const answer = await link.request(last.subject, last.payload, timeoutMs);
    return parseAnswer<PublishAck>(last.subject, answer.data).seq;
  }
  // Names a batch among those open on the stream; unique per process and start by its instance.
  const id = `Nats-Batch-Id: ${instanceId.slice(-17)}-${(++lastBatch).toString(36)}`;
  for (let i = 0; i < messages.length - 1; i++) {
    const message = messages[i] as OutgoingMessage;
    link.publish(message.subject, message.payload, new RawHeaders(id, `Nats-Batch-Sequence: ${i + 1}`));
  }
  const commit = new RawHeaders(id, `Nats-Batch-Sequence: ${messages.length}`, 'Nats-Batch-Commit: 1');
  const answer = await link.request(last.subject, last.payload, timeoutMs, commit);
  const ack = parseAnswer<PublishAck>(last.subject, answer.data);
  if (ack.count !== messages.length) {
    throw new Error(`${ack.stream} stored ${ack.count ?? 1} of ${messages.length} messages of a batch`);
  }
  return ack.seq;
}
