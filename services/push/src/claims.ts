import { Slots } from '@im/kit';
import type { Store } from '@im/store';
import { LRUCache } from 'lru-cache';

/**
 * Which devices were notified of which delivery, among all push processes: a delivery may come again, to any of them,
 * after a takeover of transfer, an outage, the death of the process that had it, or for the devices that a provider took not.
 */
export interface Claims {
  /** Whether the caller is to notify now; false when another process did, or is doing so. */
  take(key: string): Promise<boolean>;
  /** The device was notified, or never will be. */
  settle(key: string): Promise<void>;
  /** The device was not notified, and the delivery comes again. */
  giveBack(key: string): Promise<void>;
  /** True for the first call with this key, on any process; false while Redis is away. */
  first(key: string): Promise<boolean>;
}

/** Shorter than the time after which a batch without an answer comes again, so that it is free by then. */
const CLAIM_MS = 25_000;
/** Longer than deliveries are kept. */
const SETTLED_MS = 15 * 60_000;
/** Devices that a process remembers by itself, for when Redis is away. */
const REMEMBERED = 100_000;

/**
 * Commands that wait for Redis at once. A message that mentions all of a large group brings thousands: neither Redis nor the
 * other roles of the process stand still for them.
 */
const IN_FLIGHT = 32;

/** Claims in Redis; while it is away each process knows its own. */
export function sharedClaims(redis: Store['redis']): Claims {
  const slots = new Slots(IN_FLIGHT);
  const orElse: Store['redis']['orElse'] = (use, otherwise) => slots.use(() => redis.orElse(use, otherwise));
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
      orElse(
        async (client) => {
          const answer = await client.set(key, 'claimed', 'PX', CLAIM_MS, 'NX');
          // What was settled while Redis was away is known here alone. A claim of another process is not remembered: that
          // one may die with it.
          return answer === 'OK' && takeOwn(key);
        },
        () => takeOwn(key),
      ),
    settle: (key) =>
      orElse(
        async (client) => {
          await client.set(key, 'settled', 'PX', SETTLED_MS);
        },
        () => {},
      ),
    async giveBack(key) {
      own?.delete(key);
      await orElse(
        async (client) => {
          await client.del(key);
        },
        () => {},
      );
    },
    first: (key) =>
      orElse(
        async (client) => (await client.set(key, 'settled', 'PX', SETTLED_MS, 'NX')) === 'OK',
        () => false,
      ),
  };
}
