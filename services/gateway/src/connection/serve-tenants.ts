import type { TenantOnGateway } from '@im/contract';
import type { OpsRoutes } from '@im/process';
import type { TenantConnections } from './tenant-connections.ts';
import type { TenantTraffic } from './tenant-traffic.ts';

const LIMIT = 50;
const MAX_LIMIT = 1_000;

const SORTS = ['connections', 'sends', 'refusals', 'pushes'] as const;
type Sort = (typeof SORTS)[number];

function isSort(text: string): text is Sort {
  return SORTS.some((sort) => sort === text);
}

/** What the tenants have and did here, those first that have the most of `sort`. */
export function tenantsHere(
  connections: Pick<TenantConnections, 'counts'>,
  traffic: Pick<TenantTraffic, 'all' | 'of'>,
  sort: Sort,
): TenantOnGateway[] {
  const found = new Map<string, TenantOnGateway>();
  for (const [tenant, { sends, refusals, pushes }] of traffic.all())
    found.set(tenant, { tenant, users: 0, connections: 0, sends, refusals, pushes });
  for (const { tenant, users, platforms } of connections.counts()) {
    const { sends, refusals, pushes } = traffic.of(tenant);
    const count = Object.values(platforms).reduce((sum, each) => sum + each, 0);
    found.set(tenant, { tenant, users, connections: count, sends, refusals, pushes });
  }
  return [...found.values()].sort((a, b) => b[sort] - a[sort] || (a.tenant < b.tenant ? -1 : 1));
}

/**
 * `GET /tenants?sort=connections&limit=50`: the tenants with the most `connections`, `sends`, `refusals` or `pushes` on this
 * gateway, 1,000 at most. Totals are since its start.
 */
export function serveTenants(
  ops: OpsRoutes,
  connections: Pick<TenantConnections, 'counts'>,
  traffic: Pick<TenantTraffic, 'all' | 'of'>,
): void {
  ops.handle('GET', '/tenants', ({ url: { searchParams } }) => {
    const sort = searchParams.get('sort') ?? 'connections';
    const limit = Number(searchParams.get('limit') ?? LIMIT);
    if (!isSort(sort)) return { status: 400, body: { error: `sort must be one of ${SORTS.join(', ')}` } };
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
      return { status: 400, body: { error: `limit must be an integer from 1 to ${MAX_LIMIT}` } };
    const all = tenantsHere(connections, traffic, sort);
    return { body: { count: all.length, tenants: all.slice(0, limit) } };
  });
}
