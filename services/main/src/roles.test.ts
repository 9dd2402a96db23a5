import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servicesOf } from './roles.ts';

test('roles name services, groups of them, or everything, each once and in the order of starting', () => {
  assert.deepEqual(servicesOf(['gateway']), ['gateway']);
  assert.deepEqual(servicesOf(['gateway', 'auth', 'gateway']), ['auth', 'gateway']);
  assert.deepEqual(new Set(servicesOf(['rpc', 'msg'])), new Set(servicesOf(['rpc'])));
  assert.equal(servicesOf(['rpc']).length, 7);
  const all = servicesOf(['all']);
  assert.equal(all.length, 12);
  assert.equal(all.at(-1), 'gateway');
});

test('an unknown role, or none, is refused with the list of roles', () => {
  assert.throws(() => servicesOf(['gatway']), /no role gatway; roles are rpc, all, auth/);
  assert.throws(() => servicesOf([]), /at least one role/);
});
