import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { TenantBudget } from './tenant-budget.ts';

const tenant = (n: number) => tenantId(`t${n}`);

/** Fills the budget with items of one tenant. @returns how many it takes. */
function fill(budget: TenantBudget, n: number, bytes = 1): number {
  let taken = 0;
  while (budget.take(tenant(n), bytes)) taken++;
  return taken;
}

test('a tenant fills a share, and many of them leave room for others', () => {
  const budget = new TenantBudget({ items: 300, bytes: 1e6 });
  assert.equal(fill(budget, 0), 100);
  assert.equal(fill(budget, 1), 67);
  assert.equal(budget.room, 300 - 167);
});

test('when more tenants stand still than there are shares, others have their turn', () => {
  const budget = new TenantBudget({ items: 300, bytes: 1e6 });
  for (let n = 0; n < 400; n++) assert.ok(fill(budget, n) > 0);
  assert.ok(budget.items <= 300 + 400, `${budget.items} in hand`);
  assert.ok(budget.room > 0);
  assert.equal(fill(budget, 400), 1);
});

test('bytes are bounded as well, and a tenant with nothing in hand is taken', () => {
  const budget = new TenantBudget({ items: 1_000, bytes: 300 });
  assert.equal(fill(budget, 0, 10), 10);
  assert.equal(budget.take(tenant(1), 250), true);
  assert.equal(budget.room, 0);
  assert.equal(budget.take(tenant(2), 1), true);
  assert.equal(budget.take(tenant(2), 1), false);
});

test('what is released can be taken again', () => {
  const budget = new TenantBudget({ items: 30, bytes: 300 });
  const taken = fill(budget, 0);
  for (let i = 0; i < taken; i++) budget.release(tenant(0), 1);
  assert.deepEqual([budget.items, budget.room], [0, 30]);
  assert.equal(fill(budget, 0), taken);
});
