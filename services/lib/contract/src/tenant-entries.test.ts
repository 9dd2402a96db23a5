import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTenants, type InvalidTenant, keepLastValid, Unresolved } from './tenant-entries.ts';
import { tenantSettings } from './tenant-settings.ts';

const SECRET = 'correct-horse-battery';
const entry = (id: unknown, more: Record<string, unknown> = {}) => ({
  id,
  tokenSecret: SECRET,
  adminSecret: SECRET,
  ...more,
});
const told = (invalid: readonly InvalidTenant[]) =>
  invalid.map(({ index, id, faults }) => [index, id, faults.map(({ field }) => field)]);
const ids = (settings: readonly { readonly id: string }[]) => settings.map(({ id }) => id);

test('an entry at fault is refused alone, with every field named', () => {
  const { valid, invalid } = checkTenants([
    entry('a'),
    entry('No Name', { hosts: ['h.example'] }),
    { id: 'b', tokenSecret: SECRET },
    entry('c', { quotas: { users: -1, groupSize: 'many' } }),
    'text',
    null,
    entry(7),
    entry('d', { quota: {} }),
    entry('e', { adminSecret: new Unresolved('cannot read the file /s') }),
    new Unresolved('cannot read the file /t'),
    entry('z'),
  ]);
  assert.deepEqual(ids(valid), ['a', 'z']);
  assert.deepEqual(told(invalid), [
    [1, undefined, ['id']],
    [2, 'b', ['adminSecret']],
    [3, 'c', ['quotas.users', 'quotas.groupSize']],
    [4, undefined, ['']],
    [5, undefined, ['']],
    [6, undefined, ['id']],
    [7, 'd', ['']],
    [8, 'e', ['adminSecret']],
    [9, undefined, ['']],
  ]);
  const reasons = invalid.map(({ faults }) => faults[0]?.reason);
  assert.match(reasons[0] ?? '', /must be 1 to 63 of/);
  assert.equal(reasons[1], 'is missing; set it');
  assert.match(reasons[6] ?? '', /^quota is not a setting here/);
  assert.equal(reasons[7], 'cannot read the file /s');
});

test('of two entries with an id or host the first has it, valid or not', () => {
  const { valid, invalid } = checkTenants([
    entry('a', { hosts: ['A.example', 'a.example'] }),
    entry('b', { hosts: ['b.example', 'a.EXAMPLE'] }),
    entry('a', { hosts: ['other.example'] }),
    entry('bad', { hosts: ['c.example'], friendVerify: 'yes' }),
    entry('bad'),
    entry('c', { hosts: ['c.example'] }),
    entry('d', { hosts: ['d.example'] }),
  ]);
  assert.deepEqual(ids(valid), ['a', 'd']);
  assert.deepEqual(told(invalid), [
    [1, 'b', ['hosts']],
    [2, 'a', ['id']],
    [3, 'bad', ['friendVerify']],
    [4, 'bad', ['id']],
    [5, 'c', ['hosts']],
  ]);
  assert.match(invalid[0]?.faults[0]?.reason ?? '', /^a\.example belongs to entry 0/);
});

test('no reason quotes a value, nor a key that is a misplaced one', () => {
  const wrong: Record<string, unknown>[] = [
    { id: SECRET.toUpperCase() },
    { tokenSecret: [SECRET] },
    { tokenSecret: { [SECRET]: SECRET } },
    { [`tokenSecret:${SECRET}`]: null },
    { [`tokenSecret ${SECRET}`]: null },
    { multiLogin: { policy: SECRET } },
    { placement: SECRET },
    { suspended: SECRET },
    { hosts: SECRET },
    { notifications: { 1501: { [`x=${SECRET}`]: SECRET } } },
    { webhooks: { url: 7, events: { x: { timeoutMs: SECRET } } } },
  ];
  const { valid, invalid } = checkTenants(wrong.map((more, i) => entry(`t${i}`, more)));
  assert.deepEqual([valid.length, invalid.length], [0, wrong.length]);
  for (const { faults } of invalid) {
    assert.ok(faults.length > 0);
    assert.doesNotMatch(JSON.stringify(faults), new RegExp(SECRET, 'i'));
  }
  assert.match(invalid[3]?.faults[0]?.reason ?? '', /^tokenSecret… is not a setting/);
});

test('a tenant in force whose entry is invalid keeps its settings; others change, come and go', () => {
  const inForce = ['a', 'b', 'c', 'gone'].map((id) => tenantSettings({ ...entry('x'), id }));
  const next = checkTenants([
    entry('a', { friendVerify: true }),
    entry('b', { friendVerify: 1 }),
    entry('new'),
    entry('fresh', { friendVerify: 1 }),
    entry('c', { friendVerify: 1, suspended: true }),
  ]);
  const { valid, invalid } = keepLastValid(next, inForce);
  assert.deepEqual(ids(valid), ['a', 'new', 'b', 'c'], 'fresh was never valid, gone is removed');
  assert.equal(valid[0]?.friendVerify, true);
  assert.deepEqual(valid[2], inForce[1]);
  assert.deepEqual(valid[3], { ...inForce[2], suspended: true }, 'an invalid entry may suspend');
  assert.deepEqual(ids(invalid.map(({ id = '' }) => ({ id }))), ['b', 'fresh', 'c']);
  const lifted = checkTenants([entry('c', { friendVerify: 1, suspended: false })]);
  assert.equal(
    keepLastValid(lifted, valid).valid[0]?.suspended,
    true,
    'only a valid entry ends a suspension',
  );
});

test('the second entry of a tenant neither suspends it nor keeps what the first one changes', () => {
  const inForce = [tenantSettings({ ...entry('x'), id: 'a' })];
  const next = checkTenants([entry('a', { friendVerify: true }), entry('a', { suspended: true })]);
  const { valid, invalid } = keepLastValid(next, inForce);
  assert.deepEqual(
    valid.map(({ id, friendVerify, suspended }) => [id, friendVerify, suspended]),
    [['a', true, false]],
  );
  assert.equal(invalid.length, 1);
});

test('a host stays with a tenant that keeps its settings, whichever tenant claims it', () => {
  const running = (id: string, hosts: string[]) => tenantSettings({ ...entry('x'), id, hosts });
  const inForce = [running('a', ['a.example']), running('b', ['b.example']), running('c', ['c.example'])];
  const next = checkTenants([
    entry('new', { hosts: ['b.example'] }),
    entry('b', { hosts: ['a.example', 'b2.example'] }),
    entry('a', { friendVerify: 1 }),
    entry('c', { hosts: ['c.example'], friendVerify: true }),
  ]);
  const { valid, invalid } = keepLastValid(next, inForce);
  assert.deepEqual(
    valid.map(({ id, hosts }) => [id, hosts]),
    [
      ['c', ['c.example']],
      ['a', ['a.example']],
      ['b', ['b.example']],
    ],
  );
  assert.deepEqual(told(invalid), [
    [2, 'a', ['friendVerify']],
    [undefined, 'b', ['hosts']],
    [undefined, 'new', ['hosts']],
  ]);
  assert.match(invalid[1]?.faults[0]?.reason ?? '', /a\.example stays with tenant a until/);
});
