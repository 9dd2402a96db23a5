import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type TenantId, tenantId } from '@im/contract';
import { TenantTurns } from './tenant-turns.ts';

const [a, b, c] = ['a', 'b', 'c'].map(tenantId) as [TenantId, TenantId, TenantId];

function turnsOf(slots: number, maxWaitingPerTenant = 100, maxWaiting = 100) {
  const turns = new TenantTurns({
    slots: Array.from({ length: slots }, (_, i) => i),
    maxWaiting,
    maxWaitingPerTenant,
  });
  const began: TenantId[] = [];
  const ends: (() => void)[] = [];
  const add = (tenant: TenantId) =>
    turns.add(tenant, () => {
      began.push(tenant);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  const end = async (index: number) => {
    ends[index]?.();
    await turn();
  };
  return { turns, began, add, end };
}

test('one tenant never has all slots', async () => {
  const { began, add, end, turns } = turnsOf(3);
  for (let i = 0; i < 5; i++) add(a);
  assert.deepEqual(began, [a, a]);
  add(b);
  assert.deepEqual(began, [a, a, b]);
  await end(0);
  assert.deepEqual(began, [a, a, b, a]);
  assert.equal(turns.waiting, 2);
});

test('a single slot goes round the tenants', async () => {
  const { began, add, end } = turnsOf(1);
  for (const tenant of [a, a, a, b, c, b]) add(tenant);
  for (let i = 0; i < 6; i++) await end(i);
  assert.deepEqual(began, [a, b, c, a, b, a]);
});

test('what is too much is refused, for one tenant and for all', () => {
  const { add } = turnsOf(1, 2, 3);
  assert.deepEqual([add(a), add(a), add(a), add(a)], [true, true, true, false]);
  assert.deepEqual([add(b), add(b)], [true, false]);
});
