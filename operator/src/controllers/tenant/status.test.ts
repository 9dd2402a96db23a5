import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '@im/kube';
import { tenant } from '../../../test/tenant-fixture.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import type { Coverage } from './delivery.ts';
import { nextKeyEnd, type TenantStatusInput, tenantStatus } from './status.ts';

const coverage = (current: number, all: number, unknown = 0): Coverage => ({
  current,
  all,
  unknown,
  refusal: undefined,
});
const statusOf = (input: Partial<TenantStatusInput>) =>
  tenantStatus({
    tenant: tenant('acme', 0),
    refusal: undefined,
    accepted: true,
    coverage: coverage(2, 2),
    endpoints: { api: 'http://a', webSocket: 'ws://w', objectStorage: 'http://o' },
    now: new Date(0),
    ...input,
  });
/** A tenant with this status. */
const having = (status: OpenIMTenant['status'], generation = 3): Stored<OpenIMTenant> => {
  const base = tenant('acme', 0);
  return { ...base, metadata: { ...base.metadata, generation }, ...(status && { status }) };
};

test('a tenant is ready when every process has its settings', () => {
  const half = statusOf({ coverage: coverage(1, 2) });
  assert.partialDeepStrictEqual(half.conditions?.[0], { status: 'False', reason: 'TakingOver' });
  assert.match(half.conditions?.[0]?.message ?? '', /1 of 2 processes/);
  assert.equal(half.inForceSince, undefined);
  const all = statusOf({});
  assert.partialDeepStrictEqual(all.conditions?.[0], {
    status: 'True',
    reason: 'Serving',
    observedGeneration: 3,
  });
  assert.deepEqual(all.endpoints, { api: 'http://a/t/acme', webSocket: 'ws://w/t/acme' });
  assert.deepEqual(all.adminSecretRef, { name: 'chat.tenant.acme' });
  assert.equal(all.inForceSince, '1970-01-01T00:00:00Z');
  const suspended = statusOf({ tenant: tenant('acme', 0, { suspended: true }) });
  assert.equal(suspended.conditions?.[0]?.reason, 'Suspended');
  assert.equal(statusOf({ coverage: coverage(0, 0) }).conditions?.[0]?.reason, 'TakingOver');
});

test('a tenant in force stays ready until a process is known to lack its settings', () => {
  const ready = having(statusOf({}));
  const later = { now: new Date(60_000), tenant: ready };
  for (const input of [
    { coverage: coverage(1, 2, 1) },
    { coverage: coverage(0, 0) },
    { accepted: false },
    {},
  ]) {
    const { conditions, inForceSince } = statusOf({ ...later, ...input });
    assert.equal(conditions?.[0]?.status, 'True', JSON.stringify(input));
    assert.equal(inForceSince, '1970-01-01T00:00:00Z');
  }
  assert.equal(statusOf({ ...later, coverage: coverage(1, 2) }).conditions?.[0]?.status, 'False');
});

test('changed settings are not in force before all processes have them, and then since that time', () => {
  const changed = having(statusOf({}), 4);
  const pending = statusOf({ tenant: changed, coverage: coverage(0, 2, 2), now: new Date(60_000) });
  assert.equal(pending.conditions?.[0]?.reason, 'TakingOver');
  const done = statusOf({ tenant: changed, now: new Date(60_000) });
  assert.equal(done.inForceSince, '1970-01-01T00:01:00Z');
});

test('the status names fields that the running services do not know, and what a process rejects', () => {
  const { conditions } = statusOf({ leftOut: ['spec.userLimits'] });
  assert.partialDeepStrictEqual(conditions?.[0], { status: 'True', reason: 'SettingsLeftOut' });
  assert.match(
    conditions?.[0]?.message ?? '',
    /without spec\.userLimits, which at least one running version does not support/,
  );
  const rejected = statusOf({ coverage: { ...coverage(2, 2), refusal: 'quotas.users: too big' } });
  assert.partialDeepStrictEqual(rejected.conditions?.[0], { status: 'False', reason: 'RefusedByProcess' });
});

test('a refused change says what is wrong and which generation stays in force', () => {
  const refusal = { reason: 'InvalidSettings', message: 'spec.hosts: too many; correct it' };
  const ready = statusOf({ inForceGeneration: 3 });
  assert.equal(ready.inForceGeneration, 3);
  const changed = { tenant: having(ready, 4), refusal };
  const kept = statusOf({ ...changed, isKept: true, inForceGeneration: 3 });
  assert.partialDeepStrictEqual(kept, { observedGeneration: 4, inForceGeneration: 3 });
  assert.partialDeepStrictEqual(kept.conditions?.[0], { status: 'False', ...refusal });
  assert.deepEqual(kept.endpoints, ready.endpoints, 'its clients are served');
  const dropped = statusOf(changed);
  assert.deepEqual([dropped.inForceGeneration, dropped.endpoints], [undefined, undefined]);
});

test('KeysRotated says how far a rotation is, and a former key ends by itself', () => {
  const asked = tenant('acme', 0, { keys: { signing: { rotation: 'x' } } });
  const keys = [
    { purpose: 'Signing', id: 'aaaaaaaaaaaa', state: 'Current' },
    { purpose: 'Signing', id: 'bbbbbbbbbbbb', state: 'Former', until: '1970-01-01T01:00:00.000Z' },
  ] as const;
  const at = (hours: number, pending?: NonNullable<TenantStatusInput['rotation']>['pending']) =>
    statusOf({
      ...{ tenant: asked, now: new Date(hours * 3_600_000) },
      rotation: { changes: {}, keys, wanted: true, ...(pending && { pending }) },
    });
  const rotatedOf = (status: OpenIMTenant['status']) =>
    status?.conditions?.find(({ type }) => type === 'KeysRotated');
  const loading = rotatedOf(at(0, { reason: 'LoadingKey', message: 'm' }));
  assert.partialDeepStrictEqual(loading, { status: 'False', reason: 'LoadingKey', observedGeneration: 3 });
  const overlapping = at(0);
  assert.partialDeepStrictEqual(rotatedOf(overlapping), { status: 'True', reason: 'Overlapping' });
  assert.match(rotatedOf(overlapping)?.message ?? '', /key bbbbbbbbbbbb is accepted until 1970-01-01T01/);
  assert.equal(nextKeyEnd(overlapping, 0), 3_600_000);
  const ended = at(1);
  assert.equal(rotatedOf(ended)?.reason, 'Rotated');
  assert.deepEqual(
    ended.keys?.map(({ state }) => state),
    ['Current', 'Ended'],
  );
  assert.equal(nextKeyEnd(ended, 3_600_000), undefined);
  assert.equal(rotatedOf(statusOf({})), undefined, 'none is asked for');
});
