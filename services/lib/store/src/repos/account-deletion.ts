import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import { timeOrder } from './list-keys.ts';
import { newestFirst } from './newest-first.ts';
import { type PendingWork, tenantWork } from './tenant-work.ts';

/** The deletion of an account, as far as it is. */
export interface AccountDeletion {
  readonly userID: string;
  /** Whether the profile goes, or stays with another name. */
  readonly mode: 'delete' | 'anonymize';
  /** Also contents of messages, and files. */
  readonly erase: boolean;
  /** Nickname that the profile gets. */
  readonly nickname: string;
  readonly admin: string;
  /** ms. */
  readonly requested: number;
  readonly state: 'running' | 'done';
  readonly step: string;
  /** Where the step is. */
  readonly cursor: string;
  /** What was removed, by step. */
  readonly removed: Readonly<Record<string, number>>;
  /** ms; 0 before. */
  readonly finished: number;
  /** Failures since the last progress, and the last one. */
  readonly attempts: number;
  readonly error: string;
}

/** `_id` = tenant, user. */
interface DeletionDocument extends TenantDocument, AccountDeletion {
  v: 1;
  /** Until then a process is at it, or it is not tried again; ms. */
  until: number;
  /** Time of the request and user: the order of lists. */
  o: string;
}

/** Collection of deleted accounts; the user domain alone writes it. They stay, so that no id is used again. */
export const ACCOUNT_DELETIONS = defineCollection<DeletionDocument>('account_deletion', [
  { keys: { state: 1, until: 1 } },
  { keys: { o: 1 } },
]);

/** Progress of a deletion. */
export type DeletionProgress = Partial<
  Pick<AccountDeletion, 'state' | 'step' | 'cursor' | 'removed' | 'finished' | 'attempts' | 'error'>
>;

/** Deletions of accounts. */
export interface AccountDeletionRepo {
  /** Begins a deletion, unless there is one. @returns the one that there is. */
  begin(tenant: TenantId, deletion: AccountDeletion): Promise<AccountDeletion>;
  /** Begins one again that is done, for what it left. @returns undefined when it is not done. */
  again(tenant: TenantId, deletion: AccountDeletion): Promise<AccountDeletion | undefined>;
  get(tenant: TenantId, userID: string): Promise<AccountDeletion | undefined>;
  /** Those of these users that have one, done or not. */
  deleted(tenant: TenantId, userIDs: readonly string[]): Promise<string[]>;
  /** Newest first. @param before cursor: the `next` of the page before. */
  list(
    tenant: TenantId,
    limit: number,
    before?: string,
  ): Promise<{ readonly deletions: AccountDeletion[]; readonly next?: string }>;
  /** Those of these tenants that have some, or had until a moment ago. */
  pending(tenants: readonly TenantId[]): Promise<PendingWork[]>;
  /** The tenant has none any more, unless some are running or began after `mark` was read. */
  settle(pending: PendingWork): Promise<void>;
  /** Takes the one that waits longest, until `until` (ms). @returns undefined when there is none, or others were faster. */
  claim(tenant: TenantId, now: number, until: number): Promise<AccountDeletion | undefined>;
  /**
   * Stores progress and keeps the claim until `until`.
   * @param claimed end of the claim so far
   * @returns false when the claim was lost.
   */
  save(
    tenant: TenantId,
    userID: string,
    claimed: number,
    progress: DeletionProgress,
    until: number,
  ): Promise<boolean>;
}

function toDeletion({ _id, t, v, until, o, ...deletion }: DeletionDocument): AccountDeletion {
  return deletion;
}

/** The deletions of a store. */
export function accountDeletionRepo(store: Store): AccountDeletionRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, ACCOUNT_DELETIONS);
  const work = tenantWork(store, 'account_deletion_work');

  return guarded<AccountDeletionRepo>({
    async begin(tenant, deletion) {
      const { col, key } = collectionOf(tenant);
      const { userID, requested } = deletion;
      const _id = key(userID);
      const o = timeOrder(requested, userID);
      await insertNew(col, { _id, t: tenant, v: 1, ...deletion, until: 0, o });
      const doc = await col.findOne({ _id });
      if (doc?.state === 'running') await work.announce(tenant);
      return doc ? toDeletion(doc) : deletion;
    },
    async again(tenant, deletion) {
      const { col, key } = collectionOf(tenant);
      const { userID, ...fields } = deletion;
      const o = timeOrder(deletion.requested, userID);
      const filter = { _id: key(userID), state: 'done' as const };
      const { modifiedCount } = await col.updateOne(filter, { $set: { ...fields, until: 0, o } });
      if (modifiedCount === 0) return undefined;
      await work.announce(tenant);
      return deletion;
    },
    async get(tenant, userID) {
      const { col, key } = collectionOf(tenant);
      const doc = await col.findOne({ _id: key(userID) });
      return doc ? toDeletion(doc) : undefined;
    },
    async deleted(tenant, userIDs) {
      const { col, key } = collectionOf(tenant);
      const filter = { _id: { $in: userIDs.map((id) => key(id)) } };
      const docs = await col.find(filter, { projection: { userID: 1 } }).toArray();
      return docs.map(({ userID }) => userID);
    },
    async list(tenant, limit, before) {
      const { docs, ...more } = await newestFirst(collectionOf(tenant), limit, before);
      return { deletions: docs.map(toDeletion), ...more };
    },
    pending: (tenants) => work.pending(tenants),
    async settle(pending) {
      const { col, tenant } = collectionOf(pending.tenant);
      if (await col.findOne({ t: tenant, state: 'running' }, { projection: { _id: 1 } })) return;
      await work.settle(pending);
    },
    async claim(tenant, now, until) {
      const { col } = collectionOf(tenant);
      const due = { t: tenant, state: 'running' as const, until: { $lt: now } };
      const doc = await col.findOne(due, { sort: { until: 1 } });
      if (!doc) return undefined;
      const taken = await col.updateOne({ _id: doc._id, until: doc.until }, { $set: { until } });
      return taken.modifiedCount === 1 ? toDeletion(doc) : undefined;
    },
    async save(tenant, userID, claimed, progress, until) {
      const { col, key } = collectionOf(tenant);
      const filter = { _id: key(userID), until: claimed };
      return (await col.updateOne(filter, { $set: { ...progress, until } })).matchedCount === 1;
    },
  });
}
