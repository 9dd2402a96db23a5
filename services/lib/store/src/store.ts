import type { TenantId } from '@im/contract';
import type { CacheOptions, Calendar, Metrics } from '@im/kit';
import type { Service } from '@im/process';
import type { Collection, Document } from 'mongodb';
import type { EntityCache } from './cached.ts';
import type { CollectionSpec, TenantCollection, TenantDocument } from './collection.ts';
import type { GroupCommit } from './group-commit.ts';
import type { IndexBuilds } from './index-builds.ts';
import type { Placements } from './placement.ts';
import type { RedisCopies } from './redis.ts';

/** Truth in MongoDB, copies in Redis and in this process, all by tenant. */
export interface Store extends Service {
  /**
   * A collection as the tenant sees it, in the tenant's own database or the shared one.
   * @throws ImError 90004 when this process does not know the tenant (yet) or was never connected.
   */
  collection<T extends TenantDocument>(tenant: TenantId, spec: CollectionSpec<T>): TenantCollection<T>;
  /**
   * What `work` finds in a collection of the tenant: for what reads much and may be asked by any user. Few run
   * at once, on separate connections.
   * @throws ImError 429 when too many of the tenant wait, 90002 when it took longer than it may, and as {@link collection}.
   */
  search<T extends TenantDocument, R>(
    tenant: TenantId,
    spec: CollectionSpec<T>,
    work: (collection: TenantCollection<T>) => Promise<R>,
  ): Promise<R>;
  /** A collection of the cluster itself, in the shared database: nothing of a tenant belongs there. */
  shared<T extends Document>(name: string): Collection<T>;
  /** Drops the database of a tenant with placement Dedicated, if there is one. @throws RangeError for a shared one. */
  dropDatabaseOf(tenant: TenantId): Promise<void>;
  /** Where the documents of tenants are, also of those that were removed. */
  readonly placements: Pick<Placements, 'get' | 'remember'>;
  /** Writers of many documents with one commit, where the server can. */
  readonly groupCommit: GroupCommit;
  /** Builds indexes of large collections. */
  readonly indexBuilds: Pick<IndexBuilds, 'build' | 'progress'>;
  readonly redis: RedisCopies;
  /** Redis key; user input in `parts` appears only hashed. */
  redisKey(tenant: TenantId, kind: string, ...parts: readonly string[]): string;
  /** The days of a tenant's statistics, by its time zone. */
  calendarOf(tenant: TenantId): Calendar;
  /** Where repositories count what they do. */
  readonly metrics: Metrics;
  /** The process's cache of this name, shared by all who ask for it. */
  cached<V extends {}>(options: Omit<CacheOptions, 'metrics'>): EntityCache<V>;
}
