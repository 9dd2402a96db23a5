import type { TailEvent } from '@im/admin-api';
import type { TenantId } from '@im/contract';
import { type Metrics, TokenBucket } from '@im/kit';
import { decode, ERR, ImError, type log } from '@im/protocol';

/** Source of the deliveries; see Deliveries of @im/bus. */
export interface DeliveryWatch {
  /** All deliveries of a tenant, encoded. @returns a function that ends it. */
  watch(tenant: TenantId, onDelivery: (payload: Uint8Array) => void): () => void;
}

/** Which events a reader wants; absent fields want all. */
export interface TailFilter {
  readonly userID?: string | undefined;
  readonly conversationID?: string | undefined;
  readonly contentType?: number | undefined;
  readonly event?: TailEvent['event'] | undefined;
}

/** Readers of what is delivered. Nothing is done for a tenant without one. */
export interface Tails {
  /**
   * Events from now on, until the signal aborts or after `forMs`.
   * @throws ImError 429 when too many read at once, 90004 where there is no bus.
   */
  read(
    tenant: TenantId,
    filter: TailFilter,
    options: { readonly forMs: number; readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<TailEvent>;
}

/** Most readers of a tenant, and of the process. */
const MOST_OF_TENANT = 3;
const MOST_IN_ALL = 10;
/** Events that wait for a reader; then the oldest give way. */
const MOST_WAITING = 500;
/** Deliveries of a tenant that are looked at; what comes faster is counted alone. */
const PER_SECOND = 1_000;
/** Messages that are remembered, as each has a copy for each of its targets. */
const REMEMBERED = 2_000;
const ALIVE_MS = 10_000;
/** Content types from here on are notifications of the system. */
const FIRST_NOTIFICATION = 1_000;

const NOTHING: Omit<TailEvent, 'time' | 'event' | 'count'> = {
  ...{ conversationID: '', seq: 0, sendID: '', recvID: '', groupID: '', sessionType: 0, contentType: 0 },
  ...{ senderPlatformID: 0, bytes: 0, again: false, operationID: '' },
};

const standIn = (event: 'missed' | 'alive', count: number): TailEvent => ({
  ...{ time: Date.now(), event, count },
  ...NOTHING,
});

/** What of a delivery is shown: nothing that users wrote. */
export function eventOf(delivery: log.Delivery): TailEvent {
  const { position, contentType, logTime, msgData } = delivery;
  const event = position === 0 ? 'transient' : contentType < FIRST_NOTIFICATION ? 'message' : 'notification';
  const { conversationID, seq, sendID, sessionType, senderPlatformID, again, operationID } = delivery;
  return {
    ...{ time: logTime || Date.now(), event, count: 1, conversationID, seq, sendID },
    ...{ recvID: delivery.targetUserID, groupID: delivery.targetGroupID, sessionType, contentType },
    ...{ senderPlatformID, bytes: msgData.length, again, operationID },
  };
}

function isWanted(event: TailEvent, filter: TailFilter): boolean {
  const { userID, conversationID, contentType, event: kind } = filter;
  return (
    (userID === undefined || event.sendID === userID || event.recvID === userID) &&
    (conversationID === undefined || event.conversationID === conversationID) &&
    (contentType === undefined || event.contentType === contentType) &&
    (kind === undefined || event.event === kind)
  );
}

/** One reader: a bounded queue that counts what has no room. */
class Reader {
  readonly #filter: TailFilter;
  #waiting: TailEvent[] = [];
  #missed = 0;
  #wake = Promise.withResolvers<void>();
  /** Messages of which this reader has a copy. */
  readonly #seen = new Set<string>();

  constructor(filter: TailFilter) {
    this.#filter = filter;
  }

  offer(event: TailEvent, copy: string): void {
    if (!isWanted(event, this.#filter)) return;
    if (copy !== '') {
      if (this.#seen.has(copy)) return;
      this.#seen.add(copy);
      if (this.#seen.size > REMEMBERED)
        for (const oldest of this.#seen) {
          this.#seen.delete(oldest);
          break;
        }
    }
    if (this.#waiting.length >= MOST_WAITING) {
      this.#waiting.shift();
      this.#missed++;
    }
    this.#waiting.push(event);
    this.#wake.resolve();
  }

  missed(): void {
    this.#missed++;
    this.#wake.resolve();
  }

  /** What has come; empty after a while in which nothing did, or when `end` resolves. */
  async take(end: Promise<void>): Promise<TailEvent[]> {
    if (this.#waiting.length === 0 && this.#missed === 0) {
      this.#wake = Promise.withResolvers();
      const timer = setTimeout(() => this.#wake.resolve(), ALIVE_MS);
      await Promise.race([this.#wake.promise, end]);
      clearTimeout(timer);
    }
    const taken = this.#missed > 0 ? [standIn('missed', this.#missed)] : [];
    taken.push(...this.#waiting);
    this.#waiting = [];
    this.#missed = 0;
    return taken;
  }
}

/** What the readers of a tenant share. */
class TenantTail {
  readonly readers = new Set<Reader>();
  readonly #budget = new TokenBucket({ ratePerSecond: PER_SECOND, burst: PER_SECOND });
  readonly #end: () => void;

  constructor(tenant: TenantId, deliveries: DeliveryWatch) {
    this.#end = deliveries.watch(tenant, (payload) => this.#take(payload));
  }

  end(): void {
    this.#end();
  }

  #take(payload: Uint8Array): void {
    if (!this.#budget.take()) {
      for (const reader of this.readers) reader.missed();
      return;
    }
    let delivery: log.Delivery;
    try {
      delivery = decode('log.Delivery', payload);
    } catch {
      // Who receives it says so in the log.
      return;
    }
    const event = eventOf(delivery);
    const { position, entry } = delivery;
    const copy = position === 0 ? '' : `${position}.${entry}`;
    for (const reader of this.readers) reader.offer(event, copy);
  }
}

/** @param deliveries absent where the process has no bus. */
export function createTails(deliveries: DeliveryWatch | undefined, metrics: Metrics): Tails {
  const tenants = new Map<TenantId, TenantTail>();
  let inAll = 0;
  metrics.observe('openim_api_tail_readers', 'Readers of deliveries as they happen', () => inAll);
  const refused = metrics.counter(
    'openim_api_tail_refused_total',
    'Readers of deliveries refused: too many at once',
  );

  function begin(
    tenant: TenantId,
    filter: TailFilter,
  ): { readonly reader: Reader; readonly end: () => void } {
    if (!deliveries) throw new ImError(ERR.NetworkError, 'this process has no bus');
    const tail = tenants.get(tenant);
    if ((tail?.readers.size ?? 0) >= MOST_OF_TENANT || inAll >= MOST_IN_ALL) {
      refused.inc();
      throw new ImError(ERR.TooManyRequests, 'too many read what is delivered; end one, or try again later');
    }
    const shared = tail ?? new TenantTail(tenant, deliveries);
    tenants.set(tenant, shared);
    const reader = new Reader(filter);
    shared.readers.add(reader);
    inAll++;
    return {
      reader,
      end() {
        inAll--;
        shared.readers.delete(reader);
        if (shared.readers.size > 0) return;
        tenants.delete(tenant);
        shared.end();
      },
    };
  }

  return {
    async *read(tenant, filter, { forMs, signal }) {
      const { reader, end } = begin(tenant, filter);
      const over = Promise.withResolvers<void>();
      const endAt = performance.now() + forMs;
      const timer = setTimeout(() => over.resolve(), forMs);
      const onAbort = () => over.resolve();
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        // The first line says that it has started.
        yield standIn('alive', 0);
        while (performance.now() < endAt && !signal?.aborted) {
          const events = await reader.take(over.promise);
          if (events.length === 0) yield standIn('alive', 0);
          for (const event of events) {
            if (signal?.aborted) return;
            yield event;
          }
        }
      } finally {
        end();
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
    },
  };
}
