import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import {
  createKubeClient,
  DEPLOYMENT,
  type KubeClient,
  type KubeObject,
  POD,
  type ResourceType,
  resourceType,
  SECRET,
  STATEFUL_SET,
  type Stored,
} from '@im/kube';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createClusterController } from '../src/controllers/cluster/index.ts';
import { OPENIM_CLUSTER } from '../src/resources/kinds.ts';
import { FIELD_MANAGER, FINALIZER, labelsOf, nameOf } from '../src/resources/names.ts';
import { templateHash } from '../src/resources/pod-template.ts';
import { encoded } from '../src/resources/secrets.ts';
import { type FakeNodes, startFakeNodes } from './fake-nodes.ts';
import { CREDENTIALS, type Golden, NAMESPACE, OPERATOR, readGolden, tenantSecretsOf, UID } from './golden.ts';

/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;

let plane: ControlPlane;
let client: KubeClient;
let nodes: FakeNodes;

before(async () => {
  plane = await startControlPlane({ controllers: true });
  client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
  await plane.kubectl('apply', '--server-side', '-f', new URL('../../crds', import.meta.url).pathname);
  await plane.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  nodes = startFakeNodes(client, NAMESPACE);
});
after(async () => {
  await nodes?.stop();
  client?.close();
  await plane?.stop();
});

const PLURALS: Readonly<Record<string, string>> = { Ingress: 'ingresses', NetworkPolicy: 'networkpolicies' };

function typeOf({ apiVersion = '', kind = '' }: KubeObject): ResourceType<KubeObject> {
  return resourceType<KubeObject>(apiVersion, kind, PLURALS[kind] ?? `${kind.toLowerCase()}s`);
}

/** Writes a recorded cluster as its operator left it: resource, finalizer, status, Secrets and owned objects. */
async function restore({ input, effective, objects }: Golden): Promise<void> {
  const { name, spec } = input;
  const key = { namespace: NAMESPACE, name };
  const cluster = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', metadata: key, spec };
  const { metadata } = await client.apply(OPENIM_CLUSTER, cluster, { fieldManager: 'user' });
  await client.patch(OPENIM_CLUSTER, key, { metadata: { finalizers: [FINALIZER] } });
  const required = {
    rpcKeyRequired: templateHash(CREDENTIALS.rpcKey),
    rpcKeyImage: (effective as { image: string }).image,
  };
  const secrets = {
    [nameOf.credentials(name)]: { ...CREDENTIALS, ...required },
    [nameOf.tenants(name)]: tenantSecretsOf(['default']),
  };
  for (const [secret, values] of Object.entries(secrets)) {
    await client.create(SECRET, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: secret, namespace: NAMESPACE, labels: labelsOf(name) },
      data: encoded(values),
    });
  }
  for (const object of objects) {
    const owned = JSON.parse(JSON.stringify(object).replaceAll(UID, metadata.uid)) as KubeObject;
    await client.apply(typeOf(owned), owned, { fieldManager: FIELD_MANAGER });
  }
  const gateway = objects.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata?.name?.startsWith(`${name}-gateway-`),
  );
  const status = {
    effective: { ...effective, settingsLevel: 1 },
    gatewayRevision: gateway?.metadata?.name?.slice(`${name}-gateway-`.length),
  };
  await client.patchStatus(OPENIM_CLUSTER, key, status);
}

/** What changes when pods are replaced: generations and templates of workloads, and the pods themselves. */
async function workloadsOf(name: string): Promise<unknown> {
  const selection = { namespace: NAMESPACE, labelSelector: `app.kubernetes.io/instance=${name}` };
  const byName = (list: readonly Stored<KubeObject>[], value: (object: Stored<KubeObject>) => unknown) =>
    Object.fromEntries(list.map((object) => [object.metadata.name, value(object)]));
  const workloads = [
    ...(await client.list(DEPLOYMENT, selection)).items,
    ...(await client.list(STATEFUL_SET, selection)).items,
  ];
  return {
    generations: byName(workloads, ({ metadata }) => metadata.generation),
    templates: byName(
      workloads,
      (object) => (object as unknown as { spec: { template: object } }).spec.template,
    ),
    pods: byName((await client.list(POD, selection)).items, ({ metadata }) => [
      metadata.uid,
      metadata.labels?.['pod-template-hash'] ?? metadata.labels?.['controller-revision-hash'],
    ]),
  };
}

/** Today's operator, in a newer version than the one that was recorded. */
function startOperator() {
  const stop = new AbortController();
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const controller = createClusterController({
    client,
    writer: client,
    events: { event: () => {}, run: async () => {} },
    tasks,
    operator: { version: '0.2.0', image: OPERATOR.image.replace(/:.*/, ':0.2.0') },
    operatorNamespace: 'openim-system',
    namespace: NAMESPACE,
    processes: nodes.processes,
    log,
    metrics,
  });
  const running = Promise.all([
    ...controller.informers.map((informer) => informer.run(stop.signal)),
    controller.lead(stop.signal),
  ]);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await tasks.stop();
    },
  };
}

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
    const { items } = await client.list(POD, {
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

  await using _operator = startOperator();
  await eventually(async () => {
    const cluster = await client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
    const condition = (type: string) => cluster?.status?.conditions?.find((each) => each.type === type);
    assert.equal(condition('Progressing')?.status, 'False', condition('Progressing')?.message);
    assert.equal(condition('WorkloadsAvailable')?.status, 'True');
    assert.equal(condition('Accepted')?.status, 'True', condition('Accepted')?.message);
  }, LONG_MS);
  assert.deepEqual(await workloadsOf(name), before, 'once the rollout is complete');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.deepEqual(await workloadsOf(name), before, 'after further reconciles');
});
