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

/** Records that one list looks at where several filters narrow each other, and in one read. */
const MOST_EXAMINED = 10_000;
const EXAMINED_AT_ONCE = 1_000;

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

/** Which records: those that all of these match, and a time from (inclusive) to (exclusive), ms. */
export interface AuditQuery {
  readonly admin?: string;
  readonly act?: string;
  readonly target?: { readonly kind: string; readonly id: string };
  readonly outcome?: AuditOutcome;
  readonly from?: number;
  readonly to?: number;
}

/** Records of administrators' acts. */
export interface AuditRepo {
  add(tenant: TenantId, record: AuditRecord): Promise<void>;
  /** How it ended. */
  setOutcome(tenant: TenantId, id: string, result: Pick<AuditRecord, 'outcome' | 'errCode'>): Promise<void>;
  /**
   * Newest first. A page may have fewer records than `limit`, or none, and a `next`: it ends after looking at 10,000.
   * @param before cursor: the `next` of the page before.
   */
  list(
    tenant: TenantId,
    query: AuditQuery,
    limit: number,
    before?: string,
  ): Promise<{ readonly records: AuditRecord[]; readonly next?: string }>;
  /** Removes those made before a time, ms. @returns how many. */
  removeBefore(tenant: TenantId, time: number): Promise<number>;
}

/** Whether a query has more filters than the one that an index serves. */
function isNarrowed({ admin, act, target, outcome }: AuditQuery): boolean {
  return [admin, act, target].filter((one) => one !== undefined).length > 1 || outcome !== undefined;
}

function matches({ admin, act, outcome }: AuditQuery, record: AuditRecord): boolean {
  return (
    (admin === undefined || record.admin === admin) &&
    (act === undefined || record.act === act) &&
    (outcome === undefined || record.outcome === outcome)
  );
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
    async list(tenant, query, limit, before) {
      const { col } = collectionOf(tenant);
      const { admin, act, target, from, to } = query;
      const own: Filter<AuditDocument> = target
        ? { targetKind: target.kind, targetID: target.id }
        : act !== undefined
          ? { act }
          : admin !== undefined
            ? { admin }
            : {};
      const since = from === undefined ? undefined : timeOrder(from);
      let until = [before, to === undefined ? undefined : timeOrder(to)]
        .filter((o) => o !== undefined)
        .sort()[0];
      const records: AuditRecord[] = [];
      for (let examined = 0; ; ) {
        const order = {
          ...(since !== undefined && { $gte: since }),
          ...(until !== undefined && { $lt: until }),
        };
        const filter = { t: tenant, ...own, ...(Object.keys(order).length > 0 && { o: order }) };
        const most = isNarrowed(query) ? EXAMINED_AT_ONCE : limit - records.length;
        const docs = await col.find(filter, { sort: { o: -1 }, limit: most + 1 }).toArray();
        const batch = docs.slice(0, most);
        for (const { _id, t, v, o, ...record } of batch) {
          until = o;
          if (matches(query, record)) records.push(record);
          if (records.length === limit) break;
        }
        examined += batch.length;
        const isEnd = docs.length <= most && until === (batch.at(-1)?.o ?? until);
        if (isEnd) return { records };
        if (records.length === limit || examined >= MOST_EXAMINED) return { records, next: until };
      }
    },
    async removeBefore(tenant, time) {
      const { col } = collectionOf(tenant);
      return (await col.deleteMany({ t: tenant, o: { $lt: timeOrder(time) } })).deletedCount;
    },
  });
}
