import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import { CertificateAuthority } from '@im/dev-stores';
import { CONFIG_MAP, DEPLOYMENT, INGRESS, POD, SECRET } from '@im/kube';
import type { CheckResult } from '../src/checks/check.ts';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { HTTP_ROUTE } from '../src/resources/http-routes.ts';
import { OPENIM_CLUSTER } from '../src/resources/kinds.ts';
import { REVISION_LABEL } from '../src/resources/names.ts';
import { encoded } from '../src/resources/secrets.ts';
import { conditionOf, startOperator, usableStores, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };

const fixture = useFixture(NAMESPACE);

async function settled(name: string): Promise<void> {
  await eventually(async () => {
    const cluster = await fixture.clusterOf(name);
    assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
    const progressing = conditionOf(cluster, 'Progressing');
    assert.equal(progressing.status, 'False', progressing.message);
    assert.equal(conditionOf(cluster, 'WorkloadsAvailable').status, 'True');
  }, LONG_MS);
}

async function gatewaysOf(name: string): Promise<number> {
  const labelSelector = `app.kubernetes.io/instance=${name},${REVISION_LABEL}`;
  return (await fixture.client.list(POD, { namespace: NAMESPACE, labelSelector })).items.length;
}

test('an invalid affinity and a refused Ingress do not stop gateways, other stages or pruning', async () => {
  await using operator = startOperator(fixture, NAMESPACE, OPERATOR);
  await fixture.applyCluster('mixed', { gateway: { replicas: 1 }, api: { ingress: { host: 'api.test' } } });
  await settled('mixed');
  await fixture.applyCluster('mixed', {
    gateway: { replicas: 3, ingress: { host: 'a-host.test', className: 'No Class' } },
    rpc: {
      podTemplate: {
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: 'nonsense' } },
      },
    },
    transfer: { replicas: 3 },
  } as unknown as OpenIMClusterSpec);
  await eventually(async () => assert.equal(await gatewaysOf('mixed'), 3), LONG_MS);
  await eventually(async () => {
    const transfer = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: 'mixed-transfer' });
    assert.equal(transfer?.spec?.replicas, 3);
    const ingress = await fixture.client.get(INGRESS, { namespace: NAMESPACE, name: 'mixed-api' });
    assert.equal(ingress, undefined, 'an Ingress that is not wanted is deleted');
    const { status, message } = conditionOf(await fixture.clusterOf('mixed'), 'ObjectsApplied');
    assert.equal(status, 'False');
    assert.match(message, /Ingress mixed-gateway: .*; correct spec\.gateway\.ingress/);
    assert.match(message, /Deployment mixed-rpc: .*; correct spec\.rpc\.podTemplate/);
    assert.equal(conditionOf(await fixture.clusterOf('mixed'), 'Accepted').status, 'True');
  }, LONG_MS);
  await eventually(async () => {
    const version = async () => (await fixture.clusterOf('mixed')).metadata.resourceVersion;
    const before = await version();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.equal(await version(), before, 'the status is at rest');
  }, LONG_MS);

  await fixture.applyCluster('mixed', { gateway: { replicas: 3, ingress: { host: 'a-host.test' } } });
  await settled('mixed');
  assert.equal(conditionOf(await fixture.clusterOf('mixed'), 'ObjectsApplied').status, 'True');
  assert.ok(await fixture.client.get(INGRESS, { namespace: NAMESPACE, name: 'mixed-gateway' }));
  assert.equal(operator.events.filter(({ message }) => /409|has been modified/.test(message)).length, 0);
});

test('a lost pod of a store holds the rollout back until a person decides otherwise', async () => {
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  const managed = { image: 'nats:lost' };
  const spec = { gateway: { replicas: 1 }, nats: { managed } };
  await fixture.applyCluster('held', spec);
  await settled('held');
  fixture.nodes.brokenImages.add('nats:lost');
  await eventually(async () => {
    const nats = await fixture.client.get(POD, { namespace: NAMESPACE, name: 'held-nats-0' });
    assert.equal(nats?.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'False');
    // The rollout is held by what the operator knows, and it knows of the pod by its StatefulSet.
    assert.equal((await fixture.clusterOf('held')).status?.rollout?.stage, 'nats');
  }, LONG_MS);
  const image = 'openim/openim-operator:2';
  await fixture.applyCluster('held', { ...spec, image });
  await eventually(async () => {
    const { status } = await fixture.clusterOf('held');
    assert.equal(status?.rollout?.stage, 'nats');
    assert.match(status.rollout.message ?? '', /rpc, transfer, .*wait/);
  }, LONG_MS);
  const imageOf = async (role: string) =>
    (await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: `held-${role}` }))?.spec?.template
      .spec?.containers[0]?.image;
  assert.notEqual(await imageOf('rpc'), image);
  const { metadata } = await fixture.clusterOf('held');
  const annotations = { 'openim.io/force-rollout': String(metadata.generation) };
  await fixture.client.patch(
    OPENIM_CLUSTER,
    { namespace: NAMESPACE, name: 'held' },
    { metadata: { annotations } },
  );
  await eventually(async () => {
    for (const role of ['rpc', 'transfer', 'api']) assert.equal(await imageOf(role), image);
  }, LONG_MS);
});

test('an HTTPRoute waits for the Gateway API and keeps nothing else back; with it, it comes and goes with its field', async () => {
  const httpRoute = { parentRefs: [{ name: 'public' }], hostnames: ['im.test'] };
  const key = { namespace: NAMESPACE, name: 'routed-gateway' };
  const route = () => fixture.client.get(HTTP_ROUTE, key);
  {
    await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
    await fixture.applyCluster('routed', { gateway: { replicas: 1, httpRoute } });
    await eventually(async () => {
      const cluster = await fixture.clusterOf('routed');
      assert.equal(conditionOf(cluster, 'WorkloadsAvailable').status, 'True');
      assert.equal(conditionOf(cluster, 'ObjectsApplied').reason, 'GatewayAPIMissing');
    }, LONG_MS);
    const { status, message } = conditionOf(await fixture.clusterOf('routed'), 'ObjectsApplied');
    assert.equal(status, 'False');
    assert.match(
      message,
      /^HTTPRoute routed-gateway: .*; install the CRDs of the Gateway API \(1\.2 or later\), or use ingress/,
    );
  }
  const definition = new URL('./testdata/httproutes.gateway.networking.k8s.io.yaml', import.meta.url)
    .pathname;
  await fixture.plane.kubectl('apply', '--server-side', '-f', definition);
  await fixture.plane.kubectl(
    'wait',
    '--for=condition=Established',
    'crd/httproutes.gateway.networking.k8s.io',
  );
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  await eventually(async () => {
    assert.deepEqual((await route())?.spec?.hostnames, ['im.test']);
    assert.equal(conditionOf(await fixture.clusterOf('routed'), 'ObjectsApplied').status, 'True');
  }, LONG_MS);
  const made = await route();
  assert.deepEqual((made?.spec?.rules?.[0] as { timeouts?: object })?.timeouts, { request: '0s' });
  await fixture.applyCluster('routed', { gateway: { replicas: 1 } });
  await eventually(async () => assert.equal(await route(), undefined), LONG_MS);
});

test('certificates for a store: what is missing is named, and a renewed one rolls nothing out', async () => {
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR, { storeChecks: usableStores });
  const apply = { fieldManager: 'person' };
  const uri = { uri: 'rediss://redis:6379' };
  const metadata = { namespace: NAMESPACE, name: 'tls-redis' };
  await fixture.client.apply(
    SECRET,
    { apiVersion: 'v1', kind: 'Secret', metadata, data: encoded(uri) },
    apply,
  );
  const tls = { caConfigMapRef: { name: 'company-ca' } };
  const external = { uriSecretRef: { name: 'tls-redis' }, tls };
  await fixture.applyCluster('secured', { gateway: { replicas: 1 }, redis: { external } });
  const accepted = async () => conditionOf(await fixture.clusterOf('secured'), 'Accepted');
  await eventually(async () => {
    const { reason, message } = await accepted();
    assert.equal(reason, 'ConfigMapMissing');
    assert.match(message, /^spec\.redis\.external\.tls\.caConfigMapRef: ConfigMap company-ca does not exist/);
  }, LONG_MS);
  const withCa = (text: string) =>
    fixture.client.apply(
      CONFIG_MAP,
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: NAMESPACE, name: 'company-ca' },
        data: { 'ca.crt': text },
      },
      apply,
    );
  await withCa('nonsense');
  await eventually(async () => assert.equal((await accepted()).reason, 'ConfigMapInvalid'), LONG_MS);
  await withCa(CertificateAuthority.create('one').certificate);
  await settled('secured');
  assert.equal((await accepted()).status, 'True');
  const rpc = () => fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: 'secured-rpc' });
  const before = await rpc();
  assert.ok(before);
  assert.ok(before.spec?.template.spec?.volumes?.some(({ name }) => name === 'store-tls'));
  await withCa(CertificateAuthority.create('two').certificate);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await settled('secured');
  assert.equal((await rpc())?.metadata.generation, before.metadata.generation);
});

test('no process starts before the check of an external store has ended, and none on the store of another cluster', async () => {
  const checked = Promise.withResolvers<CheckResult>();
  const storeChecks = () => ({ ...usableStores(), mongodb: () => checked.promise });
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR, { storeChecks });
  const metadata = { namespace: NAMESPACE, name: 'shared-mongodb' };
  const data = encoded({ uri: 'mongodb://mongodb:27017' });
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data };
  await fixture.client.apply(SECRET, secret, { fieldManager: 'person' });
  await fixture.applyCluster('second', {
    gateway: { replicas: 1 },
    mongodb: { external: { uriSecretRef: { name: metadata.name } } },
  });
  const labelSelector = 'app.kubernetes.io/instance=second';
  const workloads = async () =>
    (await fixture.client.list(DEPLOYMENT, { namespace: NAMESPACE, labelSelector })).items.length;
  await eventually(async () => {
    const cluster = await fixture.clusterOf('second');
    assert.ok(cluster.status?.observedAt, 'its processes were polled');
    assert.equal(conditionOf(cluster, 'RedisAvailable').status, 'True', 'the other checks have ended');
    assert.match(
      conditionOf(cluster, 'Progressing').message,
      /^stores: waiting for the first check of mongodb/,
    );
  }, LONG_MS);
  assert.equal(await workloads(), 0);
  checked.resolve({ ok: false, reason: 'UsedByAnotherCluster', message: 'it belongs to first' });
  await eventually(async () => {
    const { status, reason, message } = conditionOf(await fixture.clusterOf('second'), 'Accepted');
    assert.deepEqual([status, reason, message], ['False', 'UsedByAnotherCluster', 'it belongs to first']);
  }, LONG_MS);
  assert.equal(await workloads(), 0);
});
