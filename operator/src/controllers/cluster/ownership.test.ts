import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, ObjectMeta, Stored } from '@im/kube';
import { labelsOf, nameOf, ownerReference } from '../../resources/names.ts';
import { ForeignObjectError, ownershipOf, requireOurs } from './ownership.ts';

const CHAT = { name: 'chat', namespace: 'im', uid: 'u1' };

function service(metadata: Partial<ObjectMeta>): Stored<KubeObject> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'chat-api', namespace: 'im', uid: 's1', resourceVersion: '1', ...metadata },
  };
}

test('what the cluster controls is its own, and so is what has no controller and its labels', () => {
  assert.equal(ownershipOf(service({ ownerReferences: [ownerReference(CHAT)] }), CHAT), 'ours');
  assert.equal(ownershipOf(service({ labels: labelsOf('chat') }), CHAT), 'ours');
});

test('what others made is foreign, whatever its name and instance', () => {
  const release = { 'app.kubernetes.io/instance': 'chat', 'app.kubernetes.io/managed-by': 'Helm' };
  assert.equal(ownershipOf(service({}), CHAT), 'foreign');
  assert.equal(ownershipOf(service({ labels: release }), CHAT), 'foreign');
  assert.equal(ownershipOf(service({ labels: labelsOf('chat-api') }), CHAT), 'foreign');
  const other = ownerReference({ ...CHAT, name: 'other', uid: 'u2' });
  const labelled = service({ labels: labelsOf('chat'), ownerReferences: [other] });
  assert.equal(ownershipOf(labelled, CHAT), 'foreign');
});

test('an object of the deleted cluster of the same name is waited for, not refused', () => {
  const former = service({ ownerReferences: [ownerReference({ ...CHAT, uid: 'u0' })] });
  assert.equal(ownershipOf(former, CHAT), 'predecessor');
  assert.throws(
    () => requireOurs(former, CHAT),
    (error) => !(error instanceof ForeignObjectError) && /deleted OpenIMCluster chat/.test(`${error}`),
  );
});

test('the annotation gives an object to the cluster that it names, not to another', () => {
  for (const [value, expected] of [
    ['chat', 'ours'],
    ['u1', 'ours'],
    ['other', 'foreign'],
  ] as const) {
    assert.equal(ownershipOf(service({ annotations: { 'openim.io/adopt': value } }), CHAT), expected);
  }
});

test('the refusal names object, manager and remedies', () => {
  const helm = service({ labels: { 'app.kubernetes.io/managed-by': 'Helm' } });
  assert.throws(
    () => requireOurs(helm, CHAT),
    (error) =>
      error instanceof ForeignObjectError &&
      error.refusal.reason === 'ForeignObject' &&
      /Service chat-api in namespace im .*managed by Helm.*delete it.*another name.*kubectl annotate service chat-api -n im openim\.io\/adopt=chat$/.test(
        error.message,
      ),
  );
});

test('no tenant of a cluster has the Secret of another cluster', () => {
  const ids = ['credentials', 'x-admin', 'tenants', 'config'];
  const ofTenants = ids.map((id) => nameOf.admin('chat', id));
  const ofOthers = ['chat-tenant', 'chat-tenant-x'].flatMap((name) => [
    nameOf.credentials(name),
    nameOf.admin(name),
    nameOf.tenants(name),
    nameOf.config(name),
  ]);
  assert.deepEqual(
    ofTenants.filter((name) => ofOthers.includes(name)),
    [],
  );
});
