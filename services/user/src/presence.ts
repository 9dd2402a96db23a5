import type { Bus } from '@im/bus';
import { isTenantId, type TenantId } from '@im/contract';
import { type TenantDirectory, tokenHash } from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError, make, type user } from '@im/protocol';
import type { RedisClient, Store } from '@im/store';
import {
  DEAD_GATEWAYS,
  FORGET_GATEWAY,
  GATEWAYS,
  gatewayField,
  gatewayKeys,
  gatewayOf,
  LIVE_GATEWAYS,
  NOTE_ALIVE,
  READ_ALL,
  SET_CONNECTIONS,
  SHARE_CONNECTIONS,
} from './presence-keys.ts';

/** Connections of users, as gateways report them; they count only while the gateway's heartbeat lives. */
export interface Presence {
  /** Takes a gateway's report and tells about users whose platforms changed. @throws ImError 90004 without Redis. */
  report(request: user.ReportPresenceReq): Promise<void>;
  /**
   * Takes a gateway's heartbeat and what it has of tenants whose connections are limited.
   * @throws ImError 90004 without Redis.
   */
  heartbeat(request: user.GatewayHeartbeatReq): Promise<Heartbeat>;
  /** Live connections by user; users without one are left out. @throws ImError 90004 without Redis. */
  connections(
    tenant: TenantId,
    userIDs: readonly string[],
  ): Promise<Map<string, user.PlatformOnlineDetail[]>>;
  /** Clears away what gateways left that were not heard of for too long, and tells about their users. */
  reap(signal: AbortSignal): Promise<void>;
}

/** What a gateway learns from its heartbeat. */
export interface Heartbeat {
  /** It must report all its users again. */
  readonly reportAll: boolean;
  /** Connections that it may open until the next one, by tenant that it named. */
  readonly tenantShares: Record<string, number>;
}

/** Parts of {@link createPresence}. */
export interface PresenceDeps {
  readonly store: Store;
  readonly events: Bus['events'];
  /** For quotas of connections. */
  readonly tenants: TenantDirectory;
  readonly log: Logger;
  /** A gateway that was silent for longer does not count, ms. */
  readonly limitMs: number;
}

/** How old the list of live gateways may be. */
const GATEWAYS_FRESH_MS = 1_000;
const REAP_LOCK_MS = 30_000;
const NAMED_LIFE_MS = 120_000;
const CHUNK = 500;
const SEPARATOR = '\u001f';

/** Life of what a gateway told of a tenant's connections, in heartbeat limits. */
const TENANT_COUNT_LIFE = 4;

type Connections = readonly user.PlatformOnlineDetail[];

function write(connections: Connections): string {
  if (connections.length === 0) return '';
  return JSON.stringify(connections.map((c) => [c.platformID, c.connID, c.isBackground ? 1 : 0, c.token]));
}

function read(value: string): user.PlatformOnlineDetail[] {
  if (value === '') return [];
  const list = JSON.parse(value) as [number, string, number, string][];
  return list.map(([platformID, connID, background, token]) =>
    make('user.PlatformOnlineDetail', {
      platformID,
      connID,
      isBackground: background === 1,
      token: hashed(token),
    }),
  );
}

/** Gateways of the version before report tokens as they are, which have dots; only hashes are kept. */
function hashed(token: string): string {
  return token.includes('.') ? tokenHash(token) : token;
}

/** What a report says of one user, whether it names connections or only platforms. */
function reported({ connections, platformIDs }: user.PresenceItem): Connections {
  if (connections.length > 0) return connections.map((c) => ({ ...c, token: hashed(c.token) }));
  return platformIDs.map((platformID) => make('user.PlatformOnlineDetail', { platformID }));
}

function platforms(connections: Connections): number[] {
  return [...new Set(connections.map(({ platformID }) => platformID))].sort((a, b) => a - b);
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let i = 0; i < list.length; i += size) out.push(list.slice(i, i + size));
  return out;
}

function toMap(fieldsAndValues: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < fieldsAndValues.length; i += 2)
    map.set(fieldsAndValues[i] ?? '', fieldsAndValues[i + 1] ?? '');
  return map;
}

/** The hashes at these keys that are not empty, by number of key. */
async function hashesAt(
  client: RedisClient,
  keys: readonly string[],
): Promise<[number, ReadonlyMap<string, string>][]> {
  if (client.isCluster) {
    // Keys of many slots: one command each.
    const hashes = await Promise.all(keys.map((key) => client.hgetall(key)));
    return hashes.map((hash, i) => [i, new Map(Object.entries(hash))]);
  }
  const answer = (await client.eval(READ_ALL, keys.length, ...keys)) as (number | string[])[];
  const found: [number, ReadonlyMap<string, string>][] = [];
  for (let i = 0; i + 1 < answer.length; i += 2) {
    found.push([answer[i] as number, toMap(answer[i + 1] as string[])]);
  }
  return found;
}

/** The gateways that count. */
interface LiveGateways {
  readonly ids: ReadonlySet<string>;
  readonly at: number;
  /** Others that were named in users' records: looked for once, and not live. */
  readonly unknown: Set<string>;
}

/** Presence in the store's Redis. */
export function createPresence({ store, events, tenants, log, limitMs }: PresenceDeps): Presence {
  let live: LiveGateways | undefined;

  async function withRedis<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    return store.redis.orElse(work, () => {
      throw new ImError(ERR.NetworkError, 'presence is not known now');
    });
  }

  async function readLive(client: RedisClient): Promise<string[]> {
    return (await client.eval(LIVE_GATEWAYS, 1, GATEWAYS, limitMs)) as string[];
  }

  async function liveGateways(client: RedisClient): Promise<ReadonlySet<string>> {
    const now = performance.now();
    if (!live || now - live.at > GATEWAYS_FRESH_MS) {
      const ids = await readLive(client);
      live = { ids: new Set(ids), at: now, unknown: new Set() };
    }
    return live.ids;
  }

  /** As {@link liveGateways}, read again when these records name one that has only just come. */
  async function gatewaysOf(
    client: RedisClient,
    hashes: readonly ReadonlyMap<string, string>[],
  ): Promise<ReadonlySet<string>> {
    const ids = await liveGateways(client);
    const unknown = new Set<string>();
    for (const hash of hashes) {
      for (const field of hash.keys()) {
        const id = gatewayOf(field);
        if (id !== undefined && !ids.has(id) && !live?.unknown.has(id)) unknown.add(id);
      }
    }
    if (unknown.size === 0) return ids;
    const again = await readLive(client);
    const fresh = { ids: new Set(again), at: live?.at ?? 0, unknown: new Set<string>() };
    // Of one that is dead the next record need not ask again.
    for (const id of [...(live?.unknown ?? []), ...unknown]) if (!fresh.ids.has(id)) fresh.unknown.add(id);
    live = fresh;
    return fresh.ids;
  }

  /** A report is a sign of life as a heartbeat is: who is connected counts at once. */
  async function alive(client: RedisClient, gatewayID: string): Promise<boolean> {
    // While it is being cleared away it counts as dead; it comes back whole with a later heartbeat.
    if ((await client.exists(gatewayKeys(gatewayID).reaping)) === 1) return false;
    await client.eval(NOTE_ALIVE, 1, GATEWAYS, gatewayID);
    if (live && !live.ids.has(gatewayID)) live = undefined;
    return true;
  }

  /** Takes what one gateway has of these tenants, and reserves its share of what is left of their quotas. */
  async function shareConnections(
    client: RedisClient,
    { gatewayID, tenantConnections, tenantsAtLimit }: user.GatewayHeartbeatReq,
  ): Promise<Record<string, number>> {
    const shares: Record<string, number> = {};
    const named = Object.keys(tenantConnections);
    if (named.length === 0) return shares;
    const gateways = [...(await liveGateways(client))];
    const atLimit = new Set(tenantsAtLimit);
    for (const chunk of chunks(named, CHUNK)) {
      await Promise.all(
        chunk.map(async (tenant) => {
          if (!isTenantId(tenant)) return;
          const most = tenants.get(tenant)?.quotas.connections ?? 0;
          if (most === 0) return;
          const share = await client.eval(
            SHARE_CONNECTIONS,
            1,
            store.redisKey(tenant, 'gateway-connections', ''),
            gatewayID,
            tenantConnections[tenant] ?? 0,
            most,
            atLimit.has(tenant) ? 1 : 0,
            TENANT_COUNT_LIFE * limitMs,
            ...gateways,
          );
          shares[tenant] = Number(share);
        }),
      );
    }
    return shares;
  }

  /** All that counts in a user's hash; `instead` replaces one gateway's value. */
  function counted(
    hash: ReadonlyMap<string, string>,
    gateways: ReadonlySet<string>,
    instead?: { readonly field: string; readonly value: string },
  ): user.PlatformOnlineDetail[] {
    return [...gateways].flatMap((id) => {
      const field = gatewayField(id);
      return read(instead?.field === field ? instead.value : (hash.get(field) ?? ''));
    });
  }

  /** Writes one gateway's connections of one user and publishes the change, if it is one. */
  async function set(
    client: RedisClient,
    gatewayID: string,
    tenant: TenantId,
    userID: string,
    connections: Connections,
    always: boolean,
  ): Promise<void> {
    const field = gatewayField(gatewayID);
    const key = store.redisKey(tenant, 'presence', userID);
    const value = write(connections);
    const answer = (await client.eval(SET_CONNECTIONS, 1, key, field, value, always ? '1' : '0')) as
      | []
      | [string, string[]];
    const [former, fields] = answer;
    if (former === undefined || fields === undefined) return;
    const hash = toMap(fields);
    const gateways = await gatewaysOf(client, [hash]);
    const after = platforms(counted(hash, gateways));
    // Once the gateway is dead, its connections have ceased to count without anybody having said so.
    const asAlive = new Set([...gateways, gatewayID]);
    const before = platforms(counted(hash, asAlive, { field, value: former }));
    if (!always && before.join() === after.join()) return;
    const version = Number(hash.get('v') ?? 0);
    events.publishPresence(tenant, make('event.Presence', { tenant, userID, platformIDs: after, version }));
  }

  async function reportItems(client: RedisClient, request: user.ReportPresenceReq): Promise<void> {
    const { gatewayID, items, full, fullID } = request;
    const keys = gatewayKeys(gatewayID);
    const underWay = full ? fullID : await client.get(keys.fullID);
    for (const chunk of chunks(items, CHUNK)) {
      const here: string[] = [];
      const gone: string[] = [];
      const writes: Promise<void>[] = [];
      for (const item of chunk) {
        if (!isTenantId(item.tenant) || item.userID === '') continue;
        const connections = reported(item);
        (connections.length > 0 ? here : gone).push(item.tenant + SEPARATOR + item.userID);
        writes.push(set(client, gatewayID, item.tenant, item.userID, connections, full));
      }
      if (here.length > 0) {
        writes.push(client.sadd(keys.users, ...here).then(() => undefined));
        if (underWay) writes.push(client.sadd(keys.named(underWay), ...here).then(() => undefined));
      }
      if (gone.length > 0) writes.push(client.srem(keys.users, ...gone).then(() => undefined));
      await Promise.all(writes);
    }
  }

  async function removeUsers(
    client: RedisClient,
    gatewayID: string,
    members: readonly string[],
  ): Promise<void> {
    for (const chunk of chunks(members, CHUNK)) {
      await Promise.all(
        chunk.map(async (member) => {
          const [tenant = '', userID = ''] = member.split(SEPARATOR);
          if (isTenantId(tenant)) await set(client, gatewayID, tenant, userID, [], false);
        }),
      );
      await client.srem(gatewayKeys(gatewayID).users, ...chunk);
    }
  }

  async function finishFull(client: RedisClient, gatewayID: string, fullID: string): Promise<void> {
    const keys = gatewayKeys(gatewayID);
    const unnamed = await client.sdiff(keys.users, keys.named(fullID));
    await removeUsers(client, gatewayID, unnamed);
    await client.set(keys.complete, '1');
    await client.del(keys.named(fullID), keys.fullID);
  }

  async function reapGateway(client: RedisClient, gatewayID: string, deadSince: number): Promise<void> {
    const keys = gatewayKeys(gatewayID);
    if ((await client.set(keys.reaping, '1', 'PX', REAP_LOCK_MS, 'NX')) === null) return;
    try {
      const last = await client.zscore(GATEWAYS, gatewayID);
      if (last === null || Number(last) > deadSince) return;
      // Should it live after all, its next heartbeat finds this gone and it reports everything again.
      await client.del(keys.complete);
      const members = await client.smembers(keys.users);
      await removeUsers(client, gatewayID, members);
      await client.eval(FORGET_GATEWAY, 1, GATEWAYS, gatewayID, String(deadSince));
      log.info({ gateway: gatewayID, users: members.length }, 'cleared away what a dead gateway left');
    } finally {
      await client.del(keys.reaping);
    }
  }

  return {
    async report(request) {
      const { gatewayID, full } = request;
      // Without an id the call is the whole report, and gets one to be worked off alike.
      const fullID = full ? request.fullID || `only-${Date.now()}` : '';
      await withRedis(async (client) => {
        const keys = gatewayKeys(gatewayID);
        await alive(client, gatewayID);
        if (full) await client.set(keys.fullID, fullID, 'PX', NAMED_LIFE_MS);
        await reportItems(
          client,
          make('user.ReportPresenceReq', { gatewayID, items: request.items, full, fullID }),
        );
        if (full) await client.pexpire(keys.named(fullID), NAMED_LIFE_MS);
        if (full && (request.lastPart || request.fullID === '')) await finishFull(client, gatewayID, fullID);
      });
    },
    heartbeat: (request) =>
      withRedis(async (client) => {
        const { gatewayID } = request;
        const counts = await alive(client, gatewayID);
        // What a gateway may open depends on the others: they are read as they are now.
        live = undefined;
        const [complete, tenantShares] = await Promise.all([
          client.exists(gatewayKeys(gatewayID).complete),
          shareConnections(client, request),
        ]);
        return { reportAll: counts && complete === 0, tenantShares };
      }),
    connections: (tenant, userIDs) =>
      withRedis(async (client) => {
        const found = new Map<string, user.PlatformOnlineDetail[]>();
        for (const chunk of chunks([...new Set(userIDs)], CHUNK)) {
          const keys = chunk.map((userID) => store.redisKey(tenant, 'presence', userID));
          const hashes = await hashesAt(client, keys);
          const gateways = await gatewaysOf(
            client,
            hashes.map(([, hash]) => hash),
          );
          for (const [i, hash] of hashes) {
            const connections = counted(hash, gateways);
            if (connections.length > 0) found.set(chunk[i] ?? '', connections);
          }
        }
        return found;
      }),
    async reap(signal) {
      await store.redis.orElse(
        async (client) => {
          const answer = await client.eval(DEAD_GATEWAYS, 1, GATEWAYS, limitMs);
          const [deadSince, gatewayIDs] = answer as [string, string[]];
          for (const gatewayID of gatewayIDs) {
            if (signal.aborted) return;
            await reapGateway(client, gatewayID, Number(deadSince));
          }
        },
        () => undefined,
      );
    },
  };
}
