import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT, tenantId } from './tenant.ts';

test('a tenant is named by a DNS label', () => {
  for (const good of ['a', '7', 'acme-2', 'x'.repeat(63)]) assert.equal(tenantId(good), good);
  for (const bad of ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a/b', 'a*', 'é', 'x'.repeat(64)]) {
    assert.throws(() => tenantId(bad), { name: 'RangeError', message: /is not a name/ }, JSON.stringify(bad));
  }
  assert.equal(DEFAULT_TENANT, 'default');
});
