import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '@im/kube';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { planTenants } from './create.ts';

function tenant(name: string, age: number, spec: Partial<OpenIMTenantSpec> = {}): Stored<OpenIMTenant> {
  return {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMTenant',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      generation: 3,
      creationTimestamp: new Date(1_000_000 - age).toISOString(),
    },
    spec: { clusterRef: { name: 'chat' }, ...spec },
  };
}

test('the default tenant always exists, and a resource may change its settings', () => {
  assert.deepEqual(planTenants([]).entries, [{ id: 'default', adminUserIDs: ['imAdmin'] }]);
  const { entries } = planTenants([tenant('default', 0, { friendVerify: true }), tenant('acme', 0)]);
  assert.deepEqual(entries, [
    { id: 'default', adminUserIDs: ['imAdmin'], friendVerify: true },
    { id: 'acme', adminUserIDs: ['imAdmin'] },
  ]);
});

test('fields of a tenant become settings of the services', () => {
  const [, entry] = planTenants([
    tenant('a', 0, {
      tenantID: 'acme',
      hosts: ['im.acme.test'],
      adminUserIDs: ['root'],
      placement: 'Dedicated',
      tokenPolicy: { expireDays: 7, multiLogin: 5 },
      suspended: true,
      quotas: { users: 10, messagesPerSecond: 5 },
    }),
  ]).entries;
  assert.deepEqual(entry, {
    id: 'acme',
    adminUserIDs: ['root'],
    hosts: ['im.acme.test'],
    placement: 'Dedicated',
    tokenExpireDays: 7,
    multiLogin: { policy: 5 },
    suspended: true,
    quotas: { users: 10, messagesPerSecond: 5 },
  });
});

test('of two resources with the same ID or host the older one gets it, and the message of the other has the remedy', () => {
  const { entries, refused } = planTenants([
    tenant('young', 1, { tenantID: 'acme', hosts: ['x.test'] }),
    tenant('old', 9, { tenantID: 'acme', hosts: ['y.test'] }),
    tenant('guest', 0, { hosts: ['y.test'] }),
    tenant('with.dots', 0),
  ]);
  assert.deepEqual(
    entries.map(({ id }) => id),
    ['default', 'acme'],
  );
  assert.match(
    refused.get('young')?.message ?? '',
    /spec\.tenantID: acme is already used by OpenIMTenant old; choose another ID/,
  );
  assert.match(
    refused.get('guest')?.message ?? '',
    /spec\.hosts: y\.test is already used by OpenIMTenant old/,
  );
  assert.equal(refused.get('with.dots')?.reason, 'InvalidTenantID');
});

test('fields that the running services do not know are left out of their config', () => {
  const given = tenant('acme', 0, {
    friendVerify: true,
    userLimits: { messagesPerSecond: 5 },
    quotas: { users: 3, objectBytes: 10 },
  });
  const entryAt = (level: number) => planTenants([given], level).entries[1];
  assert.deepEqual(entryAt(0), {
    id: 'acme',
    adminUserIDs: ['imAdmin'],
    friendVerify: true,
    quotas: { users: 3 },
  });
  assert.partialDeepStrictEqual(entryAt(1), {
    userLimits: { messagesPerSecond: 5 },
    quotas: { objectBytes: 10 },
  });
});
