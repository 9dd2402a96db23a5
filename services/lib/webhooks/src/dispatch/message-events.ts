import type { FollowedEntry, MessageLog } from '@im/bus';
import type { TenantId } from '@im/contract';
import { type Metrics, sleep, type TenantDirectory } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import { decode, type log as logMessages, SESSION, type sdkws } from '@im/protocol';
import { conversationSeqs, msgRows, type Store } from '@im/store';
import type { Delivery } from '../after/envelope.ts';
import { handedCounter } from '../after/handed-counter.ts';
import { messageBody } from '../events/bodies.ts';
import { EVENTS } from '../events/table.ts';
import { hookOf, wantedHook } from '../filter.ts';
import { encodeBody } from '../request.ts';
import { deliveryID } from '../webhooks.ts';
import type { HeldDelivery } from './lane.ts';
import { RecentDeliveries } from './recent-deliveries.ts';
import { Settlement } from './settlement.ts';
import { TenantBudget } from './tenant-budget.ts';

export interface MessageEventsDeps {
  readonly log: Pick<MessageLog, 'follow'>;
  readonly store: Store;
  readonly tenants: TenantDirectory;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly tasks: TaskRunner;
  /** Deliveries that the process can take now. */
  readonly room: () => number;
  /** Attempts a delivery, or stores it. */
  readonly hold: (tenant: TenantId, held: HeldDelivery) => void;
}

/** Name of the durable reader that all processes share. */
const READER = 'webhooks';
const EVENTS_OF_MESSAGES = ['afterSendSingleMsg', 'afterSendGroupMsg', 'afterMsgSaveDB'] as const;
type MessageEvent = (typeof EVENTS_OF_MESSAGES)[number];

/** Records of all tenants that wait; those of a tenant that has its share in hand come again later. */
const MAX_HELD = { items: 4_000, bytes: 67_108_864 };
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
  /** Answers for the record when each of the events has been taken or stored. */
  readonly settlement: Settlement;
}

/**
 * Makes the after-events of messages from the log, and hands them to the dispatcher as they are: the log keeps a record until
 * its events were taken or stored, so that a message that was accepted is reported whatever fails. A record that comes
 * again makes deliveries with the same ids.
 */
export class MessageEvents {
  readonly #deps: MessageEventsDeps;
  readonly #queues = new Map<TenantId, FollowedEntry[]>();
  readonly #handed;
  readonly #seqs: ReturnType<typeof conversationSeqs>;
  readonly #rows: ReturnType<typeof msgRows>;
  readonly #recent = new RecentDeliveries();
  readonly #waiting = new TenantBudget(MAX_HELD);

  constructor(deps: MessageEventsDeps) {
    this.#deps = deps;
    this.#handed = handedCounter(deps.metrics);
    this.#seqs = conversationSeqs(deps.store);
    this.#rows = msgRows(deps.store);
  }

  /** Records that wait to be looked at, or for their messages to be stored. */
  get held(): number {
    return this.#waiting.items;
  }

  start(): void {
    const { log, tasks, tenants, room } = this.#deps;
    tasks.loop('webhook-messages', (signal) =>
      log.follow(READER, {
        tenants: () => tenants.list().flatMap(({ id }) => (this.#isWanted(id) ? [id] : [])),
        room: () => Math.min(room(), this.#waiting.room),
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
    if (!this.#waiting.take(tenant, entry.record.length)) {
      entry.again(AGAIN_MS);
      return;
    }
    const queue = this.#queues.get(tenant);
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
      try {
        await this.#report(tenant, batch);
      } catch (error) {
        this.#deps.logger.error({ tenant, err: error }, 'records could not be answered for; they come again');
      }
      for (const { record } of batch) this.#waiting.release(tenant, record.length);
    }
    this.#queues.delete(tenant);
  }

  async #report(tenant: TenantId, batch: readonly FollowedEntry[]): Promise<void> {
    const messages = batch.flatMap((entry) => this.#read(entry) ?? []);
    const kept = new Set(messages.map(({ entry }) => entry));
    for (const entry of batch) if (!kept.has(entry)) entry.done();
    await this.#handAll(tenant, messages);
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
      const data = decode('sdkws.MsgData', part.msgData);
      return { entry, record, part, data, wanted, settlement: this.#settlementOf(entry, wanted) };
    } catch (error) {
      const { tenant, position } = entry;
      this.#deps.logger.error({ tenant, position, err: error }, 'a record cannot be reported by webhooks');
      return undefined;
    }
  }

  async #handAll(tenant: TenantId, messages: readonly Message[]): Promise<void> {
    const saving: Message[] = [];
    for (const message of messages) {
      for (const event of message.wanted) {
        if (event === 'afterMsgSaveDB') saving.push(message);
        else this.#hand(message, event, 0);
      }
    }
    if (saving.length === 0) return;
    const left = new Set(saving);
    try {
      await this.#handStored(tenant, left);
      for (const { settlement } of left) settlement.again(AGAIN_MS, 'not stored in time');
    } catch (error) {
      this.#deps.logger.warn(
        { tenant, err: error },
        'it is not known which messages are stored; their webhooks come again',
      );
      for (const { settlement } of left) settlement.again(AGAIN_MS, 'failed');
    }
  }

  #settlementOf(entry: FollowedEntry, wanted: readonly MessageEvent[]): Settlement {
    return new Settlement(entry, wanted.length, (outcome) => {
      if (entry.attempt < ATTEMPTS) return true;
      for (const event of wanted) this.#handed.inc({ event, outcome });
      return false;
    });
  }

  /** Hands over what is stored, and leaves what is not after a while. */
  async #handStored(tenant: TenantId, left: Set<Message>): Promise<void> {
    const until = Date.now() + STORED_MS;
    for (;;) {
      const { stored, missing } = await this.#seqsOf(tenant, left);
      for (const [message, seq] of stored) {
        left.delete(message);
        this.#hand(message, 'afterMsgSaveDB', seq);
      }
      for (const message of missing) {
        left.delete(message);
        message.settlement.done();
      }
      if (left.size === 0 || Date.now() > until) return;
      await sleep(LOOK_MS);
    }
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

  #hand(message: Message, event: MessageEvent, seq: number): void {
    const { entry, settlement } = message;
    const { tenant, position } = entry;
    let held: HeldDelivery | undefined;
    try {
      held = this.#heldOf(message, event, seq);
      if (held) this.#deps.hold(tenant, held);
    } catch (error) {
      this.#deps.logger.error(
        { tenant, position, event, err: error },
        'a record could not be reported by webhooks; it comes again',
      );
      if (held) held.again(AGAIN_MS);
      else settlement.again(AGAIN_MS, 'failed');
    }
  }

  /** The delivery of an event; undefined when another record has claimed it, which settles this one. */
  #heldOf(message: Message, event: MessageEvent, seq: number): HeldDelivery | undefined {
    const { settlement } = message;
    const delivery = deliveryOf(message, event, seq);
    const claim = this.#recent.claim(delivery.id);
    if (claim === 'ended') {
      settlement.done();
      return undefined;
    }
    if (claim === 'under way') {
      settlement.again(AGAIN_MS, 'failed');
      return undefined;
    }
    return {
      ...{ delivery, takenAt: performance.now() },
      done: () => {
        this.#handed.inc({ event, outcome: 'stored' });
        claim.done();
        settlement.done();
      },
      again: (delayMs) => {
        claim.release();
        settlement.again(delayMs, 'failed');
      },
    };
  }
}

function deliveryOf(
  { entry: { tenant, timeMs }, record, data }: Message,
  event: MessageEvent,
  seq: number,
): Delivery {
  const { operationID, sendID, recvID, groupID, traceparent, dedupKey } = record;
  const body = {
    ...messageBody(data, seq),
    ...(event !== 'afterSendGroupMsg' && { recvID }),
    ...(event !== 'afterSendSingleMsg' && { groupID }),
  };
  return {
    id: deliveryID(tenant, event, Buffer.from(dedupKey).toString('hex')),
    ...{ event, operationID, createdMs: timeMs, key: { sendID, recvID, groupID } },
    ...(traceparent !== '' && { traceparent }),
    body: encodeBody(EVENTS[event], operationID, body),
  };
}
