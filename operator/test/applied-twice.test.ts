import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, installProgram, programOf } from '@im/dev-kubernetes';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  INGRESS,
  type KubeObject,
  NETWORK_POLICY,
  POD_DISRUPTION_BUDGET,
  type ResourceType,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
} from '@im/kube';
import { OPENIM_CLUSTER, OPENIM_TENANT } from '../src/resources/kinds.ts';
import { ROOT } from './manifests.ts';
import { atRest, conditionOf, startOperator, usableStores, useFixture } from './operator-fixture.ts';

const PLACE = 'default';
const LONG_MS = 120_000;
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };
const TYPES = [
  CONFIG_MAP,
  DEPLOYMENT,
  INGRESS,
  NETWORK_POLICY,
  POD_DISRUPTION_BUDGET,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
] as readonly ResourceType<KubeObject>[];

const fixture = useFixture(PLACE);

/** Fields of every kind: numbers, quantities as numbers, lists of each type, maps, nested objects. */
const MANIFEST = `
apiVersion: openim.io/v1alpha1
kind: OpenIMCluster
metadata: { name: twice, namespace: ${PLACE} }
spec:
  imagePullSecrets: [{ name: pull }]
  serviceAccount: { annotations: { example.com/role: im } }
  podTemplate:
    tolerations: [{ key: pool, operator: Equal, value: im }]
    env: [{ name: TZ, value: UTC }]
  gateway:
    replicas: 1
    resources: { requests: { cpu: 1, memory: 512Mi } }
    service: { type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24] }
  api:
    ingress: { host: api.test, annotations: { example.com/a: b } }
  cron: { retention: { objectGroups: [sdklog] } }
  networkPolicy: { monitoringNamespaces: [monitoring, other] }
---
apiVersion: openim.io/v1alpha1
kind: OpenIMTenant
metadata: { name: shop, namespace: ${PLACE} }
spec:
  clusterRef: { name: twice }
  hosts: [shop.test, www.shop.test]
  adminUserIDs: [boss, deputy]
  quotas: { users: 1000 }
`;

/** Versions of everything that the cluster is made of, and the generations of the resources of users. */
async function state(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const type of TYPES) {
    const labelSelector = 'app.kubernetes.io/instance=twice';
    for (const { metadata } of (await fixture.client.list(type, { namespace: PLACE, labelSelector })).items) {
      // Controllers of Kubernetes write status, which changes the version.
      found[`${type.kind}/${metadata.name}`] = String(metadata.generation ?? metadata.resourceVersion);
    }
  }
  const cluster = await fixture.clusterOf('twice');
  const tenant = await fixture.client.get(OPENIM_TENANT, { namespace: PLACE, name: 'shop' });
  return {
    ...found,
    cluster: String(cluster.metadata.generation),
    spec: JSON.stringify(cluster.spec),
    tenant: String(tenant?.metadata.generation),
    revision: String(cluster.status?.gatewayRevision),
  };
}

async function settled(): Promise<void> {
  await eventually(async () => {
    const cluster = await fixture.clusterOf('twice');
    assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
    assert.equal(conditionOf(cluster, 'Progressing').status, 'False');
    assert.equal(conditionOf(cluster, 'Ready').status, 'True');
    assert.ok(await fixture.client.get(SECRET, { namespace: PLACE, name: 'twice.tenant.shop' }));
  }, LONG_MS);
}

async function rest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
}

test('the same manifests by kubectl apply, server-side apply of another manager, and Helm change nothing', async () => {
  await using operator = startOperator(fixture, PLACE, OPERATOR, { storeChecks: usableStores });
  const { plane } = fixture;
  const file = join(plane.dir, 'twice.yaml');
  await writeFile(file, MANIFEST);
  await plane.kubectl('apply', '-f', file);
  await settled();
  const look = async () => ({ state: await state(), events: operator.events.length });
  const { state: before, events } = await atRest(look, LONG_MS);
  assert.ok(Object.keys(before).length > 20, Object.keys(before).join());

  const again = await plane.kubectl('apply', '-f', file);
  assert.deepEqual(
    `${again}`
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1)),
    ['unchanged', 'unchanged'],
  );
  for (const manager of ['argocd-controller', 'argocd-controller', 'kustomize-controller']) {
    await plane.kubectl(
      'apply',
      '--server-side',
      '--force-conflicts',
      `--field-manager=${manager}`,
      '-f',
      file,
    );
    await rest();
    assert.deepEqual(await state(), before, manager);
  }
  assert.deepEqual(
    operator.events.slice(events).map(({ reason }) => reason),
    [],
  );
});

test('a chart with the same values upgrades without a change; what it installed is deleted', async () => {
  await using _operator = startOperator(fixture, PLACE, OPERATOR);
  const { plane } = fixture;
  const helm = join(await installProgram(programOf('helm')), 'helm');
  const run = (...args: string[]) => {
    const { status, stderr } = spawnSync(
      helm,
      [...args, '--namespace', PLACE, '--kubeconfig', plane.kubeconfig],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(status, 0, stderr);
  };
  const chart = join(ROOT, 'charts/openim-cluster');
  const install = () =>
    run('upgrade', '--install', 'charted', chart, '--set', 'keep=false,spec.gateway.replicas=1');
  install();
  const [made] = (
    await fixture.client.list(OPENIM_CLUSTER, {
      namespace: PLACE,
      labelSelector: 'app.kubernetes.io/managed-by=Helm',
    })
  ).items;
  assert.ok(made);
  const { name } = made.metadata;
  const generation = async () => (await fixture.clusterOf(name)).metadata.generation;
  await eventually(async () => {
    assert.ok((await fixture.clusterOf(name)).metadata.finalizers?.length, 'the operator has seen it');
  }, LONG_MS);
  const before = await generation();
  install();
  assert.equal(await generation(), before);
  run('uninstall', 'charted');
  await eventually(async () => {
    assert.equal(await fixture.client.get(OPENIM_CLUSTER, { namespace: PLACE, name }), undefined);
    assert.deepEqual(
      (await fixture.client.list(DEPLOYMENT, { namespace: PLACE })).items.filter(
        ({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] === name,
      ),
      [],
    );
  }, LONG_MS);
});
