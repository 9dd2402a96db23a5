import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessStatus } from '@im/contract';
import type { Stored } from '@im/kube';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { tenantStatus } from './status.ts';

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

test('the status names fields that the running services do not know', () => {
  const { conditions } = tenantStatus({
    tenant: tenant('acme', 0, { userLimits: { messagesPerSecond: 5 } }),
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
    /without spec\.userLimits, which at least one running version does not support/,
  );
});
