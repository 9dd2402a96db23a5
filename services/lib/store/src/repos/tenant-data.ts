import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { Cluster } from 'ioredis';
import type { Filter } from 'mongodb';
import { COLLECTIONS } from '../collections.ts';
import { guarded } from '../errors.ts';
import type { Placement } from '../placement.ts';
import type { Store } from '../store.ts';

/** Everything that is stored of a tenant. */
export interface TenantDataRepo {
  /** Removes some thousands of the tenant's documents. @returns how many: 0 when none is left. */
  removeDocuments(tenant: TenantId, placement: Placement): Promise<number>;
  /** Removes all keys of the tenant. @returns how many. */
  removeKeys(tenant: TenantId, signal: AbortSignal): Promise<number>;
  /** Whether a scan of all collections and keys finds something. */
  isLeft(tenant: TenantId, placement: Placement, signal: AbortSignal): Promise<boolean>;
}

const BATCH = 2_000;
const SCANNED = 1_000;
const AFTER_SEPARATOR = ' ';

interface AnyDocument {
  _id: string;
}

/** Collections of the cluster with documents that name a tenant, and how they do. */
const IN_SHARED: Readonly<Record<string, (tenant: TenantId) => Filter<AnyDocument>>> = {
  parked_unit: (tenant) => ({ tenant }),
  parked_record: (tenant) => ({ tenant }),
  dead_letter: (tenant) => ({ tenant }),
  webhook_endpoint: (tenant) => ({ _id: tenant }),
  console_login: (tenant) => ({ 'grants.tenant': tenant }),
  console_session: (tenant) => ({ 'grants.tenant': tenant }),
  account_deletion_work: (tenant) => ({ _id: tenant }),
  broadcast_work: (tenant) => ({ _id: tenant }),
  cron_run: byTenant,
  cron_request: byTenant,
};

/** `_id` = job, tenant. */
function byTenant(tenant: TenantId): Filter<AnyDocument> {
  return { _id: { $regex: `${KEY_SEPARATOR}${tenant}$` } };
}

/** The stored data of tenants. */
export function tenantDataRepo(store: Store): TenantDataRepo {
  /** Every collection that may have documents of the tenant, with a filter for them. */
  function* places(tenant: TenantId, placement: Placement) {
    // The directory does not name it any more.
    store.placements.remember(tenant, placement);
    for (const spec of COLLECTIONS) {
      const { col } = store.collection(tenant, spec);
      yield { col, filter: { _id: { $gte: tenant, $lt: tenant + AFTER_SEPARATOR } } as Filter<AnyDocument> };
    }
    for (const [name, filterOf] of Object.entries(IN_SHARED)) {
      yield { col: store.shared<AnyDocument>(name), filter: filterOf(tenant) };
    }
  }

  async function* keysOf(tenant: TenantId, signal: AbortSignal): AsyncGenerator<readonly string[]> {
    const { client } = store.redis;
    // A name has none of the characters of patterns.
    const pattern = `im:${tenant}:*`;
    for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
      let cursor = '0';
      do {
        signal.throwIfAborted();
        const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED);
        cursor = next;
        if (keys.length > 0) yield keys;
      } while (cursor !== '0');
    }
  }

  return guarded<TenantDataRepo>({
    async removeDocuments(tenant, placement) {
      for (const { col, filter } of places(tenant, placement)) {
        const found = await col.find(filter, { projection: { _id: 1 }, limit: BATCH }).toArray();
        if (found.length === 0) continue;
        await col.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } });
        return found.length;
      }
      if (placement === 'Dedicated') await store.dropDatabaseOf(tenant);
      return 0;
    },
    async removeKeys(tenant, signal) {
      let removed = 0;
      for await (const keys of keysOf(tenant, signal)) {
        // In a cluster, a command must name keys of one slot.
        await Promise.all(keys.map((key) => store.redis.client.unlink(key)));
        removed += keys.length;
      }
      return removed;
    },
    async isLeft(tenant, placement, signal) {
      for (const { col, filter } of places(tenant, placement)) {
        signal.throwIfAborted();
        if ((await col.findOne(filter, { projection: { _id: 1 } })) !== null) return true;
      }
      for await (const keys of keysOf(tenant, signal)) if (keys.length > 0) return true;
      return false;
    },
  });
}
