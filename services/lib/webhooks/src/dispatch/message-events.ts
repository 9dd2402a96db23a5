import type { FollowedEntry, MessageLog, QueuedWebhook, WebhookQueue } from '@im/bus';
import type { AfterEvent, TenantId } from '@im/contract';
import { type Metrics, sleep, type TenantDirectory } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import { decode, type log as logMessages, SESSION, type sdkws } from '@im/protocol';
import { conversationSeqs, msgRows, type Store } from '@im/store';
import { encodeDelivery } from '../after/envelope.ts';
import { handedCounter } from '../after/handed-counter.ts';
import { messageBody } from '../events/bodies.ts';
import { EVENTS } from '../events/table.ts';
import { hookOf, wantedHook } from '../filter.ts';
import { encodeBody } from '../request.ts';
import { deliveryID } from '../webhooks.ts';

export interface MessageEventsDeps {
  readonly log: Pick<MessageLog, 'follow'>;
  readonly queue: Pick<WebhookQueue, 'publish'>;
  readonly store: Store;
  readonly tenants: TenantDirectory;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly tasks: TaskRunner;
}

/** Name of the durable reader that all processes share. */
const READER = 'webhooks';
const EVENTS_OF_MESSAGES = ['afterSendSingleMsg', 'afterSendGroupMsg', 'afterMsgSaveDB'] as const;
type MessageEvent = (typeof EVENTS_OF_MESSAGES)[number];

/** Records in hand of all tenants, and of one: more of one come again later. */
const MAX_HELD = 4_000;
const MAX_HELD_PER_TENANT = 1_000;
const AGAIN_MS = 5_000;
/** Hand-outs after which a record is given up, counted; with the waits between, about half an hour. */
const ATTEMPTS = 300;
/** For this long the fold knows a message that was sent again. */
const REPEATED_MS = 20 * 60_000;
/** How long a record is waited for until it is stored, and how often that is looked at. */
const STORED_MS = 1_000;
const LOOK_MS = 40;
const BATCH = 200;

interface Message {
  readonly entry: FollowedEntry;
  readonly record: logMessages.Record;
  readonly part: logMessages.Entry;
  readonly data: sdkws.MsgData;
  readonly wanted: readonly MessageEvent[];
}

/**
 * Makes the after-events of messages from the log: a message that was accepted is reported whatever fails. A record
 * that comes again makes deliveries with the same ids.
 */
export class MessageEvents {
  readonly #deps: MessageEventsDeps;
  readonly #queues = new Map<TenantId, FollowedEntry[]>();
  readonly #handed;
  readonly #seqs: ReturnType<typeof conversationSeqs>;
  readonly #rows: ReturnType<typeof msgRows>;
  #held = 0;

  constructor(deps: MessageEventsDeps) {
    this.#deps = deps;
    this.#handed = handedCounter(deps.metrics);
    this.#seqs = conversationSeqs(deps.store);
    this.#rows = msgRows(deps.store);
  }

  start(): void {
    const { log, tasks, tenants } = this.#deps;
    tasks.loop('webhook-messages', (signal) =>
      log.follow(READER, {
        tenants: () => tenants.list().flatMap(({ id }) => (this.#isWanted(id) ? [id] : [])),
        room: () => MAX_HELD - this.#held,
        onEntry: (entry) => this.#take(entry),
        signal,
      }),
    );
  }

  #isWanted(tenant: TenantId): boolean {
    const webhooks = this.#deps.tenants.get(tenant)?.webhooks;
    return EVENTS_OF_MESSAGES.some((event) => hookOf(webhooks, event));
  }

  #take(entry: FollowedEntry): void {
    const { tenant } = entry;
    if (!this.#isWanted(tenant)) {
      entry.done();
      return;
    }
    const queue = this.#queues.get(tenant);
    if (queue && queue.length >= MAX_HELD_PER_TENANT) {
      entry.again(AGAIN_MS);
      return;
    }
    this.#held++;
    if (queue) {
      queue.push(entry);
      return;
    }
    this.#queues.set(tenant, [entry]);
    queueMicrotask(() => void this.#work(tenant));
  }

  /** Handles what a tenant has, one batch after the other. Never rejects. */
  async #work(tenant: TenantId): Promise<void> {
    const queue = this.#queues.get(tenant) ?? [];
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH);
      const messages = batch.flatMap((entry) => this.#read(entry) ?? []);
      const kept = new Set(messages.map(({ entry }) => entry));
      for (const entry of batch) if (!kept.has(entry)) entry.done();
      await this.#handAll(tenant, messages);
      this.#held -= batch.length;
    }
    this.#queues.delete(tenant);
  }

  /** What a record reports; undefined when it is nothing. */
  #read(entry: FollowedEntry): Message | undefined {
    try {
      const record = decode('log.Record', entry.record);
      const [part] = record.entries;
      const webhooks = this.#deps.tenants.get(entry.tenant)?.webhooks;
      if (!part || record.control || !webhooks) return undefined;
      const { sessionType } = record;
      if (sessionType !== SESSION.Group && sessionType !== SESSION.Single) return undefined;
      const own = sessionType === SESSION.Group ? 'afterSendGroupMsg' : 'afterSendSingleMsg';
      const events: readonly MessageEvent[] = part.stored ? [own, 'afterMsgSaveDB'] : [own];
      const wanted = events.filter((event) => wantedHook(webhooks, event, record));
      if (wanted.length === 0) return undefined;
      return { entry, record, part, data: decode('sdkws.MsgData', part.msgData), wanted };
    } catch (error) {
      const { tenant, position } = entry;
      this.#deps.logger.error({ tenant, position, err: error }, 'a record cannot be reported by webhooks');
      return undefined;
    }
  }

  async #handAll(tenant: TenantId, messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    try {
      const sent = messages.flatMap((message) =>
        message.wanted.flatMap((event) =>
          event === 'afterMsgSaveDB' ? [] : [this.#delivery(message, event, 0)],
        ),
      );
      await this.#publish(tenant, await Promise.all(sent));
      const saving = messages.filter(({ wanted }) => wanted.includes('afterMsgSaveDB'));
      const unstored = await this.#handStored(tenant, saving);
      for (const message of messages) {
        if (!unstored.has(message)) message.entry.done();
        else this.#comeAgain(message, 'not stored in time');
      }
    } catch (error) {
      this.#deps.logger.warn(
        { tenant, err: error },
        'messages could not be handed to the queue of webhooks; they come again',
      );
      for (const message of messages) this.#comeAgain(message, 'failed');
    }
  }

  #comeAgain({ entry, wanted }: Message, outcome: string): void {
    if (entry.attempt < ATTEMPTS) {
      entry.again(AGAIN_MS);
      return;
    }
    for (const event of wanted) this.#handed.inc({ event, outcome });
    entry.done();
  }

  /** Reports those that are stored. @returns those that are not, after a while. */
  async #handStored(tenant: TenantId, saving: readonly Message[]): Promise<ReadonlySet<Message>> {
    const left = new Set(saving);
    const until = Date.now() + STORED_MS;
    while (left.size > 0) {
      const { stored, missing } = await this.#seqsOf(tenant, left);
      const made = [...stored].map(([message, seq]) => this.#delivery(message, 'afterMsgSaveDB', seq));
      await this.#publish(tenant, await Promise.all(made));
      for (const message of [...stored.keys(), ...missing]) left.delete(message);
      if (left.size === 0 || Date.now() > until) break;
      await sleep(LOOK_MS);
    }
    return left;
  }

  /**
   * Seqs of the messages that the fold has counted.
   * @returns also those that it has passed over: repeated ones, of which the first was reported.
   */
  async #seqsOf(tenant: TenantId, messages: Iterable<Message>) {
    const stored = new Map<Message, number>();
    const missing: Message[] = [];
    const byConversation = Map.groupBy(messages, ({ part }) => part.conversationID);
    const states = await this.#seqs.get(tenant, [...byConversation.keys()]);
    for (const [conversationID, all] of byConversation) {
      const { max = 0, src = 0 } = states.get(conversationID) ?? {};
      const counted = all.filter(({ entry }) => entry.position <= src);
      for (const message of all) {
        if (message.entry.position > src && (await this.#isRepeated(message, max))) missing.push(message);
      }
      if (counted.length === 0) continue;
      const fromPosition = Math.min(...counted.map(({ entry }) => entry.position));
      const { rows } = await this.#rows.countedSince(tenant, conversationID, { fromPosition, last: max });
      const seqs = new Map(rows.map(({ position, seq }) => [position, seq]));
      for (const message of counted) {
        const seq = seqs.get(message.entry.position);
        if (seq === undefined) missing.push(message);
        else stored.set(message, seq);
      }
    }
    return { stored, missing };
  }

  /** Whether a record that has not been counted for long is one of a message that was counted before. */
  async #isRepeated({ entry, record, part }: Message, last: number): Promise<boolean> {
    if (entry.attempt === 1 || last === 0) return false;
    const since = { fromPosition: Number.POSITIVE_INFINITY, fromTimeMs: entry.timeMs - REPEATED_MS, last };
    const { rows } = await this.#rows.countedSince(entry.tenant, part.conversationID, since);
    return rows.some(({ dedupKey }) => dedupKey && Buffer.compare(dedupKey, record.dedupKey) === 0);
  }

  async #delivery(
    { entry: { tenant, timeMs }, record, data }: Message,
    event: MessageEvent,
    seq: number,
  ): Promise<QueuedWebhook & { readonly event: AfterEvent }> {
    const { operationID, sendID, recvID, groupID, traceparent } = record;
    const body = {
      ...messageBody({ ...data, seq }),
      ...(event !== 'afterSendGroupMsg' && { recvID }),
      ...(event !== 'afterSendSingleMsg' && { groupID }),
    };
    const id = deliveryID(tenant, event, Buffer.from(record.dedupKey).toString('hex'));
    const payload = await encodeDelivery({
      ...{ id, event, operationID, createdMs: timeMs, key: { sendID, recvID, groupID } },
      ...(traceparent !== '' && { traceparent }),
      body: encodeBody(EVENTS[event], operationID, body),
    });
    return { id, payload, event };
  }

  async #publish(
    tenant: TenantId,
    made: readonly (QueuedWebhook & { readonly event: AfterEvent })[],
  ): Promise<void> {
    if (made.length === 0) return;
    await this.#deps.queue.publish(tenant, made);
    for (const { event } of made) this.#handed.inc({ event, outcome: 'stored' });
  }
}
