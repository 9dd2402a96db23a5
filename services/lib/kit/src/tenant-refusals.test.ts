import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { createMetrics } from '@im/process';
import { OTHER_TENANTS, TENANT_REFUSALS, tenantRefusals } from './tenant-refusals.ts';

test('refusals are counted by tenant and limit; beyond 1,000 tenants they are counted together', async () => {
  const metrics = createMetrics();
  const refusals = tenantRefusals(metrics);
  for (let i = 0; i < 1_003; i++) refusals.note(tenantId(`t${i}`), 'messagesPerSecond');
  refusals.note(tenantId('t0'), 'connections');
  refusals.note(tenantId('t0'), 'messagesPerSecond');
  const values = await metrics.values(TENANT_REFUSALS);
  const of = (tenant: string) =>
    values
      .filter(({ labels }) => labels.tenant === tenant)
      .map(({ labels: { limit }, value }) => [limit, value]);
  assert.deepEqual(of('t0'), [
    ['messagesPerSecond', 2],
    ['connections', 1],
  ]);
  assert.deepEqual(of(OTHER_TENANTS), [['messagesPerSecond', 3]]);
  assert.equal(values.length, 1_002);
});
