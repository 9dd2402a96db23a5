import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, Stored } from '@im/kube';
import { effectiveSpec } from '../../resources/effective.ts';
import { runningReplicas } from './running-replicas.ts';

const OPERATOR = { version: '0.1.0', image: 'im:1' };
const deployment = (replicas: number, manager: string): Stored<Deployment> => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    ...{ name: 'x', uid: 'x', resourceVersion: '1' },
    managedFields: [
      { manager: 'openim-operator', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:template': {} } } },
      { manager, operation: 'Update', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    ],
  },
  spec: { replicas, selector: {}, template: {} },
});
const of = (spec: Parameters<typeof effectiveSpec>[0], found: Stored<Deployment> | undefined) =>
  runningReplicas(spec, effectiveSpec(spec, OPERATOR), (role) => (role === 'rpc' ? found : undefined));

test('without replicas in the spec, the number that runs stays, and one that another client has set is left to it', () => {
  const scaled = of({}, deployment(7, 'kube-controller-manager'));
  assert.equal(scaled.effective.rpc.replicas, 7);
  assert.deepEqual(scaled.scaledByOthers, ['rpc']);
  const own = of({}, deployment(5, 'openim-operator'));
  assert.equal(own.effective.rpc.replicas, 5, 'as when the field is removed from the spec');
  assert.deepEqual(own.scaledByOthers, []);
  assert.equal(of({}, undefined).effective.rpc.replicas, 2, 'of a new cluster');
});

test('replicas in the spec count whatever others set, and no role is switched off by its Deployment', () => {
  const given = of({ rpc: { replicas: 3 } }, deployment(7, 'kube-controller-manager'));
  assert.deepEqual([given.effective.rpc.replicas, given.scaledByOthers], [3, []]);
  const none = of({}, deployment(0, 'kubectl'));
  assert.deepEqual([none.effective.rpc.replicas, none.scaledByOthers], [2, []]);
});
