import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import type { Stored } from '@im/kube';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { planTenants, tenantStatus } from './tenants.ts';

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

test('the default tenant is always there, and a resource may change its settings', () => {
  assert.deepEqual(planTenants([]).entries, [{ id: 'default', adminUserIDs: ['imAdmin'] }]);
  const { entries } = planTenants([tenant('default', 0, { friendVerify: true }), tenant('acme', 0)]);
  assert.deepEqual(entries, [
    { id: 'default', adminUserIDs: ['imAdmin'], friendVerify: true },
    { id: 'acme', adminUserIDs: ['imAdmin'] },
  ]);
});

test('settings are told to the services in their words', () => {
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

test('of two that ask for the same name or host the older gets it; the other says what to do', () => {
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
    /spec\.tenantID: acme belongs to OpenIMTenant old; choose another/,
  );
  assert.match(refused.get('guest')?.message ?? '', /spec\.hosts: y\.test belongs to OpenIMTenant old/);
  assert.equal(refused.get('with.dots')?.reason, 'InvalidTenantID');
});

test('a tenant is ready when every process has the config that holds it', () => {
  const process = (configHash: string) => ({ configHash }) as ProcessStatus;
  const status = (processes: [string, ProcessStatus][], spec: Partial<OpenIMTenantSpec> = {}) =>
    tenantStatus({
      tenant: tenant('acme', 0, spec),
      refusal: undefined,
      configHash: 'new',
      processes: new Map(processes),
      endpoints: { api: 'http://a', webSocket: 'ws://w', objectStorage: 'http://o' },
      now: new Date(0),
    });
  const half = status([
    ['p', process('new')],
    ['q', process('old')],
  ]);
  assert.partialDeepStrictEqual(half.conditions?.[0], { status: 'False', reason: 'TakingOver' });
  assert.match(half.conditions?.[0]?.message ?? '', /1 of 2 processes/);
  const all = status([['p', process('new')]]);
  assert.partialDeepStrictEqual(all.conditions?.[0], {
    status: 'True',
    reason: 'Serving',
    observedGeneration: 3,
  });
  assert.deepEqual(all.endpoints, { api: 'http://a/t/acme', webSocket: 'ws://w/t/acme' });
  assert.deepEqual(all.adminSecretRef, { name: 'chat-tenant-acme' });
  assert.equal(status([['p', process('new')]], { suspended: true }).conditions?.[0]?.reason, 'Suspended');
});

test('what the running services would refuse in their config is not told to them, but to who reads the status', () => {
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
  const { conditions } = tenantStatus({
    tenant: given,
    refusal: undefined,
    configHash: 'new',
    processes: new Map([['p', { configHash: 'new' } as ProcessStatus]]),
    leftOut: ['spec.userLimits'],
    endpoints: { api: 'http://a', webSocket: 'ws://w', objectStorage: 'http://o' },
    now: new Date(0),
  });
  assert.partialDeepStrictEqual(conditions?.[0], { status: 'True', reason: 'SettingsLeftOut' });
  assert.match(
    conditions?.[0]?.message ?? '',
    /without spec\.userLimits, which not every running version knows/,
  );
});
