import { STREAM } from '@im/contract';
import type { Logger } from '@im/process';
import {
  createConsumer,
  findStream,
  JetStreamApiError,
  JS_ERROR,
  jetStreamCall,
  NS_PER_MS,
} from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { WEBHOOK_SUBJECTS } from './subjects.ts';
import type { BusConfig } from './types.ts';

/** Deliveries of one tenant that the stream takes. */
export const MAX_PER_TENANT = 20_000;
/** The stream's size limit, and what it is where the server has no room for that. */
const SIZES = [134_217_728, 33_554_432, 8_388_608] as const;
/** A hand-over that is repeated within this time is stored once. */
const DUPLICATE_WINDOW_MS = 2 * 60_000;
/** A delivery that was not answered for within this time comes again. */
const ACK_WAIT_MS = 60_000;
/** Far more than one tenant may have in the stream: what waits of one keeps none of another back. */
const MAX_ACK_PENDING = 200_000;
/** Name of the durable reader that all dispatchers share. */
export const DISPATCHER = 'dispatcher';

/** Makes stream and reader unless they exist: only a cluster with webhooks has them. */
export async function ensureWebhookStream(link: NatsLink, config: BusConfig, log: Logger): Promise<void> {
  if (!(await findStream(link, STREAM.webhooks))) await create(link, config, log);
  // The same config again changes nothing.
  await createConsumer(link, STREAM.webhooks, {
    name: DISPATCHER,
    durable_name: DISPATCHER,
    deliver_policy: 'all',
    ack_policy: 'explicit',
    ack_wait: ACK_WAIT_MS * NS_PER_MS,
    max_ack_pending: MAX_ACK_PENDING,
  });
}

async function create(link: NatsLink, config: BusConfig, log: Logger): Promise<void> {
  for (const max_bytes of SIZES) {
    try {
      await jetStreamCall(link, `STREAM.CREATE.${STREAM.webhooks}`, {
        name: STREAM.webhooks,
        description: 'Deliveries of webhooks that no dispatcher has taken over yet',
        subjects: WEBHOOK_SUBJECTS,
        retention: 'workqueue',
        storage: config.storage,
        num_replicas: config.replicas,
        discard: 'new',
        discard_new_per_subject: true,
        max_msgs_per_subject: MAX_PER_TENANT,
        max_bytes,
        max_msgs: -1,
        max_consumers: -1,
        max_age: 0,
        duplicate_window: DUPLICATE_WINDOW_MS * NS_PER_MS,
        allow_atomic: true,
        allow_direct: true,
      });
      log.info({ stream: STREAM.webhooks, bytes: max_bytes }, 'stream created');
      return;
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      if (error.errCode === JS_ERROR.StreamNameExists) return;
      const smaller = SIZES.some((size) => size < max_bytes);
      if (!smaller || !NO_ROOM.has(error.errCode)) throw error;
    }
  }
}

/** The server has no room for a stream of that size. */
const NO_ROOM: ReadonlySet<number> = new Set([
  JS_ERROR.InsufficientResources,
  JS_ERROR.StorageExceeded,
  JS_ERROR.MemoryExceeded,
]);
