import type { Store } from '@im/store';
import { LRUCache } from 'lru-cache';

/**
 * Which deliveries were judged, among all push processes: a delivery may come again, to any of them,
 * after a takeover of transfer, an outage, or the death of who had it.
 */
export interface Claims {
  /** For each key whether it is the caller's to judge now; false when it was judged, or somebody is at it. */
  take(keys: readonly string[]): Promise<boolean[]>;
  /** These were judged. */
  settle(keys: readonly string[]): Promise<void>;
  /** These were not, and will come again. */
  giveBack(keys: readonly string[]): Promise<void>;
}

/** Shorter than the time after which a batch without an answer comes again, so that it is free by then. */
const CLAIM_MS = 25_000;
/** Longer than deliveries are kept. */
const JUDGED_MS = 15 * 60_000;
/** Deliveries that a process remembers by itself, for when Redis is away. */
const REMEMBERED = 100_000;

/** Claims in Redis; while it is away each process knows its own. */
export function sharedClaims(redis: Store['redis']): Claims {
  const own = new LRUCache<string, true>({ max: REMEMBERED });
  const takeOwn = (key: string) => {
    if (own.has(key)) return false;
    own.set(key, true);
    return true;
  };
  return {
    take: (keys) =>
      redis.orElse(
        async (client) => {
          const set = (key: string) => client.set(key, 'claimed', 'PX', CLAIM_MS, 'NX');
          const answers = await Promise.all(keys.map(set));
          // What was judged while Redis was away is known here alone.
          return answers.map((answer, i) => takeOwn(keys[i] ?? '') && answer === 'OK');
        },
        () => keys.map(takeOwn),
      ),
    settle: (keys) =>
      redis.orElse(
        async (client) => {
          await Promise.all(keys.map((key) => client.set(key, 'judged', 'PX', JUDGED_MS)));
        },
        () => {},
      ),
    async giveBack(keys) {
      for (const key of keys) own.delete(key);
      await redis.orElse(
        async (client) => {
          await Promise.all(keys.map((key) => client.del(key)));
        },
        () => {},
      );
    },
  };
}
