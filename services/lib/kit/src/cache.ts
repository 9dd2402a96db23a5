import { LRUCache } from 'lru-cache';
import { sharedWork } from './call-scope.ts';
import type { Metrics } from './metrics.ts';

/** Options of {@link createCache}. */
export interface CacheOptions {
  /** Low-cardinality name, the label of its metrics. */
  readonly name: string;
  /** Most entries held. */
  readonly max: number;
  /** How long an entry is served, in ms. */
  readonly ttlMs: number;
  /** How long "there is none" is served, in ms; 0, the default, never. */
  readonly negativeTtlMs?: number;
  /**
   * Loads have a separate deadline at the stores, for all who wait. False for loads that ask no store: those
   * run as part of the call that started them, at less cost. @default true
   */
  readonly asksStores?: boolean;
  readonly metrics?: Metrics;
}

/**
 * A copy of something that lives elsewhere, bounded in size and age. `undefined` means "there is
 * none". Concurrent loads of a key are one load, and a load that was started before an invalidation
 * is returned to those who waited for it but not kept.
 */
export interface Cache<V> {
  /** The cached value, else what `load` finds. A failing load is not cached and rejects for all who wait. */
  get(key: string, load: (key: string) => Promise<V | undefined>): Promise<V | undefined>;
  /** The cached value without loading; `known` distinguishes "there is none" from "not cached". */
  peek(key: string): { readonly known: boolean; readonly value: V | undefined };
  set(key: string, value: V | undefined): void;
  invalidate(key: string): void;
  /** Forgets everything, loads under way included. */
  clear(): void;
  readonly size: number;
}

/** By how much an entry may outlive its time. */
const MAX_RESOLUTION_MS = 200;

/** Stands for "there is none" inside the LRU, which cannot hold undefined. */
const NONE = Symbol('none');

interface Load<V> {
  readonly result: Promise<V | undefined>;
  stale: boolean;
}

/** A cache with the given bounds. */
export function createCache<V extends {}>(options: CacheOptions): Cache<V> {
  const { negativeTtlMs = 0, asksStores = true } = options;
  let entries: LRUCache<string, V | typeof NONE> | undefined;
  const loads = new Map<string, Load<V>>();
  const label = { cache: options.name };
  const lookups = options.metrics?.counter('openim_cache_lookups_total', 'Cache lookups by result', [
    'cache',
    'result',
  ]);
  const hits = lookups?.labels({ ...label, result: 'hit' });
  const misses = lookups?.labels({ ...label, result: 'miss' });

  /** Made for the first entry: it takes room for all that it may hold, and most caches of a process stay empty. */
  function made(): LRUCache<string, V | typeof NONE> {
    entries ??= new LRUCache<string, V | typeof NONE>({
      max: options.max,
      ttl: options.ttlMs,
      // It keeps the time by a timer of this length: with the usual 1 ms each lookup would wake the process again.
      ttlResolution: Math.min(
        MAX_RESOLUTION_MS,
        Math.ceil(Math.min(options.ttlMs, negativeTtlMs || Infinity) / 10),
      ),
    });
    return entries;
  }

  function keep(key: string, value: V | undefined): void {
    if (value !== undefined) made().set(key, value);
    else if (negativeTtlMs > 0) made().set(key, NONE, { ttl: negativeTtlMs });
    else entries?.delete(key);
  }

  /** From now on, what a running load of this key finds is not kept. */
  function disown(key: string): void {
    const load = loads.get(key);
    if (!load) return;
    load.stale = true;
    loads.delete(key);
  }

  async function loadOnce(
    key: string,
    load: (key: string) => Promise<V | undefined>,
  ): Promise<V | undefined> {
    const running = loads.get(key);
    if (running) return running.result;
    const result = asksStores ? sharedWork(() => load(key)) : load(key);
    const entry: Load<V> = { result, stale: false };
    loads.set(key, entry);
    try {
      const value = await entry.result;
      if (!entry.stale) keep(key, value);
      return value;
    } finally {
      if (loads.get(key) === entry) loads.delete(key);
    }
  }

  return {
    async get(key, load) {
      const cached = entries?.get(key);
      if (cached !== undefined) {
        hits?.inc();
        return cached === NONE ? undefined : cached;
      }
      misses?.inc();
      return loadOnce(key, load);
    },
    peek(key) {
      const cached = entries?.get(key);
      if (cached === undefined) return { known: false, value: undefined };
      return { known: true, value: cached === NONE ? undefined : cached };
    },
    set(key, value) {
      disown(key);
      keep(key, value);
    },
    invalidate(key) {
      disown(key);
      entries?.delete(key);
    },
    clear() {
      for (const key of [...loads.keys()]) disown(key);
      entries?.clear();
    },
    get size() {
      return entries?.size ?? 0;
    },
  };
}
