import type { TenantId } from '@im/contract';
import { eachLimited, KEY_SEPARATOR, randomId, systemContext, type TenantDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import { PLATFORM_NAMES } from '@im/protocol';
import type { RedisClient, Store } from '@im/store';
import type { Webhooks } from '@im/webhooks';

/** A user whose platform came online, or has no connection any more. */
export interface PlatformChange {
  readonly userID: string;
  readonly platformID: number;
  readonly online: boolean;
  /** The connection that opened, or the last one that ended. */
  readonly connID: string;
  readonly isBackground: boolean;
}

/**
 * The events afterUserOnline and afterUserOffline of all processes. A platform that is back before the presence limit has
 * passed was not away: gateways that are drained, or fail, move connections without an event.
 */
export interface PresenceEvents {
  /** Whether the tenant has one of the events on. */
  wanted(tenant: TenantId): boolean;
  /** Notes changes of one user, once in the whole cluster. Never rejects. */
  note(client: RedisClient, tenant: TenantId, changes: readonly PlatformChange[]): Promise<void>;
  /** Hands over what is due, of all tenants. Any number of processes may do so. Never rejects. */
  round(client: RedisClient, signal: AbortSignal): Promise<void>;
}

export interface PresenceEventsDeps {
  readonly webhooks: Pick<Webhooks, 'enabled' | 'after'>;
  readonly tenants: Pick<TenantDirectory, 'list'>;
  readonly redisKey: Store['redisKey'];
  readonly log: Logger;
  /** Time after which a platform without a connection is offline, ms. */
  readonly limitMs: number;
  /** Whether the platform has a connection now. */
  readonly isOnline: (
    client: RedisClient,
    tenant: TenantId,
    userID: string,
    platformID: number,
  ) => Promise<boolean>;
}

/** What is kept of a change until its event is handed over. */
interface Noted extends PlatformChange {
  /** ms. */
  readonly at: number;
  readonly operationID: string;
}

/** Changes of a tenant taken at once, and how often in one round. */
const TAKEN_AT_ONCE = 500;
const TAKES = 10;
const TENANTS_AT_ONCE = 4;
const HANDED_AT_ONCE = 16;
/** Time for handing over what was taken, after which another process takes it, ms. */
const LEASE_MS = 30_000;
/** What no process takes expires after this time, ms. */
const KEPT_MS = 3_600_000;

// KEYS: sorted set of names by the time (ms, by the clock of Redis) at which they are due; hash of what they stand for.
const CLOCK = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;
/** ARGV: name of the offline event, name of the online event, what it stands for, life. Returns 1 if it is one. */
const NOTE_ONLINE = `${CLOCK}
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('HDEL', KEYS[2], ARGV[1])
  return 0
end
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1`;
/** ARGV: name, what it stands for, life, ms until it is due. */
const NOTE_OFFLINE = `${CLOCK}
redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1`;
/** ARGV: most, lease. Returns names and what they stand for, in turn. */
const TAKE = `${CLOCK}
local taken = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  redis.call('ZADD', KEYS[1], now + ARGV[2], name)
  taken[#taken + 1] = name
  taken[#taken + 1] = redis.call('HGET', KEYS[2], name) or ''
end
return taken`;
/** Gives an offline event its final name, under which no return of the user withdraws it. ARGV: name, final name, lease. */
const SETTLE = `${CLOCK}
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
local what = redis.call('HGET', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
if not what then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], what)
return 1`;
/** ARGV: name. */
const DONE = `redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])`;

/** Kinds of names: an offline event may still be withdrawn, one that is gone not. */
type Kind = 'on' | 'off' | 'gone';

const nameOf = (kind: Kind, { userID, platformID }: Pick<PlatformChange, 'userID' | 'platformID'>) =>
  [kind, platformID, userID].join(KEY_SEPARATOR);

/** The events of a process. */
export function createPresenceEvents(deps: PresenceEventsDeps): PresenceEvents {
  const { webhooks, tenants, redisKey, log, limitMs, isOnline } = deps;

  /** Both in one slot of a cluster. */
  function keysOf(tenant: TenantId): [string, string] {
    const base = `{presence-events-${tenant}}`;
    return [redisKey(tenant, `${base}:due`), redisKey(tenant, `${base}:what`)];
  }

  function wanted(tenant: TenantId): boolean {
    return (
      webhooks.enabled({ tenant }, 'afterUserOffline') || webhooks.enabled({ tenant }, 'afterUserOnline')
    );
  }

  async function handOver(tenant: TenantId, noted: Noted): Promise<void> {
    const { userID, platformID, online, connID, isBackground, at, operationID } = noted;
    const ctx = systemContext(tenant, operationID);
    const id = [userID, platformID, at].join(KEY_SEPARATOR);
    const platform = PLATFORM_NAMES[platformID] ?? '';
    const body = { platformID, platform, userID, seq: at, connID };
    if (online)
      await webhooks.after(ctx, 'afterUserOnline', { ...body, isAppBackground: isBackground }, { id });
    else await webhooks.after(ctx, 'afterUserOffline', body, { id });
  }

  async function take(client: RedisClient, tenant: TenantId, name: string, what: string): Promise<void> {
    const keys = keysOf(tenant);
    if (what === '') {
      await client.eval(DONE, 2, ...keys, name);
      return;
    }
    const noted = JSON.parse(what) as Noted;
    let final = name;
    if (name === nameOf('off', noted)) {
      if (await isOnline(client, tenant, noted.userID, noted.platformID)) {
        await client.eval(DONE, 2, ...keys, name);
        return;
      }
      final = nameOf('gone', noted);
      if ((await client.eval(SETTLE, 2, ...keys, name, final, LEASE_MS)) === 0) return;
    }
    await handOver(tenant, noted);
    await client.eval(DONE, 2, ...keys, final);
  }

  async function roundOf(client: RedisClient, tenant: TenantId, signal: AbortSignal): Promise<void> {
    for (let i = 0; i < TAKES && !signal.aborted; i++) {
      const taken = (await client.eval(TAKE, 2, ...keysOf(tenant), TAKEN_AT_ONCE, LEASE_MS)) as string[];
      const pairs = taken.flatMap((name, at) => (at % 2 === 0 ? [[name, taken[at + 1] ?? ''] as const] : []));
      await eachLimited(pairs, HANDED_AT_ONCE, ([name, what]) => take(client, tenant, name, what));
      if (pairs.length < TAKEN_AT_ONCE) return;
    }
  }

  return {
    wanted,
    async note(client, tenant, changes) {
      const keys = keysOf(tenant);
      try {
        for (const change of changes) {
          const what = JSON.stringify({ ...change, at: Date.now(), operationID: randomId() } satisfies Noted);
          const off = nameOf('off', change);
          if (change.online)
            await client.eval(NOTE_ONLINE, 2, ...keys, off, nameOf('on', change), what, KEPT_MS);
          else await client.eval(NOTE_OFFLINE, 2, ...keys, off, what, KEPT_MS, limitMs);
        }
      } catch (error) {
        log.warn({ tenant, events: changes.length, err: error }, 'events of presence lost');
      }
    },
    async round(client, signal) {
      const due = tenants.list().filter(({ id }) => wanted(id));
      await eachLimited(due, TENANTS_AT_ONCE, async ({ id }) => {
        try {
          await roundOf(client, id, signal);
        } catch (error) {
          log.warn({ tenant: id, err: error }, 'events of presence not handed over yet');
        }
      });
    },
  };
}
