import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanBudget } from './span-budget.ts';

function budgetOf(perSecond: number, shared = false) {
  let now = 0;
  const budget = new SpanBudget({ perSecond, shared: () => shared, now: () => now });
  const begun = (tenant: string, attempts: number) =>
    Array.from({ length: attempts }, () => budget.begin(tenant)).filter(Boolean).length;
  return { budget, begun, pass: (ms: number) => (now += ms) };
}

test('begins as many traces per second as there may be spans', () => {
  const { begun, pass } = budgetOf(10);
  assert.equal(begun('a', 50), 10);
  pass(500);
  assert.equal(begun('a', 50), 5);
});

test('what a trace that was begun records further is paid for by later traces', () => {
  const { budget, begun, pass } = budgetOf(10);
  assert.equal(begun('a', 1), 1);
  for (let i = 0; i < 14; i++) budget.owe('a');
  assert.equal(begun('a', 10), 0);
  pass(400);
  assert.equal(begun('a', 10), 0);
  pass(200);
  assert.equal(begun('a', 10), 1);
});

test('at most a second is owed', () => {
  const { budget, begun, pass } = budgetOf(10);
  for (let i = 0; i < 10_000; i++) budget.owe('a');
  pass(2_000);
  assert.equal(begun('a', 50), 10);
});

test('of several tenants none takes more than half', () => {
  const { begun, pass } = budgetOf(10, true);
  assert.deepEqual([begun('a', 50), begun('b', 50), begun('c', 50)], [5, 5, 0]);
  pass(1_000);
  assert.deepEqual([begun('a', 50), begun('c', 50)], [5, 5]);
});
