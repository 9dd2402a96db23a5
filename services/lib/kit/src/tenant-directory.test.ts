import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId, tenantSettings } from '@im/contract';
import { staticTenants } from './tenant-directory.ts';

const settings = (id: string, hosts: string[] = []) =>
  tenantSettings({ id, hosts, tokenSecret: 's', adminSecret: 'a' });

test('tenants are found by name and by host, with any port and case', () => {
  const tenants = staticTenants([settings('default'), settings('t2', ['IM.t2.example'])]);
  assert.equal(tenants.get(tenantId('t2'))?.id, 't2');
  assert.equal(tenants.byHost('im.T2.example:10001')?.id, 't2');
  assert.equal(tenants.byHost('im.example'), undefined);
});

test('listeners hear of each tenant that changed, and of no other', () => {
  const tenants = staticTenants([settings('a'), settings('b'), settings('c')]);
  const heard: string[] = [];
  const off = tenants.onChange((id, now) => heard.push(`${id} ${now ? 'set' : 'gone'}`));
  tenants.replaceAll([settings('a'), settings('b', ['b.example']), settings('d')]);
  assert.deepEqual(heard, ['b set', 'd set', 'c gone']);
  off();
  tenants.put(settings('e'));
  tenants.remove(tenantId('a'));
  assert.equal(heard.length, 3);
  assert.deepEqual(
    tenants.list().map(({ id }) => id),
    ['b', 'd', 'e'],
  );
});

test('a name or host that two tenants claim is refused, and nothing changes', () => {
  assert.throws(() => staticTenants([settings('a'), settings('a')]), /tenant a is listed twice/);
  const tenants = staticTenants([settings('a', ['x.example'])]);
  assert.throws(
    () => tenants.put(settings('b', ['x.example'])),
    /host x.example belongs to tenant a and to b/,
  );
  assert.equal(tenants.list().length, 1);
});

test('a refused tenant is distinguished from an unknown one, by name and host', () => {
  const refused = [{ id: tenantId('b'), hosts: ['b.example', 'a.example'] }];
  const tenants = staticTenants([settings('a', ['a.example', 'a.example'])], refused);
  assert.deepEqual(
    [tenants.isRefused('b'), tenants.isRefused('a'), tenants.isRefused('c')],
    [true, false, false],
  );
  assert.ok(tenants.isRefusedHost('B.example:10001'));
  assert.ok(!tenants.isRefusedHost('a.example') && !tenants.isRefusedHost('c.example'), 'a serves its host');
  tenants.replaceAll([settings('a'), settings('b')], refused);
  assert.ok(!tenants.isRefused('b'), 'served nevertheless');
  tenants.replaceAll([settings('a'), settings('b')]);
  tenants.remove(tenantId('b'));
  assert.ok(!tenants.isRefused('b') && !tenants.isRefusedHost('b.example'));
});

test('a listener that fails for one tenant keeps no other from being notified', () => {
  const tenants = staticTenants([settings('gone')]);
  const told: string[] = [];
  tenants.onChange((id) => {
    if (id === 'bad') throw new Error('no');
  });
  tenants.onChange((id) => told.push(id));
  assert.throws(() => tenants.replaceAll([settings('bad'), settings('good')]), AggregateError);
  assert.deepEqual(told, ['bad', 'good', 'gone']);
  assert.ok(tenants.get(tenantId('bad')));
});

test('a wrong setting is refused by name', () => {
  assert.throws(() => settings('Not A Name'), /1 to 63/);
  assert.throws(() => tenantSettings({ id: 'a', tokenSecret: '', adminSecret: 'x' }), /tokenSecret/);
});
