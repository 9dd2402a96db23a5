import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import { createKubeClient, NAMESPACE, POD } from '@im/kube';
import { OPENIM_CLUSTER, OPENIM_TENANT } from '../src/resources/kinds.ts';
import { FINALIZER } from '../src/resources/names.ts';
import { startFixture, startOperator } from './operator-fixture.ts';

/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;

/** What the chart grants in the namespace of the clusters; the deletion of the namespace takes it. */
const IN_NAMESPACE = `
kind: Role
apiVersion: rbac.authorization.k8s.io/v1
metadata: { name: operator, namespace: im }
rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]
---
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: { name: operator, namespace: im }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator }
subjects: [{ kind: User, apiGroup: rbac.authorization.k8s.io, name: operator }]
`;
/** What the chart grants beyond it with `watchNamespace`; chart.test.ts holds that it does. */
const EVERYWHERE = `
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: { name: operator-deletion }
rules:
  - { apiGroups: [''], resources: [namespaces], resourceNames: [im], verbs: [get] }
  - { apiGroups: [openim.io], resources: [openimclusters, openimtenants], verbs: [patch] }
---
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: { name: operator-deletion }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: operator-deletion }
subjects: [{ kind: User, apiGroup: rbac.authorization.k8s.io, name: operator }]
`;

test('a namespace with a cluster is deleted although the rights of the operator in it go first', async (t) => {
  const fixture = await startFixture('im');
  t.after(() => fixture.stop());
  const { plane, client } = fixture;
  await plane.kubectl('create', 'namespace', 'im');
  const manifest = `${plane.dir}/rbac.yaml`;
  await writeFile(manifest, `${IN_NAMESPACE}---${EVERYWHERE}`);
  await plane.kubectl('apply', '-f', manifest);
  const kubeconfigPath = await plane.kubeconfigFor({ commonName: 'operator' });
  const restricted = await createKubeClient({ kubeconfigPath });
  t.after(() => restricted.close());
  await using _operator = startOperator({ client: restricted, nodes: fixture.nodes }, 'im', {
    version: '0.1.0',
    image: 'openim/openim-operator:1',
  });
  for (const [name, deletionPolicy] of [
    ['kept', 'Retain'],
    ['purged', 'Purge'],
  ] as const) {
    const metadata = { name, namespace: 'im' };
    const spec = { gateway: { replicas: 1 }, deletionPolicy };
    const cluster = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', metadata, spec };
    await client.apply(OPENIM_CLUSTER, cluster, { fieldManager: 'person' });
  }
  const tenant = {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMTenant',
    metadata: { name: 'shop', namespace: 'im' },
    spec: { clusterRef: { name: 'kept' }, deletionPolicy: 'Purge' as const },
  };
  await client.apply(OPENIM_TENANT, tenant, { fieldManager: 'person' });
  await eventually(async () => {
    const shop = await client.get(OPENIM_TENANT, { namespace: 'im', name: 'shop' });
    assert.ok(shop?.metadata.finalizers?.includes(FINALIZER));
    const { items } = await client.list(OPENIM_CLUSTER, { namespace: 'im' });
    assert.ok(items.every(({ metadata }) => metadata.finalizers?.includes(FINALIZER)));
    assert.ok((await client.list(POD, { namespace: 'im' })).items.length >= 8);
  }, LONG_MS);
  await plane.kubectl('delete', 'rolebinding', 'operator', '-n', 'im');
  await plane.kubectl('delete', 'namespace', 'im', '--wait=false');
  await eventually(async () => {
    assert.equal(await client.get(NAMESPACE, { name: 'im' }), undefined);
  }, LONG_MS);
});
