import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staticTenants, tenantId, tenantSettings } from '@im/kit';
import { ImError } from '@im/protocol';
import { databaseOf, dedicatedDatabase } from './placement.ts';

test('a dedicated database has a name that MongoDB takes and that no other tenant has', () => {
  assert.equal(dedicatedDatabase('openim', tenantId('acme')), 'openim_acme');
  const long = (last: string) => dedicatedDatabase('d'.repeat(38), tenantId(`${'a'.repeat(62)}${last}`));
  assert.equal(long('x').length, 63);
  assert.notEqual(long('x'), long('y'));
});

test('placement decides the database; an unknown tenant has none', () => {
  const tenants = staticTenants([
    tenantSettings({ id: 'a', tokenSecret: 's', adminSecret: 's' }),
    tenantSettings({ id: 'b', tokenSecret: 's', adminSecret: 's', placement: 'Dedicated' }),
  ]);
  assert.equal(databaseOf(tenants, 'openim', tenantId('a')), 'openim');
  assert.equal(databaseOf(tenants, 'openim', tenantId('b')), 'openim_b');
  assert.throws(
    () => databaseOf(tenants, 'openim', tenantId('c')),
    (error: unknown) => error instanceof ImError && error.code === 90004,
  );
});
