import type { TenantId } from '@im/contract';
import { randomId } from '@im/kit';
import { retryDuplicate } from '../errors.ts';
import type { Store } from '../store.ts';
import { IDS_PER_QUERY } from './by-id.ts';

/** A tenant with work to go on with. */
export interface PendingWork {
  readonly tenant: TenantId;
  /** Changes with each piece of work that begins. */
  readonly mark: string;
}

/** Which tenants have work of one kind: kept once for the cluster, so that processes need not ask each tenant again and again. */
export interface TenantWork {
  /** The tenant has some. To be called after it was stored: who finds none looks at the mark again. */
  announce(tenant: TenantId): Promise<void>;
  /** Those of these tenants that have some, or had until a moment ago. */
  pending(tenants: readonly TenantId[]): Promise<PendingWork[]>;
  /** The tenant has none any more, unless some began after `mark` was read. */
  settle(pending: PendingWork): Promise<void>;
}

interface WorkDocument {
  _id: TenantId;
  mark: string;
}

/** @param name of the collection; also in `tenant-data.ts`, so that it goes with the tenant. */
export function tenantWork(store: Store, name: string): TenantWork {
  const work = () => store.shared<WorkDocument>(name);
  return {
    async announce(tenant) {
      await retryDuplicate(() =>
        work().updateOne({ _id: tenant }, { $set: { mark: randomId() } }, { upsert: true }),
      );
    },
    async pending(tenants) {
      const found: PendingWork[] = [];
      for (let begin = 0; begin < tenants.length; begin += IDS_PER_QUERY) {
        const ids = tenants.slice(begin, begin + IDS_PER_QUERY);
        const docs = await work()
          .find({ _id: { $in: ids } })
          .toArray();
        found.push(...docs.map(({ _id, mark }) => ({ tenant: _id, mark })));
      }
      return found;
    },
    async settle({ tenant, mark }) {
      await work().deleteOne({ _id: tenant, mark });
    },
  };
}
