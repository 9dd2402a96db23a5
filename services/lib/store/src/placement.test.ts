import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId, tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { ImError } from '@im/protocol';
import { dedicatedDatabase, placements } from './placement.ts';

test('a dedicated database has a name that MongoDB takes and that no other tenant has', () => {
  assert.equal(dedicatedDatabase('openim', tenantId('acme')), 'openim_acme');
  const long = (last: string) => dedicatedDatabase('d'.repeat(38), tenantId(`${'a'.repeat(62)}${last}`));
  assert.equal(long('x').length, 63);
  assert.notEqual(long('x'), long('y'));
});

test('placement decides the database; a tenant that was removed keeps its own, an unknown one has none', () => {
  const tenants = staticTenants([
    tenantSettings({ id: 'a', tokenSecret: 's', adminSecret: 's' }),
    tenantSettings({ id: 'b', tokenSecret: 's', adminSecret: 's', placement: 'Dedicated' }),
  ]);
  const places = placements(tenants, 'openim');
  assert.equal(places.databaseOf(tenantId('a')), 'openim');
  assert.equal(places.databaseOf(tenantId('b')), 'openim_b');
  places.remember(tenantId('b'), 'Dedicated');
  tenants.remove(tenantId('b'));
  assert.equal(places.databaseOf(tenantId('b')), 'openim_b');
  assert.throws(
    () => places.databaseOf(tenantId('c')),
    (error: unknown) => error instanceof ImError && error.code === 90004,
  );
});
