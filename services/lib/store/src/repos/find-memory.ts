import type { TenantId } from '@im/contract';
import { FIND_START, type FindProgress } from './msg-find.ts';

/** How long a search that was cut can be gone on with, ms. */
const KEPT_MS = 120_000;
/** Searches that are kept; of more, those that were not asked for the longest go. */
const MAX_KEPT = 20;
/** Most searches of one tenant that are remembered. */
const MAX_OF_TENANT = 4;

interface Kept {
  readonly tenant: TenantId;
  readonly progress: FindProgress;
  /** How many of the first hits it has. */
  readonly keep: number;
  readonly until: number;
}

/** Remembers in this process how far searches came that were cut, so that the same search goes on there. */
export interface FindMemory {
  /** Where to go on; the beginning when nothing is known, or less is kept than is asked for. */
  progressOf(tenant: TenantId, name: string, keep: number): FindProgress;
  remember(tenant: TenantId, name: string, progress: FindProgress, keep: number): void;
}

/** @param now clock, ms; for tests. */
export function findMemory(now: () => number = Date.now): FindMemory {
  /** The one asked for last is last. */
  const kept = new Map<string, Kept>();
  const keyOf = (tenant: TenantId, name: string) => `${tenant}/${name}`;
  return {
    progressOf(tenant, name, keep) {
      const known = kept.get(keyOf(tenant, name));
      if (!known || known.until <= now()) return FIND_START;
      return known.keep >= keep || known.progress.total <= known.keep ? known.progress : FIND_START;
    },
    remember(tenant, name, progress, keep) {
      const key = keyOf(tenant, name);
      kept.delete(key);
      const own: string[] = [];
      for (const [other, { until, tenant: of }] of kept) {
        if (until <= now()) kept.delete(other);
        else if (of === tenant) own.push(other);
      }
      kept.set(key, { tenant, progress, keep, until: now() + KEPT_MS });
      own.push(key);
      for (const other of own.slice(0, Math.max(0, own.length - MAX_OF_TENANT))) kept.delete(other);
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    },
  };
}
