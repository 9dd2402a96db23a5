import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import type { OpenIMTenantClassSpec } from '../../gen/openimtenantclass.ts';
import { clampedEntry, classified } from './tenant-class.ts';

const CLUSTER = { clusterRef: { name: 'chat' } };
const of = (spec: Partial<OpenIMTenantSpec>, limits: OpenIMTenantClassSpec) =>
  classified({ ...CLUSTER, ...spec }, 'bronze', limits);

test('a tenant that names nothing gets the defaults, or else the ceilings', () => {
  const limits = {
    ceilings: { quotas: { users: 1_000, connections: 500, groupSize: 200 }, tokenExpireDays: 30 },
    defaults: { quotas: { users: 10, retentionDays: 7 }, deletionPolicy: 'Purge', purgeAfterHours: 1 },
  } as const;
  const { spec, faults } = of({}, limits);
  assert.deepEqual(faults, []);
  assert.deepEqual(spec, {
    ...CLUSTER,
    quotas: { users: 10, connections: 500, groupSize: 200, retentionDays: 7 },
    tokenPolicy: { expireDays: 30 },
    deletionPolicy: 'Purge',
    purgeAfterHours: 1,
  });
  const { spec: own } = of({ quotas: { users: 20 }, deletionPolicy: 'Retain' }, limits);
  assert.deepEqual([own.quotas?.users, own.deletionPolicy], [20, 'Retain']);
});

test('what is above a ceiling is named with field, value and ceiling, and clamped; no limit is above every ceiling', () => {
  const { spec, faults, clamped } = of(
    { quotas: { users: 2_000, connections: 0 }, tokenPolicy: { expireDays: 90, multiLogin: 'SamePlatform' } },
    { ceilings: { quotas: { users: 1_000, connections: 500 }, tokenExpireDays: 30 } },
  );
  assert.deepEqual(faults, clamped);
  assert.deepEqual(clamped, [
    'spec.quotas.users: 2000 is above the ceiling 1000 of class bronze; lower it, or ask for a higher class',
    'spec.quotas.connections: no limit is above the ceiling 500 of class bronze; lower it, or ask for a higher class',
    'spec.tokenPolicy.expireDays: 90 is above the ceiling 30 of class bronze; lower it, or ask for a higher class',
  ]);
  assert.deepEqual(spec.quotas, { users: 1_000, connections: 500 });
  assert.deepEqual(spec.tokenPolicy, { expireDays: 30, multiLogin: 'SamePlatform' });
});

test('a default above the ceiling is the ceiling, and no fault of the tenant', () => {
  const { spec, faults } = of({}, { ceilings: { quotas: { users: 5 } }, defaults: { quotas: { users: 0 } } });
  assert.deepEqual([spec.quotas, faults], [{ users: 5 }, []]);
});

test('what a class does not allow is refused by field; a host below an allowed domain is not', () => {
  const webhooks = { url: 'https://hooks.example' };
  const asked = {
    ...{ webhooks, placement: 'Dedicated' as const, deletionPolicy: 'Purge' as const },
    hosts: ['im.shop.example', 'shop.example', 'evilshop.example', 'exact.test'],
  } satisfies Partial<OpenIMTenantSpec>;
  const allowed = {
    ...{ webhooks: false, dedicated: false, push: true },
    deletionPolicies: ['Retain'],
    hosts: ['*.shop.example', 'exact.test'],
  } as const;
  const { faults, clamped } = of(asked, { allowed });
  assert.deepEqual(clamped, []);
  assert.deepEqual(
    faults.map((fault) => fault.slice(0, fault.indexOf(' is not'))),
    [
      'spec.webhooks: webhooks',
      'spec.placement: Dedicated',
      'spec.deletionPolicy: Purge',
      'spec.hosts: shop.example',
      'spec.hosts: evilshop.example',
    ],
  );
  assert.deepEqual(of({}, { allowed }).faults, []);
  const [retained] = of({}, { allowed: { deletionPolicies: ['Purge'] } }).faults;
  assert.match(retained ?? '', /spec\.deletionPolicy: Retain is not allowed/);
});

test('what stays in force of a refused change is clamped too', () => {
  const entry = { id: 'shop', adminUserIDs: ['a'], quotas: { users: 9, messagesPerSecond: 5 } };
  const ceilings = { quotas: { users: 4, connections: 7, messagesPerSecond: 9 }, tokenExpireDays: 20 };
  assert.deepEqual(clampedEntry(entry, { ceilings }), {
    ...entry,
    quotas: { users: 4, connections: 7, messagesPerSecond: 5 },
    tokenExpireDays: 20,
  });
  assert.deepEqual(clampedEntry(entry, {}), entry);
});
