import { STREAM } from '@im/contract';
import { Backoff, onAbort, sleep } from '@im/kit';
import type { Logger } from '@im/process';
import { decode } from '@im/protocol';
import type { Msg } from '@nats-io/transport-node';
import { consumerConfig, createConsumer, NS_PER_MS, parseAckSubject } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { ACK, PULL_ENDED_MS, Pulls, redeliverAfter } from './pull.ts';
import { subjectTenant } from './subjects.ts';
import { type HeldDelivery, TenantQueues } from './tenant-queues.ts';
import type { ConsumeOptions, KeptDelivery } from './types.ts';

const DEFAULT_BATCH = 500;
/** A batch that is not acknowledged within this time comes again. */
const ACK_WAIT_MS = 30_000;
/** A reader that is unused for this long is removed, and starts over. */
const UNUSED_MS = 30 * 60_000;
const AGAIN = Buffer.from('-NAK');
const STILL_AT_IT = Buffer.from('+WPI');
/** What is in hand is said to be so this often. */
const KEEP_MS = ACK_WAIT_MS / 3;
/** Time that all tenants' deliveries get before more are read while some are still being handled. */
const PATIENCE_MS = 200;
/** Deliveries that all readers may hold; each has a separate bound, far below. */
const MAX_ACK_PENDING = 40_000;
const LATER = redeliverAfter(1_000);
const REFUSED_MS = 5_000;
const NONE_AHEAD = () => 0;

/** {@link Deliveries.consume} */
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
      await ensureReader(link, name);
      backoff.reset();
      await pullWhileUp(link, name, options, log);
    } catch (error) {
      log.debug({ err: error, name }, 'reading of deliveries was interrupted');
      if (!signal.aborted) await backoff.wait(signal).catch(() => undefined);
    }
  }
}

/** Makes the durable reader unless it exists. It lives with the stream: after SEQ was lost it starts over. */
async function ensureReader(link: NatsLink, name: string): Promise<void> {
  const found = await consumerConfig(link, STREAM.deliveries, name);
  // An earlier version made it with another number.
  if (found?.max_ack_pending === MAX_ACK_PENDING) return;
  await createConsumer(link, STREAM.deliveries, {
    ...(found ?? {
      durable_name: name,
      deliver_policy: 'new',
      ack_policy: 'explicit',
      ack_wait: ACK_WAIT_MS * NS_PER_MS,
      inactive_threshold: UNUSED_MS * NS_PER_MS,
    }),
    name,
    max_ack_pending: MAX_ACK_PENDING,
  });
}

async function pullWhileUp(
  link: NatsLink,
  name: string,
  options: ConsumeOptions,
  log: Logger,
): Promise<void> {
  const { outages } = link;
  const { gatherMs = 0, maxBatch = DEFAULT_BATCH, ahead = NONE_AHEAD } = options;
  const queues = new TenantQueues({
    handle: (held) => handle(link, held, options, log),
    giveBack: (held) => {
      for (const { reply } of held) link.publish(reply, AGAIN);
    },
    refuse: (held) => refuse(link, held, options),
    maxBatch,
    ahead,
  });
  const keeping = setInterval(() => {
    for (const { reply } of queues.held()) link.publish(reply, STILL_AT_IT);
  }, KEEP_MS);
  let arrived: Msg[] = [];
  /** When what has arrived is to be handed on. */
  let dueAt = Number.POSITIVE_INFINITY;
  let wake = Promise.withResolvers<void>();
  const pulls = new Pulls(link, STREAM.deliveries, name, (message) => {
    if (message) {
      if (arrived.push(message) === 1) dueAt = performance.now() + gatherMs;
      if (pulls.asked <= 0 || arrived.length >= maxBatch) dueAt = 0;
      // While it gathers, only the first one sets the clock.
      if (dueAt > 0 && arrived.length > 1) return;
    }
    wake.resolve();
  });
  const onEnd = () => {
    queues.end();
    wake.resolve();
  };
  const stopListening = link.listen({ onDown: onEnd });
  using _ = onAbort(options.signal, onEnd);
  try {
    while (!options.signal.aborted && link.outages === outages && pulls.failed === undefined) {
      if (arrived.length > 0 && performance.now() >= dueAt) {
        const batch = arrived;
        arrived = [];
        dueAt = Number.POSITIVE_INFINITY;
        queues.add(toHeld(link, batch, log));
        await (ahead() > 0 ? Promise.race([queues.idle, sleep(PATIENCE_MS)]) : queues.idle);
        continue;
      }
      wake = Promise.withResolvers();
      if (pulls.asked <= 0) pulls.ask(maxBatch);
      const gathering = arrived.length > 0;
      const timer = setTimeout(
        () => {
          if (!gathering) pulls.failed ??= 'no answer';
          wake.resolve();
        },
        gathering ? Math.max(1, dueAt - performance.now()) : PULL_ENDED_MS,
      );
      await wake.promise;
      clearTimeout(timer);
    }
    if (pulls.failed !== undefined) throw new Error(`reading of deliveries ended: ${pulls.failed}`);
  } finally {
    // Another process may take at once what this one no longer handles.
    for (const { reply } of arrived) if (reply) link.publish(reply, AGAIN);
    queues.end();
    pulls.end();
    stopListening();
    const ended = queues.idle.then(() => clearInterval(keeping));
    // After an outage no tenant waits for a slow one.
    if (options.signal.aborted) await ended;
  }
}

function toHeld(link: NatsLink, messages: readonly Msg[], log: Logger): HeldDelivery[] {
  const held: HeldDelivery[] = [];
  for (const message of messages) {
    const { reply, data } = message;
    const kept = toKept(message, log);
    if (kept && kept.delivery.position > 0 && reply) held.push({ kept, reply, bytes: data.length });
    else if (reply) link.publish(reply, ACK);
  }
  return held;
}

/** What a tenant has no room for comes again later, unless the reader knows better. */
function refuse(link: NatsLink, held: readonly HeldDelivery[], { onFull }: ConsumeOptions): void {
  const putOff = onFull?.(held.map(({ kept }) => kept));
  const delays = putOff && new Map(putOff.map(({ kept, delayMs }) => [kept, delayMs]));
  for (const { kept, reply } of held) {
    const delayMs = delays ? delays.get(kept) : REFUSED_MS;
    link.publish(reply, delayMs === undefined ? ACK : redeliverAfter(delayMs));
  }
}

/** Handles and answers deliveries of one tenant. */
async function handle(
  link: NatsLink,
  held: readonly HeldDelivery[],
  options: ConsumeOptions,
  log: Logger,
): Promise<void> {
  let answer = ACK;
  const apart = new Map<KeptDelivery, Buffer<ArrayBuffer>>();
  try {
    const putOff = await options.onBatch(held.map(({ kept }) => kept));
    for (const { kept, delayMs } of putOff ?? []) apart.set(kept, redeliverAfter(delayMs));
  } catch (error) {
    log.warn(
      { err: error, tenant: held[0]?.kept.tenant, deliveries: held.length },
      'a batch of deliveries was not handled; it comes again',
    );
    answer = LATER;
  }
  for (const { kept, reply } of held) link.publish(reply, apart.get(kept) ?? answer);
}

function toKept(message: Msg, log: Logger): KeptDelivery | undefined {
  const tenant = subjectTenant(message.subject);
  try {
    const delivery = decode('log.Delivery', message.data);
    if (tenant === undefined || delivery.tenant !== tenant)
      throw new Error('the tenant differs from the subject');
    const ack = parseAckSubject(message.reply ?? '');
    return { tenant, delivery, publishedMs: ack?.timeMs ?? 0, attempt: ack?.delivered ?? 1 };
  } catch (error) {
    log.error({ err: error, subject: message.subject }, 'a kept delivery could not be read');
    return undefined;
  }
}
