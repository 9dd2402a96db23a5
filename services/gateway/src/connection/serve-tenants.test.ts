import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import type { OpsRoutes } from '@im/process';
import { serveTenants } from './serve-tenants.ts';
import type { TenantCounts } from './tenant-connections.ts';
import { TenantTraffic } from './tenant-traffic.ts';

const [T1, T2, T3] = [tenantId('t1'), tenantId('t2'), tenantId('t3')];

function handler(): (query: string) => unknown {
  const traffic = new TenantTraffic({ tenants: { get: (id) => ({ id }) as never } });
  for (const tenant of [T2, T2, T3]) traffic.sent(tenant);
  const counts = (): TenantCounts[] => [
    { tenant: T1, users: 2, platforms: { 1: 2, 5: 1 } },
    { tenant: T2, users: 1, platforms: { 3: 1 } },
  ];
  let handle: Parameters<OpsRoutes['handle']>[2] | undefined;
  const ops: OpsRoutes = {
    handle(_method, _path, given) {
      handle = given;
    },
  };
  serveTenants(ops, { counts }, traffic);
  return (query) => handle?.({ url: new URL(`http://ops/tenants${query}`), body: '' });
}

test('the largest tenants come first, those without connections included', () => {
  const get = handler();
  const names = (query: string) => {
    const { body } = get(query) as { body: { count: number; tenants: { tenant: string }[] } };
    return [body.count, ...body.tenants.map(({ tenant }) => tenant)];
  };
  assert.deepEqual(names(''), [3, T1, T2, T3]);
  assert.deepEqual(names('?sort=sends'), [3, T2, T3, T1]);
  assert.deepEqual(names('?sort=sends&limit=1'), [3, T2]);
  assert.partialDeepStrictEqual(get('?limit=1'), {
    body: { tenants: [{ tenant: T1, users: 2, connections: 3, sends: 0, refusals: 0, pushes: 0 }] },
  });
});

test('what cannot be sorted or listed is refused, and says what can', () => {
  const get = handler();
  assert.partialDeepStrictEqual(get('?sort=name'), { status: 400 });
  for (const limit of ['0', '1001', 'x', '1.5'])
    assert.partialDeepStrictEqual(get(`?limit=${limit}`), { status: 400 });
});
