import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TenantFigures } from '@im/contract';
import { type LookedUsage, shownUsage, withQuotas } from './usage-status.ts';

const START = Date.UTC(2026, 0, 1);
const looked = (
  seconds: number,
  figures: Partial<TenantFigures>,
  { throttled = 0, refusing = [] as string[] } = {},
): LookedUsage => ({
  at: new Date(START + seconds * 1_000),
  figures: { id: 'acme', ...figures },
  throttled,
  refusing: new Set(refusing),
});

/** A tenant whose looks are shown one after the other. */
function shown(quotas: { users?: number; connections?: number; storageBytes?: number } = {}) {
  let state: ReturnType<typeof shownUsage>['usage'];
  let conditions: ReturnType<typeof withQuotas> = [];
  return (look: LookedUsage | undefined, now = quotas) => {
    const next = shownUsage(state, conditions, look, { quotas: now, generation: 1 });
    const written = next.usage !== state;
    state = next.usage;
    conditions = withQuotas(conditions, next.condition, new Date(START));
    const [condition] = conditions;
    return { written, usage: state, condition };
  };
}

test('figures have two digits and change at most every five minutes', () => {
  const look = shown();
  const first = look(looked(0, { users: 12_345, connections: 99, storageBytes: 0 }, { throttled: 1_234 }));
  assert.deepEqual(first.usage, {
    observedAt: '2026-01-01T00:00:00Z',
    users: 12_000,
    connections: 99,
    storageBytes: 0,
    throttledToday: 1_200,
  });
  assert.equal(first.condition?.status, 'False');
  const connections = (seconds: number, count: number) =>
    look(looked(seconds, { users: 12_345, connections: count, storageBytes: 0 }, { throttled: 1_234 }));
  assert.equal(connections(60, 50).written, false, 'too soon');
  assert.equal(connections(300, 99).written, false, 'nothing has changed');
  assert.equal(connections(360, 98).usage?.connections, 98);
  assert.equal(look(undefined).usage?.connections, 98, 'what is known stays while nothing is read');
});

test('a quota that is used up shows at once, names the remedy, and is free below 95 %', () => {
  const look = shown({ users: 100, connections: 100 });
  const at = (seconds: number, users: number, connections: number, refusing: string[] = []) =>
    look(looked(seconds, { users, connections }, { refusing }));
  assert.deepEqual(at(0, 99, 5).usage?.quotas, { users: 100, connections: 100 });
  const full = at(60, 100, 5);
  assert.ok(full.written);
  assert.partialDeepStrictEqual(full.condition, { status: 'True', reason: 'Users' });
  assert.match(
    full.condition?.message ?? '',
    /quotas\.users \(100\) is used up: raise spec\.quotas\.users, or delete users/,
  );
  const both = at(120, 96, 90, ['connections']);
  assert.partialDeepStrictEqual(both.condition, { status: 'True', reason: 'Several' });
  assert.equal(at(180, 96, 96).written, false, 'it does not flip near the limit');
  const one = at(240, 94, 96);
  assert.ok(one.written);
  assert.partialDeepStrictEqual(one.condition, { status: 'True', reason: 'Connections' });
  const free = at(300, 94, 94);
  assert.ok(free.written);
  assert.partialDeepStrictEqual(free.condition, { status: 'False', reason: 'WithinQuotas' });
});

test('a changed quota shows at once; without a limit nothing is exceeded', () => {
  const look = shown({ storageBytes: 1_000 });
  assert.equal(look(looked(0, { storageBytes: 1_000 })).condition?.reason, 'Storage');
  const raised = look(looked(60, { storageBytes: 1_000 }), { storageBytes: 2_000 });
  assert.deepEqual([raised.usage?.quotas, raised.condition?.status], [{ storageBytes: 2_000 }, 'False']);
  const unlimited = look(looked(120, { storageBytes: 1_000 }, { refusing: ['storageBytes'] }), {
    storageBytes: 0,
  });
  assert.deepEqual([unlimited.usage?.quotas, unlimited.condition?.status], [undefined, 'False']);
});
