import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenant } from '../../../test/tenant-fixture.ts';
import { planTenants } from './create.ts';

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

test('notifications are listed by name or content type, each once', () => {
  const { entries, refused } = planTenants([
    tenant('named', 2, {
      notifications: [
        { name: 'groupCreated', isSendMsg: false },
        { contentType: 1510, reliabilityLevel: 2 },
      ],
    }),
    tenant('twice', 1, { notifications: [{ name: 'groupCreated' }, { contentType: 1501 }] }),
  ]);
  assert.deepEqual(entries[1]?.notifications, { 1501: { isSendMsg: false }, 1510: { reliabilityLevel: 2 } });
  assert.match(
    refused.get('twice')?.message ?? '',
    /^spec\.notifications\.1: 1501 is in the list before; remove one of the two/,
  );
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

test('what the services would reject is refused alone, with field and remedy', () => {
  const { entries, refused } = planTenants([
    tenant('fine', 9),
    tenant('absurd', 8, { quotas: { storageBytes: 2 ** 63 } }),
    tenant('days', 7, { tokenPolicy: { expireDays: 0 } }),
    // Would show it the secrets of others.
    tenant('thief', 6, { adminNicknames: [['$', '{file:/run/fine}'].join('')] }),
    tenant('late', 5),
  ]);
  assert.deepEqual(
    entries.map(({ id }) => id),
    ['default', 'fine', 'late'],
  );
  const messageOf = (name: string) => `${refused.get(name)?.reason}: ${refused.get(name)?.message}`;
  assert.match(messageOf('absurd'), /^InvalidSettings: spec\.quotas\.storageBytes: .*; correct it$/);
  assert.match(messageOf('days'), /^InvalidSettings: spec\.tokenPolicy\.expireDays: /);
  assert.match(
    messageOf('thief'),
    /^InvalidSettings: spec\.adminNicknames\.0: contains "\$\{".*; remove it$/,
  );
});

test('more tenants than the config of a cluster can hold are refused, the youngest first', () => {
  const hostsOf = (i: number) =>
    Array.from({ length: 32 }, (_, host) => `${'h'.repeat(50)}${host}.t${i}.test`);
  const many = Array.from({ length: 500 }, (_, i) => tenant(`t${i}`, 500 - i, { hosts: hostsOf(i) }));
  const { entries, refused } = planTenants(many);
  assert.ok(entries.length > 300 && refused.size > 0, `${entries.length} entries`);
  assert.equal(refused.get('t0'), undefined);
  assert.equal(refused.get('t499')?.reason, 'ClusterFull');
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
