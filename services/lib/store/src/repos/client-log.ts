import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { escapeRegExp } from './list-keys.ts';

/** A log file that a client uploaded. `_id` = tenant, logID. */
interface ClientLogDocument extends TenantDocument {
  v: 1;
  logID: string;
  userID: string;
  /** Platform name. */
  platform: string;
  url: string;
  filename: string;
  /** The SDK's framework. */
  systemType: string;
  version: string;
  ex: string;
  createTime: number;
}

/** Collection of client logs; the third domain adds to it, and cron removes what is old. */
export const CLIENT_LOGS = defineCollection<ClientLogDocument>('client_log', [
  { keys: { createTime: 1 } },
  { keys: { userID: 1, createTime: 1 } },
]);

/** One uploaded log. */
export type ClientLog = Omit<ClientLogDocument, '_id' | 't' | 'v'>;

/** Which logs to list: those made in [from, to] (ms). */
export interface ClientLogQuery {
  /** What the user's id contains, `^` and `$` at its ends and `.*` as in a regular expression; empty for all users. */
  readonly keyword: string;
  readonly from: number;
  readonly to: number;
}

/** Uploaded client logs. */
export interface ClientLogRepo {
  add(tenant: TenantId, logs: readonly ClientLog[]): Promise<void>;
  /** Newest first. */
  find(
    tenant: TenantId,
    query: ClientLogQuery,
    skip: number,
    limit: number,
  ): Promise<{ total: number; logs: ClientLog[] }>;
  /** How many of these exist. */
  count(tenant: TenantId, logIDs: readonly string[]): Promise<number>;
  remove(tenant: TenantId, logIDs: readonly string[]): Promise<void>;
  /** Removes those of a user. @returns how many. */
  removeOf(tenant: TenantId, userID: string): Promise<number>;
  /** Removes those made before a time, ms. @returns how many. */
  removeBefore(tenant: TenantId, time: number): Promise<number>;
}

/**
 * A condition on user ids, case-sensitive. OpenIM takes any regular expression; here all but its anchors and `.*` stands
 * for itself, so that no expression can keep the database busy.
 */
function userIDWith(keyword: string): string | { $regex: string } {
  const [, start, middle = '', end] = /^(\^?)(.*?)(\$?)$/s.exec(keyword) ?? [];
  const parts = middle.split('.*');
  if (start !== '' && end !== '' && parts.length === 1) return middle;
  return { $regex: `${start}${parts.map(escapeRegExp).join('.*')}${end}` };
}

/** A search ends here. */
const SEARCH_MS = 5_000;

/** The client logs of a store. */
export function clientLogRepo(store: Store): ClientLogRepo {
  const collectionOf = (tenant: TenantId) => store.collection(tenant, CLIENT_LOGS);
  const ids = (tenant: TenantId, logIDs: readonly string[]) => ({
    $in: logIDs.map((id) => collectionOf(tenant).key(id)),
  });

  return guarded<ClientLogRepo>({
    async add(tenant, logs) {
      const docs = logs.map((log) => ({
        ...log,
        _id: collectionOf(tenant).key(log.logID),
        t: tenant,
        v: 1 as const,
      }));
      await collectionOf(tenant).col.insertMany(docs, { ordered: false });
    },
    find(tenant, { keyword, from, to }, skip, limit) {
      const time = { createTime: { $gte: from, $lt: to + 1 } };
      const filter =
        keyword === '' ? { t: tenant, ...time } : { t: tenant, userID: userIDWith(keyword), ...time };
      return store.search(tenant, CLIENT_LOGS, async ({ col }) => {
        const total = await col.countDocuments(filter, { maxTimeMS: SEARCH_MS });
        if (limit === 0) return { total, logs: [] };
        const docs = await col
          .find(filter, { sort: { createTime: -1 }, skip, limit, maxTimeMS: SEARCH_MS })
          .toArray();
        return { total, logs: docs.map(({ _id, t, v, ...log }) => log) };
      });
    },
    async count(tenant, logIDs) {
      return collectionOf(tenant).col.countDocuments({ _id: ids(tenant, logIDs) });
    },
    async remove(tenant, logIDs) {
      await collectionOf(tenant).col.deleteMany({ _id: ids(tenant, logIDs) });
    },
    async removeOf(tenant, userID) {
      return (await collectionOf(tenant).col.deleteMany({ t: tenant, userID })).deletedCount;
    },
    async removeBefore(tenant, time) {
      const { deletedCount } = await collectionOf(tenant).col.deleteMany({
        t: tenant,
        createTime: { $lt: time },
      });
      return deletedCount;
    },
  });
}
