import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import { timeOrder } from './list-keys.ts';
import { newestFirst } from './newest-first.ts';
import { type PendingWork, tenantWork } from './tenant-work.ts';

/** Receivers whose message is under way. */
export interface BroadcastPage {
  /** Those that are not known to have it. */
  readonly userIDs: readonly string[];
  /** Where the page after it begins; empty: it is the last. */
  readonly next: string;
  /** When it was sent first, ms; 0: never. */
  readonly sentAt: number;
}

/** A message to many users, as far as it is sent. */
export interface Broadcast {
  readonly broadcastID: string;
  readonly senderID: string;
  readonly text: string;
  /** Receivers; empty: all users. */
  readonly userIDs: readonly string[];
  readonly admin: string;
  /** ms. */
  readonly requested: number;
  readonly state: 'running' | 'done' | 'cancelled';
  /** Receivers that were counted when it began. */
  readonly total: number;
  readonly sent: number;
  /** Deleted or banned meanwhile, and the sender. */
  readonly skipped: number;
  readonly failed: number;
  /** The first of those that it did not reach. */
  readonly failedUserIDs: readonly string[];
  /** Absent: the next page is to be read at `cursor`. */
  readonly page?: BroadcastPage | undefined;
  readonly cursor: string;
  /** ms; 0 before. */
  readonly finished: number;
  /** Failures since the last progress, and the last one. */
  readonly attempts: number;
  readonly error: string;
}

/** A broadcast as lists have it, without its users. */
export interface ListedBroadcast extends Omit<Broadcast, 'userIDs' | 'failedUserIDs' | 'page' | 'cursor'> {
  readonly toAll: boolean;
}

/** `_id` = tenant, broadcast. */
interface BroadcastDocument extends TenantDocument, Broadcast {
  v: 1;
  /** Whether a process is at it. */
  held: boolean;
  /** Until then a process is at it, or it is not tried again; ms. */
  until: number;
  /** Time of the request and broadcast: the order of lists. */
  o: string;
}

/** Collection of broadcasts; the msg domain alone writes it. */
export const BROADCASTS = defineCollection<BroadcastDocument>('broadcast', [
  { keys: { state: 1, until: 1 } },
  { keys: { o: 1 } },
]);

/** What changes while a broadcast is sent. */
export type BroadcastProgress = Partial<
  Pick<Broadcast, 'sent' | 'skipped' | 'failed' | 'failedUserIDs' | 'cursor' | 'attempts' | 'error'>
> & {
  /** `null`: there is none any more. */
  readonly page?: BroadcastPage | null;
};

/** The right to work on a broadcast. */
export interface BroadcastClaim {
  readonly broadcast: Broadcast;
  /** End of the claim, ms. */
  readonly until: number;
}

/** Older ones are removed, ms. */
const KEPT_MS = 90 * 86_400_000;
/** More of a tenant do not run. */
const MOST_LOOKED_AT = 100;

/** Broadcasts of tenants. */
export interface BroadcastRepo {
  /** Begins one, unless there is one of that id. @returns the one that there is. */
  begin(tenant: TenantId, broadcast: Broadcast): Promise<Broadcast>;
  get(tenant: TenantId, broadcastID: string): Promise<Broadcast | undefined>;
  /** Newest first. @param before cursor: the `next` of the page before. */
  list(
    tenant: TenantId,
    limit: number,
    before?: string,
  ): Promise<{ readonly broadcasts: ListedBroadcast[]; readonly next?: string }>;
  /** How many run, up to `most`. */
  running(tenant: TenantId, most: number): Promise<number>;
  /** Ends one that runs. @returns it as it is then; undefined when there is none. */
  cancel(tenant: TenantId, broadcastID: string, now: number): Promise<Broadcast | undefined>;
  /** Those of these tenants that have some, or had until a moment ago. */
  pending(tenants: readonly TenantId[]): Promise<PendingWork[]>;
  /** The tenant has none any more, unless some run or began after `mark` was read. */
  settle(pending: PendingWork): Promise<void>;
  /** Takes the one that waits longest, until `until` (ms). @returns undefined when there is none, or a process is at one. */
  claim(tenant: TenantId, now: number, until: number): Promise<BroadcastClaim | undefined>;
  /**
   * Stores progress, also of one that was cancelled meanwhile.
   * @param until end of the claim from now on. @param held whether this process goes on
   * @returns the claim, with the broadcast as it is now; undefined when the claim was lost
   */
  save(
    tenant: TenantId,
    claim: BroadcastClaim,
    progress: BroadcastProgress,
    until: number,
    held?: boolean,
  ): Promise<BroadcastClaim | undefined>;
  /** Ends one that runs and is sent. */
  finish(tenant: TenantId, claim: BroadcastClaim, now: number): Promise<void>;
}

function toBroadcast({ _id, t, v, held, until, o, ...broadcast }: BroadcastDocument): Broadcast {
  return broadcast;
}

/** Lists read no user but the first, which says whether some are named. */
const LISTED = { userIDs: { $slice: 1 }, failedUserIDs: 0, page: 0 } as const;

function toListed(document: BroadcastDocument): ListedBroadcast {
  const { userIDs, failedUserIDs, page, cursor, ...broadcast } = toBroadcast(document);
  return { ...broadcast, toAll: userIDs.length === 0 };
}

/** The broadcasts of a store. */
export function broadcastRepo(store: Store): BroadcastRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, BROADCASTS);
  const work = tenantWork(store, 'broadcast_work');

  return guarded<BroadcastRepo>({
    async begin(tenant, broadcast) {
      const { col, key } = collectionOf(tenant);
      const { broadcastID, requested } = broadcast;
      const _id = key(broadcastID);
      const o = timeOrder(requested, broadcastID);
      await insertNew(col, { _id, t: tenant, v: 1, ...broadcast, held: false, until: 0, o });
      const doc = await col.findOne({ _id });
      if (doc?.state === 'running') await work.announce(tenant);
      await col.deleteMany({ t: tenant, o: { $lt: timeOrder(requested - KEPT_MS, '') } });
      return doc ? toBroadcast(doc) : broadcast;
    },
    async get(tenant, broadcastID) {
      const { col, key } = collectionOf(tenant);
      const doc = await col.findOne({ _id: key(broadcastID) });
      return doc ? toBroadcast(doc) : undefined;
    },
    async list(tenant, limit, before) {
      const { docs, ...more } = await newestFirst(collectionOf(tenant), limit, before, LISTED);
      return { broadcasts: docs.map(toListed), ...more };
    },
    async running(tenant, most) {
      const { col } = collectionOf(tenant);
      const filter = { t: tenant, state: 'running' as const };
      return (await col.find(filter, { projection: { _id: 1 }, limit: most }).toArray()).length;
    },
    async cancel(tenant, broadcastID, now) {
      const { col, key } = collectionOf(tenant);
      const _id = key(broadcastID);
      await col.updateOne({ _id, state: 'running' }, { $set: { state: 'cancelled', finished: now } });
      const doc = await col.findOne({ _id });
      return doc ? toBroadcast(doc) : undefined;
    },
    pending: (tenants) => work.pending(tenants),
    async settle(pending) {
      const { col, tenant } = collectionOf(pending.tenant);
      if (await col.findOne({ t: tenant, state: 'running' }, { projection: { _id: 1 } })) return;
      await work.settle(pending);
    },
    async claim(tenant, now, until) {
      const { col } = collectionOf(tenant);
      const running = { t: tenant, state: 'running' as const };
      const others = await col
        .find({ ...running, until: { $gte: now } }, { projection: { held: 1 }, limit: MOST_LOOKED_AT })
        .toArray();
      if (others.some(({ held }) => held)) return undefined;
      const doc = await col.findOne({ ...running, until: { $lt: now } }, { sort: { until: 1 } });
      if (!doc) return undefined;
      const filter = { _id: doc._id, until: doc.until, state: 'running' as const };
      const taken = await col.updateOne(filter, { $set: { until, held: true } });
      return taken.modifiedCount === 1 ? { broadcast: toBroadcast(doc), until } : undefined;
    },
    async save(tenant, { broadcast, until: claimed }, { page, ...progress }, until, held = true) {
      const { col, key } = collectionOf(tenant);
      const _id = key(broadcast.broadcastID);
      const { matchedCount } = await col.updateOne(
        { _id, until: claimed, held: true },
        {
          $set: { ...progress, ...(page && { page }), until, held },
          ...(page === null && { $unset: { page: 1 } }),
        },
      );
      const doc = matchedCount === 1 ? await col.findOne({ _id }) : undefined;
      return doc ? { broadcast: toBroadcast(doc), until } : undefined;
    },
    async finish(tenant, { broadcast, until }, now) {
      const { col, key } = collectionOf(tenant);
      const filter = { _id: key(broadcast.broadcastID), until, state: 'running' as const };
      await col.updateOne(filter, { $set: { state: 'done', finished: now, held: false } });
    },
  });
}
