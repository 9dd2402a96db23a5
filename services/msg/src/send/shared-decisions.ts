import type { TenantId } from '@im/contract';
import type { Store } from '@im/store';

/** Decisions that all processes share for a while. While Redis is away, each is made again where it is needed. */
export interface SharedDecisions<T> {
  find(tenant: TenantId, id: string): Promise<T | undefined>;
  /** Keeps a decision. @returns the one that counts: another process may have been faster. */
  keep(tenant: TenantId, id: string, decision: T): Promise<T>;
}

/**
 * Decisions in the store's Redis, as JSON.
 * @param kind names what they decide; part of their keys.
 * @param lifeMs how long one is kept.
 */
export function sharedDecisions<T>(
  { redis, redisKey }: Pick<Store, 'redis' | 'redisKey'>,
  kind: string,
  lifeMs: (decision: T) => number,
): SharedDecisions<T> {
  const read = (text: string | null) => (text === null ? undefined : (JSON.parse(text) as T));
  return {
    find: (tenant, id) =>
      redis.orElse(
        async (client) => read(await client.get(redisKey(tenant, kind, id))),
        () => undefined,
      ),
    keep: (tenant, id, decision) =>
      redis.orElse(
        async (client) => {
          const name = redisKey(tenant, kind, id);
          const first = await client.set(name, JSON.stringify(decision), 'PX', lifeMs(decision), 'NX');
          return first === 'OK' ? decision : (read(await client.get(name)) ?? decision);
        },
        () => decision,
      ),
  };
}
