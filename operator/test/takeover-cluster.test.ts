import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import {
  DEPLOYMENT,
  type KubeObject,
  POD,
  type ResourceType,
  resourceType,
  SECRET,
  STATEFUL_SET,
  type Stored,
} from '@im/kube';
import { OPENIM_CLUSTER } from '../src/resources/kinds.ts';
import { FIELD_MANAGER, FINALIZER, labelsOf, nameOf, REVISION_LABEL } from '../src/resources/names.ts';
import { templateHash } from '../src/resources/pod-template.ts';
import { encoded } from '../src/resources/secrets.ts';
import { mountsOf } from '../src/resources/workloads.ts';
import { CREDENTIALS, type Golden, NAMESPACE, OPERATOR, readGolden, tenantSecretsOf, UID } from './golden.ts';
import { startOperator, useFixture } from './operator-fixture.ts';

/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;

const fixture = useFixture(NAMESPACE);

const PLURALS: Readonly<Record<string, string>> = { Ingress: 'ingresses', NetworkPolicy: 'networkpolicies' };

function typeOf({ apiVersion = '', kind = '' }: KubeObject): ResourceType<KubeObject> {
  return resourceType<KubeObject>(apiVersion, kind, PLURALS[kind] ?? `${kind.toLowerCase()}s`);
}

/** Writes a recorded cluster as its operator left it: resource, finalizer, status, Secrets and owned objects. */
async function restore({ input, effective, objects }: Golden): Promise<void> {
  const { name, spec } = input;
  const key = { namespace: NAMESPACE, name };
  const cluster = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', metadata: key, spec };
  const { metadata } = await fixture.client.apply(OPENIM_CLUSTER, cluster, { fieldManager: 'user' });
  await fixture.client.patch(OPENIM_CLUSTER, key, { metadata: { finalizers: [FINALIZER] } });
  const required = {
    rpcKeyRequired: templateHash(CREDENTIALS.rpcKey),
    rpcKeyImage: (effective as { image: string }).image,
  };
  const secrets = {
    [nameOf.credentials(name)]: { ...CREDENTIALS, ...required },
    [nameOf.tenants(name)]: tenantSecretsOf(['default']),
  };
  for (const [secret, values] of Object.entries(secrets)) {
    await fixture.client.create(SECRET, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: secret, namespace: NAMESPACE, labels: labelsOf(name) },
      data: encoded(values),
    });
  }
  for (const object of objects) {
    const owned = JSON.parse(JSON.stringify(object).replaceAll(UID, metadata.uid)) as KubeObject;
    await fixture.client.apply(typeOf(owned), owned, { fieldManager: FIELD_MANAGER });
  }
  const gateway = objects.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata?.name?.startsWith(`${name}-gateway-`),
  );
  const status = {
    effective: { ...effective, settingsLevel: 1 },
    gatewayRevision: gateway?.metadata?.name?.slice(`${name}-gateway-`.length),
  };
  await fixture.client.patchStatus(OPENIM_CLUSTER, key, status);
}

/** What changes when pods are replaced: generations and templates of workloads, and the pods themselves. */
async function workloadsOf(name: string): Promise<unknown> {
  const selection = { namespace: NAMESPACE, labelSelector: `app.kubernetes.io/instance=${name}` };
  const byName = (list: readonly Stored<KubeObject>[], value: (object: Stored<KubeObject>) => unknown) =>
    Object.fromEntries(list.map((object) => [object.metadata.name, value(object)]));
  const workloads = [
    ...(await fixture.client.list(DEPLOYMENT, selection)).items,
    ...(await fixture.client.list(STATEFUL_SET, selection)).items,
  ];
  return {
    // Those of gateways change once, when they are paused.
    generations: byName(
      workloads.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === undefined),
      ({ metadata }) => metadata.generation,
    ),
    templates: byName(
      workloads,
      (object) => (object as unknown as { spec: { template: object } }).spec.template,
    ),
    pods: byName((await fixture.client.list(POD, selection)).items, ({ metadata }) => [
      metadata.uid,
      metadata.labels?.['pod-template-hash'] ?? metadata.labels?.['controller-revision-hash'],
    ]),
  };
}

/** Today's operator, in a newer version than the one that was recorded. */
const NEWER = { version: '0.2.0', image: OPERATOR.image.replace(/:.*/, ':0.2.0') };

test('today’s operator takes over a cluster of the version before without replacing a pod', async () => {
  const recorded = readGolden().find(({ input }) => input.name === 'minimal');
  assert.ok(recorded);
  const { name } = recorded.input;
  await restore(recorded);
  const count = recorded.objects.reduce(
    (sum, object) => sum + ((object as { spec?: { replicas?: number } }).spec?.replicas ?? 0),
    0,
  );
  await eventually(async () => {
    const { items } = await fixture.client.list(POD, {
      namespace: NAMESPACE,
      labelSelector: `app.kubernetes.io/instance=${name}`,
    });
    assert.equal(items.length, count);
    assert.ok(
      items.every((pod) =>
        pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      ),
    );
  }, LONG_MS);
  const before = await workloadsOf(name);

  await using _operator = startOperator(fixture, NAMESPACE, NEWER);
  await eventually(async () => {
    const cluster = await fixture.client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
    const condition = (type: string) => cluster?.status?.conditions?.find((each) => each.type === type);
    assert.equal(condition('Progressing')?.status, 'False', condition('Progressing')?.message);
    assert.equal(condition('WorkloadsAvailable')?.status, 'True');
    assert.equal(condition('Accepted')?.status, 'True', condition('Accepted')?.message);
  }, LONG_MS);
  assert.deepEqual(await workloadsOf(name), before, 'once the rollout is complete');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.deepEqual(await workloadsOf(name), before, 'after further reconciles');

  // The layout of the pods is that of the version before until their image changes.
  const mounts = async () => {
    const rpc = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: `${name}-rpc` });
    return mountsOf(rpc?.spec?.template.spec?.volumes);
  };
  const fixed = { config: `${name}-config`, connection: `${name}-connection` };
  assert.deepEqual(await mounts(), fixed);
  const image = { spec: { image: NEWER.image } };
  await fixture.client.patch(OPENIM_CLUSTER, { namespace: NAMESPACE, name }, image);
  await eventually(async () => {
    const { config = '', connection = '' } = (await mounts()) ?? {};
    assert.match(config, new RegExp(`^${fixed.config}-`));
    assert.match(connection, new RegExp(`^${fixed.connection}-`));
  }, LONG_MS);
});
