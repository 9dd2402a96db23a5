import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '@im/kube';
import { tenant } from '../../../test/tenant-fixture.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
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
      tokenPolicy: { expireDays: 7, multiLogin: 'AllButPC' },
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
  const entryAt = (level: number) => planTenants([given], { level }).entries[1];
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

/** Plans resources after others of the same names were in force, with another generation. */
function planAfter(before: readonly Stored<OpenIMTenant>[], after: readonly Stored<OpenIMTenant>[]) {
  const { inForce } = planTenants(before);
  const changed = after.map((each) => ({ ...each, metadata: { ...each.metadata, generation: 4 } }));
  return planTenants(changed, { inForce: ({ metadata }) => inForce.get(metadata.uid) });
}

test('an invalid change leaves what is in force, says of which generation it is, and may suspend', () => {
  const { entries, refused, inForce } = planAfter(
    [tenant('shop', 2, { friendVerify: true }), tenant('lab', 1, { suspended: true })],
    [
      tenant('shop', 2, { friendVerify: false, suspended: true, tokenPolicy: { expireDays: 0 } }),
      tenant('lab', 1, { suspended: false, tokenPolicy: { expireDays: 0 } }),
      tenant('never', 0, { tokenPolicy: { expireDays: 0 } }),
    ],
  );
  assert.deepEqual(entries.slice(1), [
    { id: 'shop', adminUserIDs: ['imAdmin'], friendVerify: true, suspended: true },
    { id: 'lab', adminUserIDs: ['imAdmin'], suspended: true },
  ]);
  assert.match(
    refused.get('shop')?.message ?? '',
    /^spec\.tokenPolicy\.expireDays: .*; correct it\. Until then its settings of generation 3 stay in force$/,
  );
  assert.equal(inForce.get('shop')?.generation, 3);
  assert.doesNotMatch(refused.get('never')?.message ?? '', /in force/);
  assert.equal(inForce.has('never'), false);
});

test('an older tenant takes no host from a younger one that has it in force', () => {
  const before = [tenant('old', 9), tenant('young', 1, { hosts: ['im.test', 'x.test'] })];
  const claim = tenant('old', 9, { hosts: ['im.test'], friendVerify: true });
  const stolen = planAfter(before, [claim, before[1] as Stored<OpenIMTenant>]);
  assert.deepEqual(stolen.entries.slice(1), [
    { id: 'old', adminUserIDs: ['imAdmin'] },
    { id: 'young', adminUserIDs: ['imAdmin'], hosts: ['im.test', 'x.test'] },
  ]);
  assert.match(
    stolen.refused.get('old')?.message ?? '',
    /^spec\.hosts: im\.test is already used by OpenIMTenant young; .* generation 3 stay/,
  );
  // Given up, it is free at once; an invalid change gives nothing up.
  const given = planAfter(before, [claim, tenant('young', 1, { hosts: ['x.test'] })]);
  assert.deepEqual(given.refused.size, 0);
  const invalid = planAfter(before, [claim, tenant('young', 1, { tokenPolicy: { expireDays: 0 } })]);
  assert.deepEqual([...invalid.refused.keys()], ['old', 'young']);
  assert.deepEqual(invalid.entries.at(-1)?.hosts, ['im.test', 'x.test']);
});

test('no tenant is without a host and also in the way of one that got it', () => {
  const before = [tenant('first', 9, { hosts: ['a.test'] }), tenant('second', 1, { hosts: ['b.test'] })];
  const { entries, refused } = planAfter(before, [
    tenant('first', 9, { hosts: ['c.test', 'b.test'] }),
    tenant('second', 1, { hosts: ['a.test', 'b.test'] }),
  ]);
  assert.deepEqual([...refused.keys()], ['first']);
  assert.deepEqual(
    entries.slice(1).map(({ hosts }) => hosts),
    [[], ['a.test', 'b.test']],
  );
});

test('a tenant that grows takes no room from one in force', () => {
  const hostsOf = (name: string, count: number) =>
    Array.from({ length: count }, (_, host) => `${'h'.repeat(50)}${host}.${name}.test`);
  const many = Array.from({ length: 400 }, (_, i) =>
    tenant(`t${i}`, 500 - i, { hosts: hostsOf(`t${i}`, 28) }),
  );
  const { entries: before, refused: none } = planTenants(many);
  assert.equal(none.size, 0);
  const greedy = many.map((each, i) =>
    i < 200 ? tenant(`t${i}`, 500 - i, { hosts: hostsOf(`t${i}`, 60) }) : each,
  );
  const { entries, refused } = planAfter(many, greedy);
  assert.equal(entries.length, before.length, 'all stay');
  assert.ok(refused.size > 0);
  for (const [name, { reason, message }] of refused) {
    assert.ok(Number(name.slice(1)) < 200, `${name} did not grow`);
    assert.equal(reason, 'ClusterFull');
    assert.match(message, /Until then its settings of generation 3 stay in force$/);
  }
});

test('shards hold many times as much, each tenant stays in its shard, and a large one goes where there is room', () => {
  const hostsOf = (name: string, count: number) =>
    Array.from({ length: count }, (_, host) => `${'h'.repeat(50)}${host}.${name}.test`);
  const many = Array.from({ length: 1_500 }, (_, i) =>
    tenant(`t${i}`, 2_000 - i, { hosts: hostsOf(`t${i}`, 32) }),
  );
  const plan = planTenants(many, { shards: 16 });
  assert.equal(plan.refused.size, 0);
  const sizes = plan.shards.map(({ entries }) => entries.length);
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    plan.entries.length,
  );
  assert.ok(Math.min(...sizes) > 10, `${sizes}`);
  const placesOf = ({ inForce }: typeof plan) =>
    new Map([...inForce].map(([uid, { shard }]) => [uid, shard]));
  const inForce = ({ metadata }: Stored<OpenIMTenant>) => plan.inForce.get(metadata.uid);
  // One changes, one goes, one comes.
  const next = [...many.slice(1, -1), tenant('t599', 1, { friendVerify: true }), tenant('new', 0)];
  const later = planTenants(next, { shards: 16, inForce });
  for (const [uid, shard] of placesOf(later))
    if (uid !== 'new') assert.equal(shard, placesOf(plan).get(uid), `${uid} moved`);
  // Nine tenths of all shards are filled, wherever the hashes point.
  const label = 'h'.repeat(60);
  const large = Array.from({ length: 860 }, (_, i) =>
    tenant(`l${i}`, 900 - i, {
      hosts: Array.from(
        { length: 60 },
        (_, n) => `${label}.${label}.${label}.${label.slice(0, 40)}.l${i}x${n}`,
      ),
    }),
  );
  const packed = planTenants(large, { shards: 16 });
  assert.equal(packed.refused.size, 0);
  assert.ok(packed.shards.every(({ entries }) => JSON.stringify(entries).length < 900_000));
});
