import type { TenantId } from '@im/contract';
import { Binary } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { insertMissing } from './bulk-writes.ts';

/** `waiting` for its next attempt, or `dead`: attempted no more unless it is replayed. */
export type WebhookState = 'waiting' | 'dead';

/** A webhook delivery that did not succeed at once. `_id` = tenant, id. */
interface WebhookDeliveryDocument extends TenantDocument {
  v: 1;
  id: string;
  /** State. */
  s: WebhookState;
  /** Event. */
  e: string;
  /** Time of the hand-over and id: the order of lists. */
  o: string;
  /** Next attempt, ms; a claim moves it ahead. */
  due: number;
  /** Beginning of the day of attempts: the hand-over, or the last replay; ms. */
  since: number;
  /** Attempts since then. */
  n: number;
  /** How the last attempt ended, and what was answered. */
  outcome: string;
  status?: number;
  answer?: string;
  /** When that was, ms; 0 before the first. */
  at: number;
  /** Bytes of the payload. */
  b: number;
  payload: Binary;
}

/** Collection of webhook deliveries; the dispatchers of the push role write it. */
export const WEBHOOK_DELIVERIES = defineCollection<WebhookDeliveryDocument>('webhook_delivery', [
  { keys: { s: 1, due: 1 } },
  { keys: { s: 1, o: 1 } },
  { keys: { s: 1, e: 1, o: 1 } },
]);

/** How the last attempt of a delivery ended. */
export interface WebhookAttempt {
  readonly outcome: string;
  /** HTTP status; undefined without an answer. */
  readonly status?: number;
  /** Beginning of the answer. */
  readonly answer?: string;
  /** When it ended, ms; 0 when there was none. */
  readonly at: number;
  /** Attempts, this one included. */
  readonly attempts: number;
}

/** A delivery to store. */
export interface NewWebhookDelivery {
  readonly id: string;
  readonly event: string;
  readonly createdMs: number;
  readonly state: WebhookState;
  readonly dueMs: number;
  readonly last: WebhookAttempt;
  readonly payload: Uint8Array;
}

/** A stored delivery. */
export interface WebhookDelivery extends NewWebhookDelivery {
  readonly sinceMs: number;
}

/** Which deliveries: by state, and perhaps event and time of the hand-over, from (inclusive) to (exclusive), ms. */
export interface WebhookDeliveryQuery {
  readonly state: WebhookState;
  readonly event?: string;
  readonly from?: number;
  readonly to?: number;
}

/** What a tenant has stored. */
export interface WebhookUsage {
  readonly deliveries: number;
  readonly bytes: number;
}

/** Digits of a time in ms. */
const TIME_DIGITS = 13;
/** Deliveries removed at once. */
const REMOVE_STEP = 500;

const orderOf = (ms: number, id = '') => String(Math.max(0, ms)).padStart(TIME_DIGITS, '0') + id;

/** The webhook deliveries of a store. */
export type WebhookDeliveryRepo = ReturnType<typeof webhookDeliveryRepo>;

/** Webhook deliveries that wait for another attempt, and dead ones. */
export function webhookDeliveryRepo(store: Store) {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, WEBHOOK_DELIVERIES);

  function filterOf(tenant: TenantId, { state, event, from, to }: WebhookDeliveryQuery) {
    const order = {
      ...(from !== undefined && { $gte: orderOf(from) }),
      ...(to !== undefined && { $lt: orderOf(to) }),
    };
    return {
      t: tenant,
      s: state,
      ...(event !== undefined && { e: event }),
      ...(Object.keys(order).length > 0 && { o: order }),
    };
  }

  return guarded({
    /** Stores deliveries; one that is stored already stays as it is. */
    async add(tenant: TenantId, deliveries: readonly NewWebhookDelivery[]): Promise<void> {
      const { col, key } = collectionOf(tenant);
      const docs = deliveries.map(({ id, event, createdMs, state, dueMs, last, payload }) => ({
        ...{ _id: key(id), t: tenant, v: 1 as const, id, s: state, e: event, o: orderOf(createdMs, id) },
        ...{ due: dueMs, since: createdMs, b: payload.length, payload: new Binary(payload) },
        ...lastOf(last),
      }));
      await insertMissing(col, docs);
    },

    /** Those whose time has come, the longest due first. */
    async due(tenant: TenantId, nowMs: number, limit: number): Promise<WebhookDelivery[]> {
      const { col } = collectionOf(tenant);
      const filter = { t: tenant, s: 'waiting' as const, due: { $lt: nowMs } };
      return (await col.find(filter, { sort: { due: 1 }, limit }).toArray()).map(deliveryOf);
    },

    /** When the next one is due, ms; undefined when none waits. */
    async nextDue(tenant: TenantId): Promise<number | undefined> {
      const { col } = collectionOf(tenant);
      const options = { sort: { due: 1 }, projection: { due: 1 } } as const;
      return (await col.findOne({ t: tenant, s: 'waiting' }, options))?.due;
    },

    /** Takes a delivery until `untilMs`, when it is due again. @returns false when another process has it. */
    async claim(tenant: TenantId, { id, dueMs }: WebhookDelivery, untilMs: number): Promise<boolean> {
      const { col, key } = collectionOf(tenant);
      const filter = { _id: key(id), s: 'waiting' as const, due: dueMs };
      return (await col.updateOne(filter, { $set: { due: untilMs } })).modifiedCount === 1;
    },

    /** It was delivered. */
    async remove(tenant: TenantId, id: string): Promise<void> {
      const { col, key } = collectionOf(tenant);
      await col.deleteOne({ _id: key(id) });
    },

    /** It comes again at `dueMs`, or is dead. */
    async update(
      tenant: TenantId,
      id: string,
      { state, dueMs, last }: Pick<NewWebhookDelivery, 'state' | 'dueMs' | 'last'>,
    ): Promise<void> {
      const { col, key } = collectionOf(tenant);
      await col.updateOne({ _id: key(id) }, { $set: { s: state, due: dueMs, ...lastOf(last) } });
    },

    /** Newest first. @param before cursor: the `next` of the page before. */
    async list(
      tenant: TenantId,
      query: WebhookDeliveryQuery,
      limit: number,
      before?: string,
    ): Promise<{ readonly deliveries: WebhookDelivery[]; readonly next?: string }> {
      const { col } = collectionOf(tenant);
      const filter = filterOf(tenant, query);
      const order = { ...filter.o, ...(before !== undefined && { $lt: before }) };
      const docs = await col
        .find(
          { ...filter, ...(Object.keys(order).length > 0 && { o: order }) },
          { sort: { o: -1 }, limit: limit + 1 },
        )
        .toArray();
      const page = docs.slice(0, limit);
      return {
        deliveries: page.map(deliveryOf),
        ...(docs.length > limit && { next: page.at(-1)?.o }),
      };
    },

    async get(tenant: TenantId, id: string): Promise<WebhookDelivery | undefined> {
      const { col, key } = collectionOf(tenant);
      const doc = await col.findOne({ _id: key(id) });
      return doc ? deliveryOf(doc) : undefined;
    },

    /** Makes one due at once, dead or not, with a whole day of attempts. @returns false when there is none. */
    async replayOne(tenant: TenantId, id: string, nowMs: number): Promise<boolean> {
      const { col, key } = collectionOf(tenant);
      const { matchedCount } = await col.updateOne({ _id: key(id) }, replayed(nowMs));
      return matchedCount === 1;
    },

    /** The same for all that a query names. @returns how many. */
    async replay(tenant: TenantId, query: WebhookDeliveryQuery, nowMs: number): Promise<number> {
      const { col } = collectionOf(tenant);
      return (await col.updateMany(filterOf(tenant, query), replayed(nowMs))).modifiedCount;
    },

    async usage(tenant: TenantId): Promise<Record<WebhookState, WebhookUsage>> {
      const { col } = collectionOf(tenant);
      const groups = await col
        .aggregate<{ _id: WebhookState; deliveries: number; bytes: number }>([
          { $match: { t: tenant } },
          { $group: { _id: '$s', deliveries: { $sum: 1 }, bytes: { $sum: '$b' } } },
        ])
        .toArray();
      const of = (state: WebhookState) => {
        const { deliveries = 0, bytes = 0 } = groups.find(({ _id }) => _id === state) ?? {};
        return { deliveries, bytes };
      };
      return { waiting: of('waiting'), dead: of('dead') };
    },

    /** Removes the oldest of a state. @returns how many, and their bytes. */
    async removeOldest(tenant: TenantId, state: WebhookState): Promise<WebhookUsage> {
      const { col } = collectionOf(tenant);
      const options = { sort: { o: 1 }, limit: REMOVE_STEP, projection: { b: 1 } } as const;
      const docs = await col.find({ t: tenant, s: state }, options).toArray();
      if (docs.length === 0) return { deliveries: 0, bytes: 0 };
      const { deletedCount } = await col.deleteMany({ _id: { $in: docs.map(({ _id }) => _id) } });
      return { deliveries: deletedCount, bytes: docs.reduce((sum, { b }) => sum + b, 0) };
    },

    /** Removes the dead that were handed over before a time, ms. @returns how many. */
    async removeDeadBefore(tenant: TenantId, time: number): Promise<number> {
      const { col } = collectionOf(tenant);
      return (await col.deleteMany({ t: tenant, s: 'dead', o: { $lt: orderOf(time) } })).deletedCount;
    },
  });
}

function lastOf({ outcome, status, answer, at, attempts }: WebhookAttempt) {
  return {
    ...{ outcome, at, n: attempts },
    ...(status !== undefined && { status }),
    ...(answer !== undefined && { answer }),
  };
}

function replayed(nowMs: number) {
  return { $set: { s: 'waiting' as const, due: nowMs, since: nowMs, n: 0 } };
}

function deliveryOf(doc: WebhookDeliveryDocument): WebhookDelivery {
  const { id, s, e, o, due, since, n, outcome, status, answer, at, payload } = doc;
  return {
    ...{ id, event: e, createdMs: Number(o.slice(0, TIME_DIGITS)), state: s, dueMs: due, sinceMs: since },
    last: { outcome, status, answer, at, attempts: n },
    payload: payload.buffer.subarray(0, payload.position),
  };
}
