import type { TenantId } from '@im/contract';
import {
  type Cache,
  type CacheOptions,
  createCache,
  type Invalidations,
  KEY_SEPARATOR,
  type Metrics,
  sharedWork,
} from '@im/kit';

/**
 * Process-wide copies of entities of one kind, by tenant and id. A copy lives until its time limit,
 * until some process invalidates the id, or until invalidations may have been missed. `undefined`
 * stands for "there is none".
 */
export interface EntityCache<V> {
  get(tenant: TenantId, id: string, load: () => Promise<V | undefined>): Promise<V | undefined>;
  /** The copies, and for all ids without one what `load` finds in one go; ids that do not exist are left out. */
  getMany(
    tenant: TenantId,
    ids: readonly string[],
    load: (missing: readonly string[]) => Promise<ReadonlyMap<string, V>>,
  ): Promise<Map<string, V>>;
  /** Without loading, for paths that must not wait. */
  peek(tenant: TenantId, id: string): { readonly known: boolean; readonly value: V | undefined };
  /** Call after the write: makes every process, this one first, forget these ids. */
  invalidate(tenant: TenantId, ids: readonly string[]): Promise<void>;
}

/** The caches of a process, each known to invalidations by its name. */
export interface EntityCaches {
  /** The cache of this name; the same one for every caller. */
  cached<V extends {}>(options: Omit<CacheOptions, 'metrics'>): EntityCache<V>;
  close(): void;
}

/** Caches that follow `invalidations`; their keys there are `<cache name> US <id>`. */
export function entityCaches(invalidations: Invalidations, metrics: Metrics): EntityCaches {
  const caches = new Map<string, { cache: Cache<{}>; entity: EntityCache<{}> }>();

  function forget(tenant: TenantId, key: string): void {
    const cut = key.indexOf(KEY_SEPARATOR);
    if (cut < 0) return;
    caches.get(key.slice(0, cut))?.cache.invalidate(tenant + key.slice(cut));
  }
  const unsubscribe = invalidations.subscribe({
    onKeys(tenant, keys) {
      for (const key of keys) forget(tenant, key);
    },
    onMissed() {
      for (const { cache } of caches.values()) cache.clear();
    },
  });

  return {
    cached<V extends {}>(options: Omit<CacheOptions, 'metrics'>): EntityCache<V> {
      let known = caches.get(options.name);
      if (!known) {
        const cache = createCache<{}>({ ...options, metrics });
        known = { cache, entity: entityCache(options.name, cache, invalidations) };
        caches.set(options.name, known);
      }
      return known.entity as EntityCache<V>;
    },
    close: unsubscribe,
  };
}

function entityCache<V extends {}>(
  name: string,
  cache: Cache<V>,
  invalidations: Invalidations,
): EntityCache<V> {
  const keyOf = (tenant: TenantId, id: string) => tenant + KEY_SEPARATOR + id;
  return {
    get: (tenant, id, load) => cache.get(keyOf(tenant, id), load),
    peek: (tenant, id) => cache.peek(keyOf(tenant, id)),
    async getMany(tenant, ids, load) {
      const found = new Map<string, V>();
      const missing: string[] = [];
      for (const id of new Set(ids)) {
        const { known, value } = cache.peek(keyOf(tenant, id));
        if (!known) missing.push(id);
        else if (value !== undefined) found.set(id, value);
      }
      if (missing.length === 0) return found;
      const loaded = sharedWork(() => load(missing));
      await Promise.all(
        missing.map(async (id) => {
          // Each through the cache, so that an invalidation meanwhile keeps the copy out.
          const value = await cache.get(keyOf(tenant, id), async () => (await loaded).get(id));
          if (value !== undefined) found.set(id, value);
        }),
      );
      return found;
    },
    async invalidate(tenant, ids) {
      if (ids.length === 0) return;
      for (const id of ids) cache.invalidate(keyOf(tenant, id));
      await invalidations.publish(
        tenant,
        ids.map((id) => name + KEY_SEPARATOR + id),
      );
    },
  };
}
