import { isTenantId } from '@im/contract';
import type { TenantDirectory } from '@im/kit';
import type { user } from '@im/protocol';
import type { RedisClient, Store } from '@im/store';
import { chunks } from './connections.ts';
import { SHARE_CONNECTIONS } from './keys.ts';

/** How long a gateway's count of a tenant's connections is kept, in heartbeat limits. */
const TENANT_COUNT_LIFE = 4;
const CHUNK = 500;

export interface ConnectionSharesDeps {
  readonly store: Pick<Store, 'redisKey'>;
  /** For quotas of connections. */
  readonly tenants: Pick<TenantDirectory, 'get'>;
  /** Time after which a gateway's heartbeat expires, ms. */
  readonly limitMs: number;
  /** The gateways that count. */
  readonly gateways: (client: RedisClient) => Promise<ReadonlySet<string>>;
}

/** Records one gateway's connections of these tenants, and reserves its share of what is left of their quotas. */
export async function shareConnections(
  client: RedisClient,
  { gatewayID, tenantConnections, tenantsAtLimit }: user.GatewayHeartbeatReq,
  { store, tenants, limitMs, gateways }: ConnectionSharesDeps,
): Promise<Record<string, number>> {
  const shares: Record<string, number> = {};
  const named = Object.keys(tenantConnections);
  if (named.length === 0) return shares;
  const live = [...(await gateways(client))];
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
          ...live,
        );
        shares[tenant] = Number(share);
      }),
    );
  }
  return shares;
}
