import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantId, tenantId } from '@im/contract';
import { TenantTraffic } from './tenant-traffic.ts';

const T1 = tenantId('t1');
const T2 = tenantId('t2');

test('traffic is counted for each tenant alone, and forgotten with the tenant', () => {
  const known = new Set<TenantId>([T1, T2]);
  const tenants = { get: (id: string) => (known.has(tenantId(id)) ? ({ id } as never) : undefined) };
  const traffic = new TenantTraffic({ tenants });
  assert.deepEqual(traffic.of(T1), { sends: 0, refusals: 0, pushes: 0, logins: 0 });
  traffic.sent(T1);
  traffic.sent(T2);
  traffic.sent(T1);
  traffic.refused(T2);
  traffic.pushed(T1, 3);
  traffic.pushed(T2, 0);
  traffic.loggedIn(T2);
  assert.deepEqual(traffic.of(T1), { sends: 2, refusals: 0, pushes: 3, logins: 0 });
  assert.deepEqual(traffic.of(T2), { sends: 1, refusals: 1, pushes: 0, logins: 1 });
  known.delete(T2);
  assert.deepEqual([...traffic.all().keys()], [T1]);
  known.add(T2);
  traffic.sent(T2);
  assert.deepEqual(
    traffic.of(T2),
    { sends: 1, refusals: 0, pushes: 0, logins: 0 },
    'another tenant of the same name',
  );
});
