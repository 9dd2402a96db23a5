import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import {
  CONFIG_MAP,
  createKubeClient,
  DEPLOYMENT,
  type Deployment,
  type EventText,
  isApiError,
  type KubeClient,
  type KubeObject,
  NETWORK_POLICY,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  POD_DISRUPTION_BUDGET,
  type ResourceType,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
  type Stored,
} from '@im/kube';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { createClusterController } from '../src/controllers/cluster/index.ts';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../src/gen/openimtenant.ts';
import { OPENIM_CLUSTER, OPENIM_TENANT, type OpenIMCluster } from '../src/resources/kinds.ts';
import { REVISION_LABEL } from '../src/resources/names.ts';
import { decoded } from '../src/resources/secrets.ts';
import { type FakeNodes, startFakeNodes } from './fake-nodes.ts';

const NAMESPACE = 'default';
const CHILD_TYPES = [
  DEPLOYMENT,
  STATEFUL_SET,
  SERVICE,
  CONFIG_MAP,
  SECRET,
  SERVICE_ACCOUNT,
  POD_DISRUPTION_BUDGET,
  NETWORK_POLICY,
] as unknown as readonly ResourceType<KubeObject>[];
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

/** An operator that leads, composed as in `main.ts`. */
function startOperator(image = 'openim/openim-operator:1') {
  const stop = new AbortController();
  const events: EventText[] = [];
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const controller = createClusterController({
    client,
    writer: client,
    events: { event: (_about, text) => events.push(text), run: async () => {} },
    tasks,
    operator: { version: '0.1.0', image },
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
    events,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await tasks.stop();
    },
  };
}

async function applyCluster(name: string, spec: OpenIMClusterSpec): Promise<void> {
  const cluster = {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMCluster',
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
  await client.apply(OPENIM_CLUSTER, cluster, { fieldManager: 'person' });
}

async function clusterOf(name: string): Promise<Stored<OpenIMCluster>> {
  const found = await client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
  assert.ok(found, `${name} exists`);
  return found;
}

function conditionOf(cluster: OpenIMCluster, type: string) {
  const found = cluster.status?.conditions?.find((condition) => condition.type === type);
  assert.ok(found, type);
  return found;
}

/** Every object of a cluster that the operator made, by kind and name. */
async function childrenOf(name: string): Promise<Map<string, Stored<KubeObject>>> {
  const found = new Map<string, Stored<KubeObject>>();
  for (const type of CHILD_TYPES) {
    const { items } = await client.list(type, {
      namespace: NAMESPACE,
      labelSelector: `app.kubernetes.io/instance=${name},app.kubernetes.io/managed-by=openim-operator`,
    });
    for (const item of items) found.set(`${item.kind ?? type.kind}/${item.metadata.name}`, item);
  }
  return found;
}

async function settled(name: string): Promise<void> {
  await eventually(async () => {
    const cluster = await clusterOf(name);
    assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
    assert.equal(
      conditionOf(cluster, 'Progressing').status,
      'False',
      conditionOf(cluster, 'Progressing').message,
    );
    assert.equal(conditionOf(cluster, 'WorkloadsAvailable').status, 'True');
  }, LONG_MS);
}

async function deleted(name: string): Promise<void> {
  await client.delete(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
  await eventually(async () => {
    assert.equal(await client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name }), undefined);
    const { items } = await client.list(POD, {
      namespace: NAMESPACE,
      labelSelector: `app.kubernetes.io/instance=${name}`,
    });
    assert.equal(items.length, 0);
  }, LONG_MS);
}

test('a cluster is created completely; nothing changes when it is applied again or the operator restarts', async () => {
  const spec: OpenIMClusterSpec = { gateway: { replicas: 2 } };
  const versions = async () =>
    new Map([...(await childrenOf('whole'))].map(([id, { metadata }]) => [id, metadata.resourceVersion]));
  let before: Map<string, string>;
  {
    await using _operator = startOperator();
    await applyCluster('whole', spec);
    await settled('whole');
    const children = await childrenOf('whole');
    for (const id of [
      'StatefulSet/whole-nats',
      'Deployment/whole-rpc',
      'Service/whole-gateway',
      'Secret/whole-admin',
    ]) {
      assert.ok(children.has(id), `${id} is among ${[...children.keys()].join(', ')}`);
    }
    const status = (await clusterOf('whole')).status;
    assert.equal(status?.gatewaysReady, '2/2');
    assert.equal(status?.endpoints?.adminSecretRef?.name, 'whole-admin');
    assert.match(await configOf('whole'), /rpc-key/);
    assert.doesNotMatch(await configOf('whole'), /acceptMissingKey/, 'required from the beginning');
    before = await versions();
    await applyCluster('whole', spec);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.deepEqual(await versions(), before, 'applied again');
  }
  await using _another = startOperator();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.deepEqual(await versions(), before, 'after a restart of the operator');
});

test('a changed image rolls out stage by stage, gateways last: new ones next to the old, which drain one by one', async () => {
  await using operator = startOperator();
  await applyCluster('roll', { gateway: { replicas: 2 } });
  await settled('roll');
  const gateways = async () =>
    (
      await client.list(POD, {
        namespace: NAMESPACE,
        labelSelector: `app.kubernetes.io/instance=roll,${REVISION_LABEL}`,
      })
    ).items;
  const olds = (await gateways()).map(({ metadata }) => metadata.name);
  for (const name of olds) nodes.connections.set(name, 20);
  nodes.drained.length = 0;

  nodes.brokenImages.add('broken');
  await applyCluster('roll', { image: 'openim/broken:2', gateway: { replicas: 2 } });
  await eventually(async () => {
    const message = conditionOf(await clusterOf('roll'), 'Progressing').message;
    assert.match(message, /^rpc: .*/);
  }, LONG_MS);
  await eventually(async () => {
    const rpc = (await clusterOf('roll')).status?.components?.find(({ name }) => name === 'rpc');
    assert.equal(rpc?.ready, 2, 'the old pods go on');
  });
  const transfer = await client.get(DEPLOYMENT, { namespace: NAMESPACE, name: 'roll-transfer' });
  assert.equal(imageOf(transfer), 'openim/openim-operator:1', 'a later stage waits');
  assert.deepEqual(nodes.drained, [], 'no gateway was touched');

  await applyCluster('roll', { image: 'openim/openim-operator:3', gateway: { replicas: 2 } });
  await settled('roll');
  const now = await gateways();
  assert.equal(now.length, 2);
  assert.ok(now.every(({ metadata }) => !olds.includes(metadata.name)));
  assert.deepEqual([...nodes.drained].sort(), [...olds].sort(), 'each old gateway was drained');
  assert.ok(operator.events.some(({ reason }) => reason === 'GatewaysSelected'));
  const images = (
    await client.list(POD, { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/instance=roll' })
  ).items
    .filter(({ metadata }) => !/nats|mongodb|redis|object/.test(metadata.name))
    .map((pod) => pod.spec?.containers[0]?.image);
  assert.deepEqual([...new Set(images)], ['openim/openim-operator:3']);
  await deleted('roll');
});

test('a scale-in removes the gateway that it drained, even if the operator restarts in between', async () => {
  const spec = (replicas: number): OpenIMClusterSpec => ({ gateway: { replicas } });
  {
    await using _operator = startOperator();
    await applyCluster('scale', spec(3));
    await settled('scale');
    const { items } = await client.list(POD, {
      namespace: NAMESPACE,
      labelSelector: `app.kubernetes.io/instance=scale,${REVISION_LABEL}`,
    });
    for (const [i, { metadata }] of items.entries()) nodes.connections.set(metadata.name, i === 1 ? 60 : 200);
    nodes.drained.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await applyCluster('scale', spec(2));
    await eventually(() => assert.equal(nodes.drained.length, 1), LONG_MS);
  }
  await using _another = startOperator();
  await settled('scale');
  assert.ok(nodes.keys.has((await credentialsOf('scale')).rpcKey ?? ''), 'asked with the key of the cluster');
  const [victim = ''] = nodes.drained;
  assert.equal(nodes.connections.get(victim), 0, 'it was empty before it went');
  assert.deepEqual(nodes.drained, [victim], 'no other was drained');
  const { items } = await client.list(POD, {
    namespace: NAMESPACE,
    labelSelector: `app.kubernetes.io/instance=scale,${REVISION_LABEL}`,
  });
  assert.equal(items.length, 2);
  assert.equal(
    items.some(({ metadata }) => metadata.name === victim),
    false,
  );
  await deleted('scale');
});

test('a cluster that ran without a key gets one, and another, without a restart', async () => {
  const [old, own] = ['openim/openim-operator:0', 'openim/openim-operator:1'];
  nodes.oldImages.add(':0');
  const uids = async () =>
    (
      await client.list(POD, { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/instance=keyed' })
    ).items
      .map(({ metadata }) => metadata.uid)
      .sort();
  let key: string | undefined;
  let pods: string[];
  {
    await using _operator = startOperator(own);
    await applyCluster('keyed', { image: old, gateway: { replicas: 1 } });
    await settled('keyed');
    assert.doesNotMatch(await configOf('keyed'), /rpc-key/, 'its processes would refuse the setting');
    key = (await credentialsOf('keyed')).rpcKey;
    assert.match(key ?? '', /^[\w-]{43}$/);

    await applyCluster('keyed', { image: own, gateway: { replicas: 1 } });
    await settled('keyed');
    await eventually(async () => assert.match(await configOf('keyed'), /acceptMissingKey: true/), LONG_MS);
    pods = await uids();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.match(await configOf('keyed'), /acceptMissingKey: true/, 'not before all have taken it over');
    nodes.following.add('keyed');
    await eventually(async () => assert.doesNotMatch(await configOf('keyed'), /acceptMissingKey/), LONG_MS);
    assert.match(await configOf('keyed'), /rpc-key/);
  }
  await using _newer = startOperator('openim/openim-operator:2');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.match(await configOf('keyed'), /rpc-key/, 'a newer operator takes no key away');
  assert.doesNotMatch(await configOf('keyed'), /acceptMissingKey/);
  assert.equal((await credentialsOf('keyed')).rpcKey, key);

  const data = { rpcKeyRotate: Buffer.from('now').toString('base64') };
  await client.patch(SECRET, { namespace: NAMESPACE, name: 'keyed-credentials' }, { data });
  await eventually(async () => {
    const kept = await credentialsOf('keyed');
    assert.notEqual(kept.rpcKey, key);
    assert.equal(kept.rpcKeyRotate, undefined);
    assert.doesNotMatch(await configOf('keyed'), /acceptMissingKey/);
  }, LONG_MS);
  assert.deepEqual(await uids(), pods, 'no pod was replaced');

  await applyCluster('keyed', { image: 'openim/ours:build-7', gateway: { replicas: 1 } });
  await eventually(async () => assert.doesNotMatch(await configOf('keyed'), /rpc-key/), LONG_MS);
  await eventually(async () => {
    assert.match(await configOf('keyed'), /rpc-key/, 'its processes tell that they know the setting');
    assert.doesNotMatch(await configOf('keyed'), /acceptMissingKey/);
  }, LONG_MS);
  await settled('keyed');
  await deleted('keyed');
});

test('volumes and passwords outlive a cluster unless it says Purge', async () => {
  await using _operator = startOperator();
  const password = async () =>
    (await client.get(SECRET, { namespace: NAMESPACE, name: 'keep-credentials' }))?.data?.mongodbPassword;
  const claims = async () =>
    (
      await client.list(PERSISTENT_VOLUME_CLAIM, {
        namespace: NAMESPACE,
        labelSelector: 'app.kubernetes.io/instance=keep',
      })
    ).items.length;
  await applyCluster('keep', { gateway: { replicas: 1 } });
  await settled('keep');
  const first = await password();
  assert.ok(first);
  await deleted('keep');
  assert.equal(await password(), first);
  assert.equal(await claims(), 4);
  await applyCluster('keep', { gateway: { replicas: 1 }, deletionPolicy: 'Purge' });
  await settled('keep');
  assert.equal(await password(), first, 'a second life finds its data');
  await deleted('keep');
  await eventually(async () => {
    assert.equal(await password(), undefined);
    assert.equal(await claims(), 0);
  }, LONG_MS);
});

test('a missing Secret is named with field and remedy; the cluster continues as soon as it exists', async () => {
  await using _operator = startOperator();
  const spec: OpenIMClusterSpec = {
    mongodb: { external: { uriSecretRef: { name: 'my-mongo' } } },
  };
  await applyCluster('refs', spec);
  await eventually(async () => {
    const accepted = conditionOf(await clusterOf('refs'), 'Accepted');
    assert.equal(accepted.status, 'False');
    assert.match(
      accepted.message,
      /spec\.mongodb\.external\.uriSecretRef: Secret my-mongo does not exist in namespace default; create it/,
    );
  }, LONG_MS);
  const secret = (data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'my-mongo', namespace: NAMESPACE },
    stringData: data,
  });
  await client.apply(SECRET, secret({ url: 'x' }), { fieldManager: 'person' });
  await eventually(async () => {
    assert.match(
      conditionOf(await clusterOf('refs'), 'Accepted').message,
      /has no key uri \(its keys: url\)/,
    );
  }, LONG_MS);
  await client.apply(SECRET, secret({ uri: 'mongodb://u:p@mongo.invalid/' }), { fieldManager: 'person' });
  await eventually(
    async () => assert.equal(conditionOf(await clusterOf('refs'), 'Accepted').status, 'True'),
    LONG_MS,
  );
  const children = await childrenOf('refs');
  assert.equal(children.has('StatefulSet/refs-mongodb'), false);
  assert.ok(children.has('StatefulSet/refs-nats'));
  // Half created and with a broken store, it is deleted nevertheless.
  await deleted('refs');
});

test('a tenant gets keys and a config entry, restarts nothing, and has a reason when it is not applied', async () => {
  await using _operator = startOperator();
  const tenantOf = async (name: string) => {
    const found = await client.get(OPENIM_TENANT, { namespace: NAMESPACE, name });
    return found?.status?.conditions?.find(({ type }) => type === 'Ready');
  };
  const applyTenant = (name: string, spec: OpenIMTenantSpec) =>
    client.apply(
      OPENIM_TENANT,
      {
        apiVersion: 'openim.io/v1alpha1',
        kind: 'OpenIMTenant',
        metadata: { name, namespace: NAMESPACE },
        spec,
      },
      { fieldManager: 'person' },
    );
  const clusterRef = { name: 'host' };
  await applyTenant('acme', { clusterRef });
  await eventually(async () => assert.equal((await tenantOf('acme'))?.reason, 'ClusterMissing'), LONG_MS);
  await applyCluster('host', { gateway: { replicas: 1 } });
  await settled('host');
  const pods = async () =>
    (await client.list(POD, { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/instance=host' })).items
      .map(({ metadata }) => metadata.uid)
      .sort();
  const before = await pods();
  await applyTenant('beta', { clusterRef, tenantID: 'beta', hosts: ['beta.test'] });
  await applyTenant('gamma', { clusterRef, hosts: ['beta.test'] });
  await eventually(async () => {
    const config = await client.get(CONFIG_MAP, { namespace: NAMESPACE, name: 'host-config' });
    for (const text of ['id: acme', 'id: beta', '- beta.test'])
      assert.ok(config?.data?.['im.yaml']?.includes(text), text);
    assert.equal((await tenantOf('gamma'))?.reason, 'HostTaken');
    // The fake processes never load a config.
    assert.equal((await tenantOf('beta'))?.reason, 'TakingOver');
  }, LONG_MS);
  const secret = await client.get(SECRET, { namespace: NAMESPACE, name: 'host-tenant-beta' });
  assert.ok(secret?.data?.adminSecret);
  assert.deepEqual(await pods(), before);
  await deleted('host');
});

test('settings that running services do not know are left out until all know them, and then restart nothing', async () => {
  await using _operator = startOperator();
  nodes.settingsLevel = undefined;
  try {
    await applyCluster('levels', { gateway: { replicas: 1 } });
    await settled('levels');
    const config = async () =>
      (await client.get(CONFIG_MAP, { namespace: NAMESPACE, name: 'levels-config' }))?.data?.['im.yaml'] ??
      '';
    const before = await config();
    const ids = async () =>
      (
        await client.list(POD, { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/instance=levels' })
      ).items
        .map(({ metadata }) => metadata.uid)
        .sort();
    const pods = await ids();
    await applyCluster('levels', { gateway: { replicas: 1 }, limits: { userMessages: { perSecond: 7 } } });
    await eventually(async () => {
      const cluster = await clusterOf('levels');
      assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
      const accepted = conditionOf(cluster, 'Accepted');
      assert.deepEqual([accepted.status, accepted.reason], ['True', 'SettingsLeftOut']);
      assert.match(
        accepted.message,
        /except for spec\.limits, which at least one running version does not support/,
      );
    }, LONG_MS);
    assert.equal(await config(), before);

    nodes.settingsLevel = 1;
    await eventually(async () => {
      assert.match(await config(), /limits:\n {2}userMessages:\n {4}perSecond: 7\n/);
      assert.equal(conditionOf(await clusterOf('levels'), 'Accepted').reason, 'Accepted');
    }, LONG_MS);
    assert.deepEqual(await ids(), pods);
  } finally {
    nodes.settingsLevel = 1;
  }
  await deleted('levels');
});

test('the API server rejects an invalid spec with the field and the remedy', async () => {
  const refused: readonly (readonly [OpenIMClusterSpec, RegExp])[] = [
    [{ profile: 'Production' }, /profile Production needs spec\.mongodb\.external/],
    [{ durability: 'FsyncQuorum' }, /set spec\.nats\.managed\.replicas to 3/],
    [{ image: 'repo/im' }, /must end with a tag/],
    [{ gateway: { service: { nodePort: 30_001 } } }, /nodePort needs type NodePort/],
    [{ nats: { managed: { replicas: 2 } } }, /replicas must be 1 or 3/],
    [{ gateway: { replicas: 0 } }, /spec\.gateway\.replicas.*greater than or equal to 1/],
  ];
  for (const [spec, why] of refused) {
    await assert.rejects(applyCluster('wrong', spec), (error) => {
      assert.ok(isApiError(error, 422), String(error));
      assert.match(error.message, why);
      return true;
    });
  }
});

async function configOf(name: string): Promise<string> {
  const map = await client.get(CONFIG_MAP, { namespace: NAMESPACE, name: `${name}-config` });
  return map?.data?.['im.yaml'] ?? '';
}

/** What was made up for a cluster. */
async function credentialsOf(name: string): Promise<Record<string, string>> {
  const secret = await client.get(SECRET, { namespace: NAMESPACE, name: `${name}-credentials` });
  return decoded(secret?.data);
}

function imageOf(deployment: Stored<Deployment> | undefined): string | undefined {
  return deployment?.spec?.template.spec?.containers[0]?.image;
}
