import type { TenantId } from '@im/contract';
import { retry } from '@im/kit';
import { acceptLoss, type TaskRunner } from '@im/process';
import type { LiveToken, RedisClient, Store, TokenSet } from '@im/store';

/** Copies of token sets in Redis, so that verifying costs no database. */
export interface TokenCopies {
  /** The copy; undefined when there is none or Redis is unavailable. */
  get(tenant: TenantId, userID: string, platformID: number): Promise<TokenSet | undefined>;
  /** Replaces an older copy. While Redis is unavailable it retries for as long as an old copy could live. */
  put(tenant: TenantId, set: TokenSet): Promise<void>;
}

/** Life of a copy, and so the longest time that a lost update can be seen. */
const LIFE_MS = 60_000;

/** Writes a copy unless there is a newer one. A value is `<rev>:<JSON of the live tokens>`. */
const PUT = `
local current = redis.call('GET', KEYS[1])
if current and tonumber(string.match(current, '^%d+')) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[3])
return 1`;

/** Copies in the store's Redis. */
export function tokenCopies(store: Store, tasks: TaskRunner): TokenCopies {
  const { redis } = store;
  const keyOf = (tenant: TenantId, userID: string, platformID: number) =>
    store.redisKey(tenant, 'token', userID, String(platformID));

  return {
    get: (tenant, userID, platformID) =>
      redis.orElse(
        async (client) => {
          const value = await client.get(keyOf(tenant, userID, platformID));
          return value === null ? undefined : read(userID, platformID, value);
        },
        () => undefined,
      ),
    async put(tenant, set) {
      const key = keyOf(tenant, set.userID, set.platformID);
      const write = (client: RedisClient) =>
        client.eval(PUT, 1, key, String(set.rev), JSON.stringify(set.live), String(LIFE_MS));
      await redis.orElse(write, () => {
        tasks.spawn(
          'token-copy',
          async (signal) => {
            await retry(() => write(redis.client), { deadline: Date.now() + LIFE_MS, signal });
            // The database is the truth: a copy that stays old is found by its revision.
          },
          { onRefused: acceptLoss },
        );
        return undefined;
      });
    },
  };
}

function read(userID: string, platformID: number, value: string): TokenSet {
  const cut = value.indexOf(':');
  const live = JSON.parse(value.slice(cut + 1)) as LiveToken[];
  return { userID, platformID, rev: Number(value.slice(0, cut)), live, kicked: [] };
}
