import { token16 } from '@im/kit';

// A gateway serves all tenants, so what is known of it belongs to none. The braces keep the keys of one gateway in
// one slot of a cluster, as set operations on them need.

/** Sorted set of gateways by the time (ms) of their last heartbeat. */
export const GATEWAYS = 'im:gateways';

/** Keys of Redis with the presence that one gateway reports. */
export interface GatewayKeys {
  /** Set of `tenant US user` that it holds. */
  readonly users: string;
  /** Set of `tenant US user` named so far by a full report in deps. */
  named(fullID: string): string;
  /** Exists once the gateway has reported everything; gone after a loss. */
  readonly complete: string;
  /** Id of the full report under way. */
  readonly fullID: string;
  /** Hash of its connections by tenant, as of its last heartbeat. */
  readonly counts: string;
  /** Lock of the process that removes a dead gateway. */
  readonly reaping: string;
}

/** Keys of a gateway. */
export function gatewayKeys(gatewayID: string): GatewayKeys {
  const base = `im:{gw-${token16('gateway', gatewayID)}}`;
  return {
    users: `${base}:users`,
    named: (fullID) => `${base}:named:${token16('report', fullID)}`,
    complete: `${base}:complete`,
    fullID: `${base}:full`,
    counts: `${base}:counts`,
    reaping: `${base}:reaping`,
  };
}

/** Field of a user's hash that holds the connections on one gateway. */
export function gatewayField(gatewayID: string): string {
  return `g:${gatewayID}`;
}

/** The gateway that a field of a user's hash belongs to; undefined for other fields. */
export function gatewayOf(field: string): string | undefined {
  return field.startsWith('g:') ? field.slice(2) : undefined;
}

/**
 * Sets (or with an empty value removes) one gateway's connections of users, a key each. Arguments: the field, 1 to
 * answer unchanged ones too, the values. Answers for each key the former value and the whole hash, or nothing when the
 * value was the same already. `v` rises with every change; a hash without gateways is kept a while for its version.
 */
export const SET_CONNECTIONS = `
local time = redis.call('TIME')
local least = time[1] * 1000000 + time[2]
local answers = {}
for i, key in ipairs(KEYS) do
  local value = ARGV[i + 2]
  local known = redis.call('HMGET', key, ARGV[1], 'v')
  local former = known[1] or ''
  if former == value and ARGV[2] == '0' then
    answers[i] = {}
  else
    local version = tonumber(known[2] or '0') + 1
    if version < least then version = least end
    version = string.format('%.0f', version)
    if value ~= '' then
      redis.call('HSET', key, ARGV[1], value, 'v', version)
      redis.call('PERSIST', key)
    else
      redis.call('HDEL', key, ARGV[1])
      redis.call('HSET', key, 'v', version)
      if redis.call('HLEN', key) == 1 then redis.call('PEXPIRE', key, 3600000) end
    end
    answers[i] = {former, redis.call('HGETALL', key)}
  end
end
return answers`;

/** The hashes of many users with one command: by number of key and hash, those that are empty left out. */
export const READ_ALL = `
local found = {}
for i, key in ipairs(KEYS) do
  local hash = redis.call('HGETALL', key)
  if #hash > 0 then
    found[#found + 1] = i - 1
    found[#found + 1] = hash
  end
end
return found`;

/** Records a heartbeat of a gateway, by the clock of Redis: those of processes differ. */
export const RECORD_HEARTBEAT = `
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])`;

/** Gateways with a heartbeat within this many ms, by the same clock. */
export const LIVE_GATEWAYS = `
local time = redis.call('TIME')
local since = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
return redis.call('ZRANGEBYSCORE', KEYS[1], since, '+inf')`;

/** The time before which a heartbeat counts as expired, and the gateways whose last one is older. */
export const DEAD_GATEWAYS = `
local time = redis.call('TIME')
local since = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
return {string.format('%.0f', since), redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', since)}`;

/** Removes a gateway from the list unless it has had a heartbeat since. */
export const REMOVE_GATEWAY = `
local last = redis.call('ZSCORE', KEYS[1], ARGV[1])
if last and tonumber(last) <= tonumber(ARGV[2]) then return redis.call('ZREM', KEYS[1], ARGV[1]) end
return 0`;

/**
 * Records how many connections of a tenant a gateway has, and reserves for it a share of what is left of
 * the quota: an equal part, rounded up only for a gateway that has refused some, so that idle gateways do
 * not hold the last ones back. Reservations count until the gateway's next heartbeat, so that gateways
 * together do not exceed the quota. Those of gateways that are not live are dropped.
 * Arguments: gateway, its connections, quota, 1 when it has refused some, life in ms, live gateways.
 */
export const SHARE_CONNECTIONS = `
local live = {}
local gateways = 0
for i = 6, #ARGV do live[ARGV[i]] = true; gateways = gateways + 1 end
if gateways == 0 then gateways = 1 end
local others = 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] then
    if live[all[i]] then others = others + tonumber(all[i + 1]) else redis.call('HDEL', KEYS[1], all[i]) end
  end
end
local here = tonumber(ARGV[2])
local left = tonumber(ARGV[3]) - here - others
if left < 0 then left = 0 end
local share = left / gateways
if ARGV[4] == '1' then share = math.ceil(share) else share = math.floor(share) end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', here + share))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return share`;
