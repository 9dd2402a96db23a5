import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT, endpointOf, splitTenantPrefix, tenantId, tenantURL } from './tenant.ts';

test('a tenant is named by a DNS label', () => {
  for (const good of ['a', '7', 'acme-2', 'x'.repeat(63)]) assert.equal(tenantId(good), good);
  for (const bad of ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a/b', 'a*', 'é', 'x'.repeat(64)]) {
    assert.throws(() => tenantId(bad), { name: 'RangeError', message: /is not a name/ }, JSON.stringify(bad));
  }
  assert.equal(DEFAULT_TENANT, 'default');
});

test('a tenant is below every endpoint, the default one at its root', () => {
  assert.equal(tenantURL('http://h:1', 'default'), 'http://h:1');
  assert.equal(tenantURL('ws://h:1/base', 't2'), 'ws://h:1/base/t/t2');
  assert.equal(tenantURL('', 't2'), '');
});

test('the endpoint follows from the address of a tenant', () => {
  for (const endpoint of ['', 'http://h:1', 'https://t', 'https://t/x', 'https://h/t', 'https://h/base'])
    for (const tenant of ['default', 't2']) {
      const address = tenantURL(endpoint, tenant);
      assert.equal(endpointOf(address), endpoint, address);
      assert.equal(endpointOf(`${address}/`), endpoint, `${address}/`);
    }
});

test('a path prefix is split from the rest of the URL', () => {
  for (const [url, expected] of [
    ['/t/t2', { name: 't2', prefix: '/t/t2', url: '/' }],
    ['/t/t2/', { name: 't2', prefix: '/t/t2', url: '/' }],
    ['/t/t2?a=1', { name: 't2', prefix: '/t/t2', url: '/?a=1' }],
    ['/t/t2/user/x?y=/t/z', { name: 't2', prefix: '/t/t2', url: '/user/x?y=/t/z' }],
    ['/t/No_Name/x', { name: 'No_Name', prefix: '/t/No_Name', url: '/x' }],
    ['/t/', undefined],
    ['/t', undefined],
    ['/user/t/t2', undefined],
    ['/', undefined],
  ] as const)
    assert.deepEqual(splitTenantPrefix(url), expected, url);
});
