import type { Store } from '@im/store';
import { LRUCache } from 'lru-cache';

/**
 * Which deliveries sent a notification, among all push processes: a delivery may come again, to any of them,
 * after a takeover of transfer, an outage, or the death of who had it.
 */
export interface Claims {
  /** Whether this delivery is the caller's to notify about now; false when another process did, or is doing so. */
  take(key: string): Promise<boolean>;
  /** It was notified about. */
  settle(key: string): Promise<void>;
  /** It was not, and will come again. */
  giveBack(key: string): Promise<void>;
}

/** Shorter than the time after which a batch without an answer comes again, so that it is free by then. */
const CLAIM_MS = 25_000;
/** Longer than deliveries are kept. */
const SETTLED_MS = 15 * 60_000;
/** Deliveries that a process remembers by itself, for when Redis is away. */
const REMEMBERED = 100_000;

/** Claims in Redis; while it is away each process knows its own. */
export function sharedClaims(redis: Store['redis']): Claims {
  // Made for the first delivery: it takes room for all that it may hold.
  let own: LRUCache<string, true> | undefined;
  const takeOwn = (key: string) => {
    own ??= new LRUCache({ max: REMEMBERED });
    if (own.has(key)) return false;
    own.set(key, true);
    return true;
  };
  return {
    take: (key) =>
      redis.orElse(
        async (client) => {
          const answer = await client.set(key, 'claimed', 'PX', CLAIM_MS, 'NX');
          // What was settled while Redis was away is known here alone.
          return takeOwn(key) && answer === 'OK';
        },
        () => takeOwn(key),
      ),
    settle: (key) =>
      redis.orElse(
        async (client) => {
          await client.set(key, 'settled', 'PX', SETTLED_MS);
        },
        () => {},
      ),
    async giveBack(key) {
      own?.delete(key);
      await redis.orElse(
        async (client) => {
          await client.del(key);
        },
        () => {},
      );
    },
  };
}
