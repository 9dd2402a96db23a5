import type { TenantId } from '@im/contract';
import { make, type user } from '@im/protocol';
import type { RedisClient } from '@im/store';
import { gatewayKeys } from './keys.ts';

/** How long counts stay when no heartbeat replaces them, in heartbeat limits. */
const LIFE = 4;
/** Fields that one command sets. */
const FIELDS = 5_000;

/** Users, connections by platform id, and totals, which gateways of earlier versions do not report. */
type Stored = readonly [
  users: number,
  platforms: Readonly<Record<string, number>>,
  sends?: number,
  refusals?: number,
  pushes?: number,
  logins?: number,
];

/** Replaces what a gateway has of each tenant by what its heartbeat says. */
export async function writeCounts(
  client: RedisClient,
  { gatewayID, counts }: user.GatewayHeartbeatReq,
  limitMs: number,
): Promise<void> {
  const key = gatewayKeys(gatewayID).counts;
  const replace = client.multi().del(key);
  for (let i = 0; i < counts.length; i += FIELDS) {
    const fields = counts
      .slice(i, i + FIELDS)
      .flatMap(({ tenant, users, platforms, sends, refusals, pushes, logins }) => [
        tenant,
        JSON.stringify([users, platforms, sends, refusals, pushes, logins] satisfies Stored),
      ]);
    replace.hset(key, ...fields);
  }
  await replace.pexpire(key, LIFE * limitMs).exec();
}

/** What each of these gateways has of the tenant; those without a connection are left out. */
export async function readCounts(
  client: RedisClient,
  tenant: TenantId,
  gateways: Iterable<string>,
): Promise<user.GatewayConnections[]> {
  const ids = [...gateways].sort();
  const values = await Promise.all(ids.map((id) => client.hget(gatewayKeys(id).counts, tenant)));
  return ids.flatMap((gatewayID, i) => {
    const value = values[i];
    if (!value) return [];
    const [users, platforms, sends = 0, refusals = 0, pushes = 0, logins = 0]: Stored = JSON.parse(value);
    return [
      make('user.GatewayConnections', { gatewayID, users, platforms, sends, refusals, pushes, logins }),
    ];
  });
}

/** Connections of each of these tenants on all of these gateways; one read for each gateway. */
export async function readSums(
  client: RedisClient,
  tenants: readonly TenantId[],
  gateways: Iterable<string>,
): Promise<Map<TenantId, number>> {
  const sums = new Map<TenantId, number>();
  if (tenants.length === 0) return sums;
  for (const id of gateways) {
    const values = await client.hmget(gatewayKeys(id).counts, ...tenants);
    for (const [i, tenant] of tenants.entries()) {
      const value = values[i];
      if (!value) continue;
      const [, platforms]: Stored = JSON.parse(value);
      const here = Object.values(platforms).reduce((sum, count) => sum + count, 0);
      sums.set(tenant, (sums.get(tenant) ?? 0) + here);
    }
  }
  return sums;
}
