import { Backoff, type Logger } from '@im/kit';
import { decode } from '@im/protocol';
import type { Msg } from '@nats-io/transport-node';
import {
  createConsumer,
  JetStreamApiError,
  JS_ERROR,
  jetStreamCall,
  parseStanding,
} from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { encodeJson } from './producer-heartbeat.ts';
import { STREAM, subjectTenant } from './subjects.ts';
import type { ConsumeOptions, KeptDelivery } from './types.ts';

const DEFAULT_BATCH = 500;
const PULL_MS = 5_000;
const NS_PER_MS = 1_000_000;
/** A batch that is not acknowledged within this time comes again. */
const ACK_WAIT_MS = 30_000;
/** A reader that nobody uses for this long is forgotten, and begins anew. */
const UNUSED_MS = 30 * 60_000;
const ACK = Buffer.from('+ACK');
const AGAIN = Buffer.from('-NAK');
const LATER = again(1_000);

/** See {@link Deliveries.consume}. */
export async function consumeDeliveries(
  link: NatsLink,
  name: string,
  options: ConsumeOptions,
  log: Logger,
): Promise<void> {
  const { signal } = options;
  const backoff = new Backoff({ baseMs: 50, maxMs: 2_000 });
  while (!signal.aborted && !link.stopped) {
    try {
      await link.whenUp(5_000);
      await ensureReader(link, name, options.maxBatch ?? DEFAULT_BATCH);
      backoff.reset();
      await pullWhileUp(link, name, options, log);
    } catch (error) {
      log.debug({ err: error, name }, 'reading of deliveries was interrupted');
      if (!signal.aborted) await backoff.wait(signal).catch(() => undefined);
    }
  }
}

/** Makes the durable reader unless it exists. It lives with the stream: after SEQ was lost it begins anew. */
async function ensureReader(link: NatsLink, name: string, maxBatch: number): Promise<void> {
  try {
    await jetStreamCall(link, `CONSUMER.INFO.${STREAM.deliveries}.${name}`);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.errCode !== JS_ERROR.ConsumerNotFound) throw error;
    await createConsumer(link, STREAM.deliveries, {
      name,
      durable_name: name,
      deliver_policy: 'new',
      ack_policy: 'explicit',
      ack_wait: ACK_WAIT_MS * NS_PER_MS,
      max_ack_pending: maxBatch * 8,
      inactive_threshold: UNUSED_MS * NS_PER_MS,
    });
  }
}

async function pullWhileUp(
  link: NatsLink,
  name: string,
  options: ConsumeOptions,
  log: Logger,
): Promise<void> {
  const { outages } = link;
  const inbox = `_INBOX.${name}.${Math.random().toString(36).slice(2)}`;
  const { gatherMs = 0, maxBatch = DEFAULT_BATCH } = options;
  let arrived: Msg[] = [];
  /** When what has arrived is to be handed on. */
  let dueAt = Number.POSITIVE_INFINITY;
  let asked = 0;
  let failed: string | undefined;
  let wake = Promise.withResolvers<void>();
  const end = link.subscribe(inbox, (message) => {
    const code = message.headers?.code ?? 0;
    if (message.reply && code === 0) {
      if (arrived.push(message) === 1) dueAt = performance.now() + gatherMs;
      if (--asked <= 0 || arrived.length >= maxBatch) dueAt = 0;
      // While it gathers, only the first one sets the clock.
      if (dueAt > 0 && arrived.length > 1) return;
    } else if (code === 404 || code === 408) {
      asked = 0;
    } else if (code !== 100) {
      failed = `${code} ${message.headers?.description ?? ''}`;
    }
    wake.resolve();
  });
  const onEnd = () => wake.resolve();
  const stopListening = link.listen({ onDown: onEnd });
  options.signal.addEventListener('abort', onEnd, { once: true });
  try {
    while (!options.signal.aborted && link.outages === outages && failed === undefined) {
      if (arrived.length > 0 && performance.now() >= dueAt) {
        const batch = arrived;
        arrived = [];
        dueAt = Number.POSITIVE_INFINITY;
        await handle(link, batch, options, log);
        continue;
      }
      wake = Promise.withResolvers();
      if (asked <= 0) {
        asked = maxBatch;
        const pull = { batch: asked, expires: PULL_MS * NS_PER_MS };
        link.publish(
          `$JS.API.CONSUMER.MSG.NEXT.${STREAM.deliveries}.${name}`,
          encodeJson(pull),
          undefined,
          inbox,
        );
      }
      // A pull ends by itself with a status; without one, the reader or its server is gone.
      const gathering = arrived.length > 0;
      const timer = setTimeout(
        () => {
          if (!gathering) failed ??= 'no answer';
          wake.resolve();
        },
        gathering ? Math.max(1, dueAt - performance.now()) : 2 * PULL_MS,
      );
      await wake.promise;
      clearTimeout(timer);
    }
    if (failed !== undefined) throw new Error(`reading of deliveries ended: ${failed}`);
  } finally {
    // Somebody else may take at once what this process does not handle any more.
    for (const { reply } of arrived) if (reply) link.publish(reply, AGAIN);
    end();
    stopListening();
    options.signal.removeEventListener('abort', onEnd);
  }
}

async function handle(
  link: NatsLink,
  messages: readonly Msg[],
  options: ConsumeOptions,
  log: Logger,
): Promise<void> {
  const batch: KeptDelivery[] = [];
  const replies = new Map<KeptDelivery, string>();
  for (const message of messages) {
    const kept = toKept(message, log);
    if (!kept || kept.delivery.position <= 0) continue;
    batch.push(kept);
    if (message.reply) replies.set(kept, message.reply);
  }
  let answer = ACK;
  const apart = new Map<string, Buffer<ArrayBuffer>>();
  try {
    const putOff = batch.length > 0 ? await options.onBatch(batch) : undefined;
    for (const { kept, delayMs } of putOff ?? []) {
      const reply = replies.get(kept);
      if (reply) apart.set(reply, again(delayMs));
    }
  } catch (error) {
    log.warn(
      { err: error, deliveries: batch.length },
      'a batch of deliveries was not handled; it comes again',
    );
    answer = LATER;
  }
  for (const message of messages)
    if (message.reply) link.publish(message.reply, apart.get(message.reply) ?? answer);
}

/** The answer by which a delivery comes again after a while. */
function again(delayMs: number): Buffer<ArrayBuffer> {
  return Buffer.from(`-NAK ${JSON.stringify({ delay: Math.round(delayMs) * NS_PER_MS })}`);
}

function toKept(message: Msg, log: Logger): KeptDelivery | undefined {
  const tenant = subjectTenant(message.subject);
  try {
    const delivery = decode('log.Delivery', message.data);
    if (tenant === undefined || delivery.tenant !== tenant)
      throw new Error('the tenant differs from the subject');
    const standing = parseStanding(message.reply ?? '');
    return { tenant, delivery, publishedMs: standing?.timeMs ?? 0, attempt: standing?.delivered ?? 1 };
  } catch (error) {
    log.error({ err: error, subject: message.subject }, 'a kept delivery could not be read');
    return undefined;
  }
}
