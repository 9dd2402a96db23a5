import { STREAM, type TenantId } from '@im/contract';
import { Backoff } from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { MAX_BATCH_MESSAGES, publishAtomically } from './atomic-publish.ts';
import { isApiError, JS_ERROR, parseAnswer, streamInfo } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { RawHeaders } from './slim-client.ts';
import { webhookSubject } from './subjects.ts';
import { TenantShares } from './tenant-shares.ts';
import type { BusConfig, BusDeps, QueuedWebhook, WebhookConsumeOptions, WebhookQueue } from './types.ts';
import { consumeWebhooks } from './webhook-consume.ts';
import { ensureWebhookStream } from './webhook-stream.ts';

const PUBLISH_MS = 3_000;
const ATTEMPTS = 3;
/** From this part of the stream's size on, no tenant may have more than its share of it. */
const TIGHT = 0.5;
const TENANT_SHARE = 0.25;
const SIZE_CHECK_MS = 2_000;
/** Up to this many go one by one, more as one atomic batch: see the message log. */
const SINGLES = 12;
const MAX_BATCH_BYTES = 524_288;

/** A tenant has as many deliveries waiting as it may have. */
export class WebhookQueueFull extends ImError {
  constructor(tenant: TenantId) {
    super(
      ERR.NetworkError,
      `too many webhook deliveries of tenant ${tenant} wait to be taken over; try again later`,
    );
  }
}

/** Stream HOOKS; see {@link WebhookQueue}. */
export class NatsWebhookQueue implements WebhookQueue {
  readonly #link: NatsLink;
  readonly #config: BusConfig;
  readonly #log: Logger;
  readonly #instanceId: string;
  readonly #shares = new TenantShares();
  #used = 0;
  #published = false;
  #ensuring: Promise<void> | undefined;

  constructor(link: NatsLink, config: BusConfig, deps: BusDeps) {
    this.#link = link;
    this.#config = config;
    this.#log = deps.log;
    this.#instanceId = deps.instanceId;
    deps.metrics.observe(
      'openim_webhook_stream_used_ratio',
      'Share of the size of the stream of webhook deliveries that is in use, as last seen by a process that writes to it',
      () => this.#used,
    );
    deps.tasks.every('bus-webhooks-size', SIZE_CHECK_MS, () => this.#checkSize());
  }

  async publish(tenant: TenantId, items: readonly QueuedWebhook[]): Promise<void> {
    if (this.#used >= TIGHT && this.#shares.of(tenant) * this.#used > TENANT_SHARE)
      throw new WebhookQueueFull(tenant);
    this.#published = true;
    for (const batch of batchesOf(items)) await this.#publishBatch(tenant, batch);
  }

  consume(options: WebhookConsumeOptions): Promise<void> {
    return consumeWebhooks(this.#link, options, this.#log, () => this.#ensure());
  }

  async #publishBatch(tenant: TenantId, batch: readonly QueuedWebhook[]): Promise<void> {
    const subject = webhookSubject(tenant);
    if (batch.length > SINGLES) {
      const messages = batch.map(({ payload }) => ({ subject, payload }));
      try {
        await this.#retrying(tenant, () =>
          publishAtomically(this.#link, this.#instanceId, messages, PUBLISH_MS),
        );
        this.#note(tenant, batch);
        return;
      } catch (error) {
        // There may be room for some of them.
        if (!(error instanceof WebhookQueueFull)) throw error;
      }
    }
    await Promise.all(batch.map((item) => this.#publishOne(tenant, subject, item)));
    this.#note(tenant, batch);
  }

  async #publishOne(tenant: TenantId, subject: string, { payload, id }: QueuedWebhook): Promise<void> {
    await this.#retrying(tenant, async () => {
      const answer = await this.#link.request(
        subject,
        payload,
        PUBLISH_MS,
        new RawHeaders(`Nats-Msg-Id: ${id}`),
      );
      parseAnswer(subject, answer.data);
    });
  }

  #note(tenant: TenantId, batch: readonly QueuedWebhook[]): void {
    for (const { payload } of batch) this.#shares.note(tenant, payload.length);
  }

  /** Attempts that are repeated store nothing twice that a receiver could not recognize. */
  async #retrying(tenant: TenantId, attempt: () => Promise<unknown>): Promise<void> {
    const backoff = new Backoff({ baseMs: 100, maxMs: 1_000 });
    for (let n = 1; ; n++) {
      try {
        await this.#link.whenUp(PUBLISH_MS);
        await attempt();
        return;
      } catch (error) {
        if (isApiError(error, JS_ERROR.StoreFailed)) throw new WebhookQueueFull(tenant);
        if (n >= ATTEMPTS) {
          throw new ImError(ERR.NetworkError, 'the stream of webhook deliveries does not answer', undefined, {
            cause: error,
          });
        }
        // No such stream yet: nothing listens on its subject.
        if (error instanceof ImError && this.#link.up) await this.#ensure();
        else await backoff.wait();
      }
    }
  }

  /** What asks at once shares one attempt. */
  #ensure(): Promise<void> {
    this.#ensuring ??= ensureWebhookStream(this.#link, this.#config, this.#log).finally(() => {
      this.#ensuring = undefined;
    });
    return this.#ensuring;
  }

  async #checkSize(): Promise<void> {
    if (!this.#link.up || !this.#published) return;
    try {
      const { config, state } = await streamInfo(this.#link, STREAM.webhooks);
      this.#shares.update(state.first_seq, state.last_seq);
      this.#used = config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;
      this.#published = state.messages > 0;
    } catch (error) {
      this.#log.debug({ err: error }, 'the size of the stream of webhook deliveries is unknown');
    }
  }
}

function* batchesOf(items: readonly QueuedWebhook[]): Generator<QueuedWebhook[]> {
  let batch: QueuedWebhook[] = [];
  let bytes = 0;
  for (const item of items) {
    bytes += item.payload.length;
    if (batch.length > 0 && (batch.length === MAX_BATCH_MESSAGES || bytes > MAX_BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = item.payload.length;
    }
    batch.push(item);
  }
  if (batch.length > 0) yield batch;
}
