import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkTenants,
  type InvalidTenant,
  type TenantsReport,
  type TenantsUpdate,
  tenantHash,
  tenantId,
  tenantsDigest,
} from '@im/contract';
import { staticTenants } from '@im/kit';
import { createLiveTenants } from './live-tenants.ts';

interface Entry {
  readonly id: string;
  readonly [field: string]: unknown;
}
const entry = (id: string, more: object = {}): Entry => ({ id, tokenSecret: 't', adminSecret: 'a', ...more });
const digestOf = (entries: readonly Entry[]) =>
  tenantsDigest(new Map(entries.map((each) => [each.id, tenantHash(each)])));

/** A process that was started with a file of these tenants. */
function start(entries: readonly Entry[], { revision = 10, authenticated = true } = {}) {
  const file = checkTenants(entries);
  const tenants = staticTenants(file.valid, file.invalid);
  const reported: (readonly InvalidTenant[])[] = [];
  const changed: string[] = [];
  tenants.onChange((id, settings) => changed.push(settings ? id : `-${id}`));
  const live = createLiveTenants(file, revision, {
    tenants,
    report: (invalid) => reported.push(invalid),
    isAuthenticated: () => authenticated,
  });
  const update = (body: Partial<TenantsUpdate>) => {
    const answer = live.update({ body: JSON.stringify({ put: [], remove: [], ...body }) });
    return { status: answer.status ?? 200, body: answer.body as TenantsReport };
  };
  return { live, tenants, reported, changed, update };
}

test('an update adds, changes and removes tenants and touches no other', () => {
  const { live, tenants, changed, update } = start([entry('a'), entry('b'), entry('c')]);
  const next = [entry('a'), entry('b', { suspended: true }), entry('d', { hosts: ['d.test'] })];
  const [, b, d] = next;
  assert.ok(b && d);
  const answer = update({ revision: 11, digest: digestOf(next), put: [b, d], remove: ['c'] });
  assert.equal(answer.status, 200);
  assert.deepEqual(changed.sort(), ['-c', 'b', 'd']);
  assert.equal(tenants.byHost('d.test')?.id, 'd');
  assert.deepEqual(live.status(), { revision: 11, digest: digestOf(next), count: 3 });
});

test('an update from another state changes nothing, and its answer has the hashes of the process', () => {
  const { live, changed, update } = start([entry('a')]);
  const digest = digestOf([entry('a'), entry('b'), entry('c')]);
  const answer = update({ revision: 11, digest, put: [entry('c')] });
  assert.equal(answer.status, 409);
  assert.deepEqual(answer.body.hashes, { a: tenantHash(entry('a')) });
  assert.deepEqual([changed, live.status().revision], [[], 10]);
});

test('what is older than the tenants in force is ignored, from the file and over the ops port', () => {
  const { live, tenants, update } = start([entry('a')]);
  const [one, two] = [[entry('a'), entry('b')], [entry('a')]];
  assert.equal(update({ revision: 12, digest: digestOf(one), put: [entry('b')] }).status, 200);
  assert.equal(update({ revision: 11, digest: digestOf(two), remove: ['b'] }).status, 409);
  // The kubelet has not refreshed the mounted file yet.
  live.takeFile(checkTenants(two), 11);
  assert.ok(tenants.get(tenantId('b')));
  live.takeFile(checkTenants(one), 12);
  live.takeFile(checkTenants(two), 13);
  assert.equal(tenants.get(tenantId('b')), undefined);
  // Without a revision the file always counts.
  live.takeFile(checkTenants(one), 0);
  assert.ok(tenants.get(tenantId('b')));
});

test('an invalid entry in an update is refused alone; a running tenant keeps its settings', () => {
  const { tenants, reported, update } = start([entry('a', { quotas: { users: 5 } }), entry('b')]);
  const wrong = entry('a', { quotas: { users: -1 } });
  const next = [wrong, entry('b', { suspended: true }), entry('c')];
  const answer = update({ revision: 11, digest: digestOf(next), put: next });
  assert.equal(answer.status, 200);
  assert.match(answer.body.refused.a ?? '', /quotas\.users/);
  assert.deepEqual(Object.keys(answer.body.refused), ['a']);
  assert.equal(tenants.get(tenantId('a'))?.quotas.users, 5);
  assert.equal(tenants.get(tenantId('b'))?.suspended, true);
  assert.ok(tenants.get(tenantId('c')));
  assert.equal(reported.at(-1)?.length, 1);
  const mended = entry('a', { quotas: { users: 6 } });
  const after = [mended, ...next.slice(1)];
  assert.deepEqual(update({ revision: 12, digest: digestOf(after), put: [mended] }).body.refused, {});
  assert.equal(tenants.get(tenantId('a'))?.quotas.users, 6);
});

test('a process that requires no key, or gets what is no update, refuses it', () => {
  const digest = digestOf([entry('b')]);
  const open = start([], { authenticated: false });
  assert.equal(open.update({ revision: 11, digest, put: [entry('b')] }).status, 403);
  assert.deepEqual(open.changed, []);
  const { live, update } = start([]);
  assert.equal(live.update({ body: 'not JSON' }).status, 400);
  assert.equal(update({ revision: 0, digest }).status, 400);
});
