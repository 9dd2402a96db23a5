import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childId, keyOf, labelIndex, ownerKeys, parseKey } from './keys.ts';
import { apiVersionOf, DEPLOYMENT, NODE, POD } from './resource-types.ts';
import type { Deployment } from './wire.ts';

test('keys and addresses convert into each other', () => {
  assert.equal(keyOf({ metadata: { namespace: 'a', name: 'b' } }), 'a/b');
  assert.deepEqual(parseKey('a/b'), { namespace: 'a', name: 'b' });
  assert.equal(keyOf({ name: 'node-1' }), 'node-1');
  assert.deepEqual(parseKey('node-1'), { name: 'node-1' });
  assert.throws(() => keyOf({ metadata: {} }), /without a name/);
  assert.equal(childId(DEPLOYMENT, { namespace: 'a', name: 'b' }), 'apps/Deployment/a/b');
});

test('resource types carry their address', () => {
  assert.equal(apiVersionOf(POD), 'v1');
  assert.equal(apiVersionOf(DEPLOYMENT), 'apps/v1');
  assert.deepEqual([DEPLOYMENT.group, DEPLOYMENT.version], ['apps', 'v1']);
  assert.equal(NODE.namespaced, false);
});

test('children map to their owners in any version, and to none of another group', () => {
  const child = (apiVersion: string, kind: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '1',
      ownerReferences: [{ apiVersion, kind, name: 'd', uid: 'o' }],
      labels: { app: 'im' },
    },
  });
  const owners = ownerKeys(DEPLOYMENT);
  assert.deepEqual(owners(child('apps/v1beta9', 'Deployment')), ['n/d']);
  assert.deepEqual(owners(child('other/v1', 'Deployment')), []);
  assert.deepEqual(owners(child('apps/v1', 'StatefulSet')), []);
  assert.deepEqual(ownerKeys(NODE)(child('v1', 'Node')), ['d']);
  assert.deepEqual(labelIndex('app')(child('v1', 'Node')), ['im']);
  assert.deepEqual(labelIndex('nothing')(child('v1', 'Node')), []);
});

test('objects are typed as plain JSON', () => {
  const deployment: Deployment = {
    metadata: { name: 'd', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 1 }] }] } },
    },
  };
  assert.equal(deployment.metadata?.creationTimestamp, '2026-01-01T00:00:00Z');
});
