import { getTenant, listTenants, type TenantEntry, type TenantKey } from '@im/admin-api';
import { keyID, maskedTenant, type TenantSettings, timeOf } from '@im/contract';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function entryOf({ id, hosts, suspended }: TenantSettings): TenantEntry {
  return { tenantID: id, hosts: [...hosts], suspended };
}

/** The keys that pass, without the keys themselves. */
function keysOf(settings: TenantSettings): TenantKey[] {
  const now = Date.now();
  const keys = (
    kind: TenantKey['kind'],
    first: string,
    second: string | undefined,
    until: string | undefined,
  ): TenantKey[] => {
    const own = { keyID: keyID(first), kind, current: true, untilTime: 0 };
    const untilTime = timeOf(until, 0);
    if (second === undefined || (untilTime !== 0 && untilTime <= now)) return [own];
    return [own, { keyID: keyID(second), kind, current: false, untilTime }];
  };
  return [
    ...keys('tokens', settings.tokenSecret, settings.secondTokenSecret, settings.secondTokenSecretUntil),
    ...keys(
      'administrators',
      settings.adminSecret,
      settings.secondAdminSecret,
      settings.secondAdminSecretUntil,
    ),
  ];
}

/** Tenants and their settings. */
export const tenantRoutes: readonly AdminRoute[] = [
  adminRoute(listTenants, 'api.listTenants', async ({ browser }, { query }) => {
    const { limit, cursor, prefix = '' } = query;
    const after = fromOpaque(cursor);
    const rest = browser.tenants().filter(({ id }) => id > after && id.startsWith(prefix));
    const page = rest.slice(0, limit);
    return {
      tenants: page.map(entryOf),
      ...opaque(rest.length > limit ? (page.at(-1)?.id ?? '') : ''),
    };
  }),
  adminRoute(getTenant, 'api.getTenant', async ({ tenant }) => ({
    tenant: entryOf(tenant),
    keys: keysOf(tenant),
    tokensNotBefore: timeOf(tenant.tokensNotBefore, 0),
    settings: { ...maskedTenant(tenant) },
  })),
];
