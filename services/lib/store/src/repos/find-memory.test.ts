import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { findMemory } from './find-memory.ts';
import { FIND_START, type FindProgress } from './msg-find.ts';

const one = tenantId('one');
const progress = (total: number): FindProgress => ({
  total,
  first: [],
  at: { part: 0, conversationID: 'sg_g', seq: 3 },
});

test('a search goes on for two minutes, in its own tenant', () => {
  let now = 0;
  const memory = findMemory(() => now);
  const kept = progress(5);
  memory.remember(one, 'a', kept, 10);
  assert.equal(memory.progressOf(one, 'a', 10), kept);
  assert.equal(memory.progressOf(one, 'b', 10), FIND_START);
  assert.equal(memory.progressOf(tenantId('two'), 'a', 10), FIND_START);
  now = 120_000;
  assert.equal(memory.progressOf(one, 'a', 10), FIND_START);
});

test('a page beyond the hits that are kept begins anew, unless all hits are kept', () => {
  const memory = findMemory();
  memory.remember(one, 'many', progress(50), 10);
  memory.remember(one, 'few', progress(7), 10);
  assert.equal(memory.progressOf(one, 'many', 11), FIND_START);
  assert.equal(memory.progressOf(one, 'few', 11).total, 7);
});

test('the newest searches are kept: few of a tenant, some of all', () => {
  const memory = findMemory();
  const isKept = (tenant: string, name: string) =>
    memory.progressOf(tenantId(tenant), name, 1) !== FIND_START;
  for (const name of ['a', 'b', 'c', 'd', 'a', 'e']) memory.remember(one, name, progress(1), 1);
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e'].map((name) => isKept('one', name)),
    [true, false, true, true, true],
  );
  for (let n = 0; n < 20; n++) memory.remember(tenantId(`t${n}`), 'x', progress(1), 1);
  assert.equal(isKept('one', 'a'), false);
  for (let n = 0; n < 20; n++) assert.equal(isKept(`t${n}`, 'x'), true);
});
