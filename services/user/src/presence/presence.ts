import type { Bus } from '@im/bus';
import { isTenantId, type TenantId } from '@im/contract';
import { KEY_SEPARATOR, type TenantDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import { ERR, ImError, make, type user } from '@im/protocol';
import type { RedisClient, Store } from '@im/store';
import type { Webhooks } from '@im/webhooks';
import { readCounts, readSums, writeCounts } from './connection-counts.ts';
import { shareConnections } from './connection-shares.ts';
import {
  type Connections,
  chunks,
  decodeConnections,
  encodeConnections,
  hashesAt,
  platformChanges,
  platforms,
  reported,
  setFields,
} from './connections.ts';
import {
  DEAD_GATEWAYS,
  GATEWAYS,
  gatewayField,
  gatewayKeys,
  gatewayOf,
  LIVE_GATEWAYS,
  RECORD_HEARTBEAT,
  REMOVE_GATEWAY,
} from './keys.ts';
import { createPresenceEvents } from './presence-events.ts';

/** Connections of users, as gateways report them; they count while the gateway's heartbeat has not expired. */
export interface Presence {
  /** Takes a gateway's report and publishes changes of users' platforms. @throws ImError 90004 without Redis. */
  report(request: user.ReportPresenceReq): Promise<void>;
  /**
   * Takes a gateway's heartbeat and what it has of each tenant.
   * @throws ImError 90004 without Redis.
   */
  heartbeat(request: user.GatewayHeartbeatReq): Promise<Heartbeat>;
  /** Live connections by user; users without one are left out. @throws ImError 90004 without Redis. */
  connections(
    tenant: TenantId,
    userIDs: readonly string[],
  ): Promise<Map<string, user.PlatformOnlineDetail[]>>;
  /** The live gateways, in the order of their ids. @throws ImError 90004 without Redis. */
  gateways(): Promise<string[]>;
  /** What live gateways have of a tenant, as of their last heartbeats. @throws ImError 90004 without Redis. */
  counts(tenant: TenantId): Promise<user.GatewayConnections[]>;
  /** Connections of these tenants on all live gateways; tenants without one are left out. @throws ImError 90004 without Redis. */
  countsOfAll(tenants: readonly TenantId[]): Promise<Map<TenantId, number>>;
  /** Removes the connections of gateways whose heartbeat has expired, and publishes the changes. */
  reap(signal: AbortSignal): Promise<void>;
  /** Hands the events of webhooks over that are due. */
  handOver(signal: AbortSignal): Promise<void>;
}

/** What a gateway learns from its heartbeat. */
export interface Heartbeat {
  /** It must report all its users again. */
  readonly reportAll: boolean;
  /** Connections that it may open until the next one, by tenant that it named. */
  readonly tenantShares: Record<string, number>;
}

export interface PresenceDeps {
  readonly store: Store;
  readonly events: Bus['events'];
  /** For quotas of connections. */
  readonly tenants: TenantDirectory;
  readonly webhooks: Pick<Webhooks, 'enabled' | 'after'>;
  readonly log: Logger;
  /** Time after which a gateway's heartbeat expires, ms. */
  readonly limitMs: number;
}

/** How old the list of live gateways may be. */
const GATEWAYS_FRESH_MS = 1_000;
const REAP_LOCK_MS = 30_000;
const NAMED_LIFE_MS = 120_000;
const CHUNK = 500;

/** What one gateway has of a user. */
interface UserConnections {
  readonly tenant: TenantId;
  readonly userID: string;
  readonly connections: Connections;
}

/** The gateways that count. */
interface LiveGateways {
  readonly ids: ReadonlySet<string>;
  readonly at: number;
  /** Others that were named in users' records, and found not to be live. */
  readonly unknown: Set<string>;
}

/** Presence in the store's Redis. */
export function createPresence({ store, events, tenants, webhooks, log, limitMs }: PresenceDeps): Presence {
  let live: LiveGateways | undefined;
  const changes = createPresenceEvents({
    webhooks,
    tenants,
    redisKey: store.redisKey,
    log,
    limitMs,
    async isOnline(client, tenant, userID, platformID) {
      const hash = new Map(Object.entries(await client.hgetall(store.redisKey(tenant, 'presence', userID))));
      const gateways = await gatewaysOf(client, [hash]);
      return counted(hash, gateways).some((connection) => connection.platformID === platformID);
    },
  });

  async function withRedis<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    return store.redis.orElse(work, () => {
      throw new ImError(ERR.NetworkError, 'presence is unavailable: Redis cannot be reached');
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

  /** As {@link liveGateways}, read again when these records name one that has only just started. */
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
    // A dead one in the next record causes no further read.
    for (const id of [...(live?.unknown ?? []), ...unknown]) if (!fresh.ids.has(id)) fresh.unknown.add(id);
    live = fresh;
    return fresh.ids;
  }

  /** A report counts as a heartbeat, so that reported connections count at once. */
  async function alive(client: RedisClient, gatewayID: string): Promise<boolean> {
    // While it is being removed it counts as dead; a later heartbeat makes it report everything.
    if ((await client.exists(gatewayKeys(gatewayID).reaping)) === 1) return false;
    await client.eval(RECORD_HEARTBEAT, 1, GATEWAYS, gatewayID);
    if (live && !live.ids.has(gatewayID)) live = undefined;
    return true;
  }

  /** All that counts in a user's hash; `instead` replaces one gateway's value. */
  function counted(
    hash: ReadonlyMap<string, string>,
    gateways: ReadonlySet<string>,
    instead?: { readonly field: string; readonly value: string },
  ): user.PlatformOnlineDetail[] {
    return [...gateways].flatMap((id) => {
      const field = gatewayField(id);
      return decodeConnections(instead?.field === field ? instead.value : (hash.get(field) ?? ''));
    });
  }

  /** Writes one gateway's connections of users and publishes the changes. */
  async function set(
    client: RedisClient,
    gatewayID: string,
    users: readonly UserConnections[],
    always: boolean,
  ): Promise<void> {
    if (users.length === 0) return;
    const field = gatewayField(gatewayID);
    const records = users.map(({ tenant, userID, connections }) => ({
      key: store.redisKey(tenant, 'presence', userID),
      value: encodeConnections(connections),
    }));
    const changed = await setFields(client, field, records, always);
    const hashes = changed.flatMap((record) => (record ? [record.hash] : []));
    if (hashes.length === 0) return;
    const gateways = await gatewaysOf(client, hashes);
    // Connections of a dead gateway have ceased to count without a publication of that.
    const asAlive = new Set([...gateways, gatewayID]);
    await Promise.all(
      users.map(async ({ tenant, userID, connections }, i) => {
        const record = changed[i];
        if (!record) return;
        const { hash, former } = record;
        const after = platforms(counted(hash, gateways));
        const before = platforms(counted(hash, asAlive, { field, value: former }));
        const unchanged = before.join() === after.join();
        if (!unchanged && changes.wanted(tenant)) {
          const ended = decodeConnections(former);
          await changes.note(
            client,
            tenant,
            platformChanges(userID, { before, after }, { ended, opened: connections }),
          );
        }
        if (!always && unchanged) return;
        const version = Number(hash.get('v') ?? 0);
        events.publishPresence(
          tenant,
          make('event.Presence', { tenant, userID, platformIDs: after, version }),
        );
      }),
    );
  }

  async function reportItems(client: RedisClient, request: user.ReportPresenceReq): Promise<void> {
    const { gatewayID, items, full, fullID } = request;
    const keys = gatewayKeys(gatewayID);
    const underWay = full ? fullID : await client.get(keys.fullID);
    for (const chunk of chunks(items, CHUNK)) {
      const here: string[] = [];
      const gone: string[] = [];
      const users: UserConnections[] = [];
      for (const item of chunk) {
        const { tenant, userID } = item;
        if (!isTenantId(tenant) || userID === '') continue;
        const connections = reported(item);
        (connections.length > 0 ? here : gone).push(tenant + KEY_SEPARATOR + userID);
        users.push({ tenant, userID, connections });
      }
      const writes: Promise<void>[] = [set(client, gatewayID, users, full)];
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
      const users = chunk.flatMap((member): UserConnections[] => {
        const [tenant = '', userID = ''] = member.split(KEY_SEPARATOR);
        return isTenantId(tenant) ? [{ tenant, userID, connections: [] }] : [];
      });
      await set(client, gatewayID, users, false);
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
      // If it is alive after all, its next heartbeat finds this gone and it reports everything again.
      await client.del(keys.complete);
      const members = await client.smembers(keys.users);
      await removeUsers(client, gatewayID, members);
      await client.eval(REMOVE_GATEWAY, 1, GATEWAYS, gatewayID, String(deadSince));
      log.info({ gateway: gatewayID, users: members.length }, 'removed the connections of a dead gateway');
    } finally {
      await client.del(keys.reaping);
    }
  }

  return {
    async report(request) {
      const { gatewayID, full } = request;
      // Without an id the call is the whole report, and gets an id to be treated alike.
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
          shareConnections(client, request, { tenants, store, limitMs, gateways: liveGateways }),
          writeCounts(client, request, limitMs),
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
    gateways: () => withRedis(async (client) => (await readLive(client)).sort()),
    counts: (tenant) => withRedis(async (client) => readCounts(client, tenant, await liveGateways(client))),
    countsOfAll: (tenants) =>
      withRedis(async (client) => readSums(client, tenants, await liveGateways(client))),
    handOver: (signal) =>
      store.redis.orElse(
        (client) => changes.round(client, signal),
        () => undefined,
      ),
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
