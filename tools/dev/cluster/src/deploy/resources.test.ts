import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Condition, isReady, isSettled, type OpenIMCluster, waitsFor } from './resources.ts';

const condition = (type: string, status: Condition['status'], message = ''): Condition => ({
  type,
  status,
  message,
});

function cluster(conditions: readonly Condition[], more: OpenIMCluster['status'] = {}): OpenIMCluster {
  return {
    metadata: { name: 'chat', generation: 2 },
    spec: {},
    status: { observedGeneration: 2, conditions, ...more },
  };
}

test('a cluster is ready when the operator says so of the spec as it is now', () => {
  const ready = cluster([condition('Ready', 'True'), condition('Progressing', 'True')]);
  assert.equal(isReady(ready), true);
  assert.equal(isReady({ ...ready, metadata: { name: 'chat', generation: 3 } }), false);
  assert.equal(isSettled(ready), false);
  assert.equal(isSettled(cluster([condition('Ready', 'True'), condition('Progressing', 'False')])), true);
});

test('the reason for waiting is derived from the nearest cause', () => {
  const bad = [condition('Ready', 'False', 'all of it'), condition('NATSAvailable', 'False', 'no answer')];
  const components = [{ name: 'nats', ready: 0, desired: 1 }];
  assert.equal(waitsFor({ metadata: { name: 'chat' }, spec: {} }), 'the operator has not looked at it yet');
  assert.equal(
    waitsFor(cluster(bad, { observedGeneration: 1 })),
    'the operator has not seen the last change yet',
  );
  assert.equal(waitsFor(cluster(bad, { components })), 'pods that are not ready: nats 0/1');
  assert.equal(waitsFor(cluster(bad)), 'NATSAvailable: no answer');
  const rollout = { stage: 'rpc', message: '1 of 2 pods are new' };
  assert.equal(waitsFor(cluster([condition('Ready', 'Unknown')], { rollout })), 'rpc: 1 of 2 pods are new');
});
