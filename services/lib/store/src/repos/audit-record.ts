import type { TenantId } from '@im/contract';
import type { Filter } from 'mongodb';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { timeOrder } from './list-keys.ts';

/** How an act ended; `started` until it does. */
export type AuditOutcome = 'started' | 'done' | 'refused' | 'failed';

/** One act of an administrator. */
export interface AuditRecord {
  readonly id: string;
  /** ms. */
  readonly time: number;
  readonly admin: string;
  /** `<noun>.<verb>`. */
  readonly act: string;
  readonly targetKind: string;
  readonly targetID: string;
  readonly reason: string;
  /** What was asked, as JSON. */
  readonly details: string;
  readonly address: string;
  readonly operationID: string;
  readonly outcome: AuditOutcome;
  readonly errCode: number;
}

/** `_id` = tenant, id. */
interface AuditDocument extends TenantDocument, AuditRecord {
  v: 1;
  /** Time and id: the order of lists. */
  o: string;
}

/** Collection of administrators' acts; the auth domain adds to it, and cron removes what is old. */
export const AUDIT_RECORDS = defineCollection<AuditDocument>('audit_record', [
  { keys: { o: 1 } },
  { keys: { admin: 1, o: 1 } },
  { keys: { act: 1, o: 1 } },
  { keys: { targetKind: 1, targetID: 1, o: 1 } },
]);

/** Which records: at most one of `admin`, `act` and `target`, and a time from (inclusive) to (exclusive), ms. */
export interface AuditQuery {
  readonly admin?: string;
  readonly act?: string;
  readonly target?: { readonly kind: string; readonly id: string };
  readonly from?: number;
  readonly to?: number;
}

/** Records of administrators' acts. */
export interface AuditRepo {
  add(tenant: TenantId, record: AuditRecord): Promise<void>;
  /** How it ended. */
  setOutcome(tenant: TenantId, id: string, result: Pick<AuditRecord, 'outcome' | 'errCode'>): Promise<void>;
  /** Newest first. @param before cursor: the `next` of the page before. */
  list(
    tenant: TenantId,
    query: AuditQuery,
    limit: number,
    before?: string,
  ): Promise<{ readonly records: AuditRecord[]; readonly next?: string }>;
  /** Removes those made before a time, ms. @returns how many. */
  removeBefore(tenant: TenantId, time: number): Promise<number>;
}

/** The records of a store. */
export function auditRepo(store: Store): AuditRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, AUDIT_RECORDS);

  return guarded<AuditRepo>({
    async add(tenant, record) {
      const { col, key } = collectionOf(tenant);
      const o = timeOrder(record.time, record.id);
      await col.insertOne({ _id: key(record.id), t: tenant, v: 1, o, ...record });
    },
    async setOutcome(tenant, id, { outcome, errCode }) {
      const { col, key } = collectionOf(tenant);
      await col.updateOne({ _id: key(id) }, { $set: { outcome, errCode } });
    },
    async list(tenant, { admin, act, target, from, to }, limit, before) {
      const { col } = collectionOf(tenant);
      const end = [before, to !== undefined ? timeOrder(to) : undefined]
        .filter((o) => o !== undefined)
        .sort();
      const order = {
        ...(from !== undefined && { $gte: timeOrder(from) }),
        ...(end[0] !== undefined && { $lt: end[0] }),
      };
      const filter: Filter<AuditDocument> = {
        t: tenant,
        ...(admin !== undefined && { admin }),
        ...(act !== undefined && { act }),
        ...(target && { targetKind: target.kind, targetID: target.id }),
        ...(Object.keys(order).length > 0 && { o: order }),
      };
      const docs = await col.find(filter, { sort: { o: -1 }, limit: limit + 1 }).toArray();
      const page = docs.slice(0, limit);
      return {
        records: page.map(({ _id, t, v, o, ...record }) => record),
        ...(docs.length > limit && { next: page.at(-1)?.o }),
      };
    },
    async removeBefore(tenant, time) {
      const { col } = collectionOf(tenant);
      return (await col.deleteMany({ t: tenant, o: { $lt: timeOrder(time) } })).deletedCount;
    },
  });
}
