import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  type Deployment,
  isApiError,
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
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../src/gen/openimtenant.ts';
import { OPENIM_CLUSTER, OPENIM_TENANT } from '../src/resources/kinds.ts';
import { REVISION_LABEL } from '../src/resources/names.ts';
import { decoded } from '../src/resources/secrets.ts';
import { mountsOf } from '../src/resources/workloads.ts';
import {
  atRest,
  conditionOf,
  startOperator as startTestOperator,
  usableStores,
  useFixture,
} from './operator-fixture.ts';

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

const fixture = useFixture(NAMESPACE);

/** The operator of this test; of another version by another image. */
const startOperator = (image = 'openim/openim-operator:1') =>
  startTestOperator(fixture, NAMESPACE, { version: '0.1.0', image }, { storeChecks: usableStores });

/** Every object of a cluster that the operator made, by kind and name. */
async function childrenOf(name: string): Promise<Map<string, Stored<KubeObject>>> {
  const found = new Map<string, Stored<KubeObject>>();
  for (const type of CHILD_TYPES) {
    const { items } = await fixture.client.list(type, {
      namespace: NAMESPACE,
      labelSelector: `app.kubernetes.io/instance=${name},app.kubernetes.io/managed-by=openim-operator`,
    });
    for (const item of items) found.set(`${item.kind ?? type.kind}/${item.metadata.name}`, item);
  }
  return found;
}

async function settled(name: string): Promise<void> {
  await eventually(async () => {
    const cluster = await fixture.clusterOf(name);
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
  await fixture.client.delete(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
  await eventually(async () => {
    assert.equal(await fixture.client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name }), undefined);
    const { items } = await fixture.client.list(POD, {
      namespace: NAMESPACE,
      labelSelector: `app.kubernetes.io/instance=${name}`,
    });
    assert.equal(items.length, 0);
  }, LONG_MS);
}

test('a cluster is created completely; nothing changes when it is applied again or the operator restarts', async () => {
  const spec: OpenIMClusterSpec = { gateway: { replicas: 2 } };
  /** What everyone but the controllers of Kubernetes has written, which write at times of their own. */
  const versions = async () =>
    new Map(
      [...(await childrenOf('whole'))].map(([id, { metadata }]) => [
        id,
        {
          generation: metadata.generation,
          writes: metadata.managedFields?.filter(({ manager }) => manager !== 'kube-controller-manager'),
        },
      ]),
    );
  let before: Awaited<ReturnType<typeof versions>>;
  {
    await using _operator = startOperator();
    await fixture.applyCluster('whole', spec);
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
    const status = (await fixture.clusterOf('whole')).status;
    assert.equal(status?.gatewaysReady, '2/2');
    assert.equal(status?.endpoints?.adminSecretRef?.name, 'whole-admin');
    assert.match(await configOf('whole'), /rpc-key/);
    assert.doesNotMatch(await configOf('whole'), /acceptMissingKey/, 'required from the beginning');
    before = await atRest(versions, LONG_MS);
    await fixture.applyCluster('whole', spec);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.deepEqual(await versions(), before, 'applied again');
  }
  await using _another = startOperator();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.deepEqual(await versions(), before, 'after a restart of the operator');
});

test('a changed image rolls out stage by stage, gateways last: new ones next to the old, which drain one by one', async () => {
  await using operator = startOperator();
  await fixture.applyCluster('roll', { gateway: { replicas: 2 } });
  await settled('roll');
  const gateways = async () =>
    (
      await fixture.client.list(POD, {
        namespace: NAMESPACE,
        labelSelector: `app.kubernetes.io/instance=roll,${REVISION_LABEL}`,
      })
    ).items;
  const olds = (await gateways()).map(({ metadata }) => metadata.name);
  for (const name of olds) fixture.nodes.connections.set(name, 20);
  fixture.nodes.drained.length = 0;

  fixture.nodes.brokenImages.add('broken');
  await fixture.applyCluster('roll', { image: 'openim/broken:2', gateway: { replicas: 2 } });
  await eventually(async () => {
    const message = conditionOf(await fixture.clusterOf('roll'), 'Progressing').message;
    assert.match(message, /^rpc: .*/);
  }, LONG_MS);
  await eventually(async () => {
    const rpc = (await fixture.clusterOf('roll')).status?.components?.find(({ name }) => name === 'rpc');
    assert.equal(rpc?.ready, 2, 'the old pods go on');
  });
  const transfer = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: 'roll-transfer' });
  assert.equal(imageOf(transfer), 'openim/openim-operator:1', 'a later stage waits');
  assert.deepEqual(fixture.nodes.drained, [], 'no gateway was touched');

  await fixture.applyCluster('roll', { image: 'openim/openim-operator:3', gateway: { replicas: 2 } });
  await settled('roll');
  const now = await gateways();
  assert.equal(now.length, 2);
  assert.ok(now.every(({ metadata }) => !olds.includes(metadata.name)));
  assert.deepEqual([...fixture.nodes.drained].sort(), [...olds].sort(), 'each old gateway was drained');
  assert.ok(operator.events.some(({ reason }) => reason === 'GatewaysSelected'));
  const images = (
    await fixture.client.list(POD, { namespace: NAMESPACE, labelSelector: 'app.kubernetes.io/instance=roll' })
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
    await fixture.applyCluster('scale', spec(3));
    await settled('scale');
    const { items } = await fixture.client.list(POD, {
      namespace: NAMESPACE,
      labelSelector: `app.kubernetes.io/instance=scale,${REVISION_LABEL}`,
    });
    for (const [i, { metadata }] of items.entries())
      fixture.nodes.connections.set(metadata.name, i === 1 ? 60 : 200);
    fixture.nodes.drained.length = 0;
    await fixture.nodes.asked(items.map(({ metadata }) => metadata.name));
    await fixture.applyCluster('scale', spec(2));
    await eventually(() => assert.equal(fixture.nodes.drained.length, 1), LONG_MS);
  }
  await using _another = startOperator();
  await settled('scale');
  assert.ok(
    fixture.nodes.keys.has((await credentialsOf('scale')).rpcKey ?? ''),
    'asked with the key of the cluster',
  );
  const [victim = ''] = fixture.nodes.drained;
  assert.equal(fixture.nodes.connections.get(victim), 0, 'it was empty before it went');
  assert.deepEqual(fixture.nodes.drained, [victim], 'no other was drained');
  const { items } = await fixture.client.list(POD, {
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
  fixture.nodes.oldImages.add(':0');
  const uids = async () =>
    (
      await fixture.client.list(POD, {
        namespace: NAMESPACE,
        labelSelector: 'app.kubernetes.io/instance=keyed',
      })
    ).items
      .map(({ metadata }) => metadata.uid)
      .sort();
  let key: string | undefined;
  let pods: string[];
  {
    await using _operator = startOperator(own);
    await fixture.applyCluster('keyed', { image: old, gateway: { replicas: 1 } });
    await settled('keyed');
    assert.doesNotMatch(await configOf('keyed'), /rpc-key/, 'its processes would refuse the setting');
    key = (await credentialsOf('keyed')).rpcKey;
    assert.match(key ?? '', /^[\w-]{43}$/);

    await fixture.applyCluster('keyed', { image: own, gateway: { replicas: 1 } });
    await settled('keyed');
    await eventually(async () => assert.match(await configOf('keyed'), /acceptMissingKey: true/), LONG_MS);
    pods = await uids();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.match(await configOf('keyed'), /acceptMissingKey: true/, 'not before all have taken it over');
    fixture.nodes.following.add('keyed');
    await eventually(async () => assert.doesNotMatch(await configOf('keyed'), /acceptMissingKey/), LONG_MS);
    assert.match(await configOf('keyed'), /rpc-key/);
  }
  await using _newer = startOperator('openim/openim-operator:2');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.match(await configOf('keyed'), /rpc-key/, 'a newer operator takes no key away');
  assert.doesNotMatch(await configOf('keyed'), /acceptMissingKey/);
  assert.equal((await credentialsOf('keyed')).rpcKey, key);

  const data = { rpcKeyRotate: Buffer.from('now').toString('base64') };
  await fixture.client.patch(SECRET, { namespace: NAMESPACE, name: 'keyed-credentials' }, { data });
  await eventually(async () => {
    const kept = await credentialsOf('keyed');
    assert.notEqual(kept.rpcKey, key);
    assert.equal(kept.rpcKeyRotate, undefined);
    assert.doesNotMatch(await configOf('keyed'), /acceptMissingKey/);
  }, LONG_MS);
  assert.deepEqual(await uids(), pods, 'no pod was replaced');

  await fixture.applyCluster('keyed', { image: 'openim/ours:build-7', gateway: { replicas: 1 } });
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
    (await fixture.client.get(SECRET, { namespace: NAMESPACE, name: 'keep-credentials' }))?.data
      ?.mongodbPassword;
  const claims = async () =>
    (
      await fixture.client.list(PERSISTENT_VOLUME_CLAIM, {
        namespace: NAMESPACE,
        labelSelector: 'app.kubernetes.io/instance=keep',
      })
    ).items.length;
  await fixture.applyCluster('keep', { gateway: { replicas: 1 } });
  await settled('keep');
  const first = await password();
  assert.ok(first);
  await deleted('keep');
  assert.equal(await password(), first);
  assert.equal(await claims(), 4);
  await fixture.applyCluster('keep', { gateway: { replicas: 1 }, deletionPolicy: 'Purge' });
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
  await fixture.applyCluster('refs', spec);
  await eventually(async () => {
    const accepted = conditionOf(await fixture.clusterOf('refs'), 'Accepted');
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
  await fixture.client.apply(SECRET, secret({ url: 'x' }), { fieldManager: 'person' });
  await eventually(async () => {
    assert.match(
      conditionOf(await fixture.clusterOf('refs'), 'Accepted').message,
      /has no key uri \(its keys: url\)/,
    );
  }, LONG_MS);
  await fixture.client.apply(SECRET, secret({ uri: 'mongodb://u:p@mongo.invalid/' }), {
    fieldManager: 'person',
  });
  await eventually(
    async () => assert.equal(conditionOf(await fixture.clusterOf('refs'), 'Accepted').status, 'True'),
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
    const found = await fixture.client.get(OPENIM_TENANT, { namespace: NAMESPACE, name });
    return found?.status?.conditions?.find(({ type }) => type === 'Ready');
  };
  const applyTenant = (name: string, spec: OpenIMTenantSpec) =>
    fixture.client.apply(
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
  await fixture.applyCluster('host', { gateway: { replicas: 1 } });
  await settled('host');
  const pods = async () =>
    (
      await fixture.client.list(POD, {
        namespace: NAMESPACE,
        labelSelector: 'app.kubernetes.io/instance=host',
      })
    ).items
      .map(({ metadata }) => metadata.uid)
      .sort();
  const before = await pods();
  await applyTenant('beta', { clusterRef, tenantID: 'beta', hosts: ['beta.test'] });
  await applyTenant('gamma', { clusterRef, hosts: ['beta.test'] });
  await eventually(async () => {
    const settings = await tenantSettingsOf('host');
    for (const text of ['"id":"acme"', '"id":"beta"', '"beta.test"'])
      assert.ok(settings.includes(text), `${text}: ${settings}`);
    assert.equal((await tenantOf('gamma'))?.reason, 'HostTaken');
    // The fake processes never load a config.
    assert.equal((await tenantOf('beta'))?.reason, 'TakingOver');
  }, LONG_MS);
  const secret = await fixture.client.get(SECRET, { namespace: NAMESPACE, name: 'host.tenant.beta' });
  assert.ok(secret?.data?.adminSecret);
  assert.deepEqual(await pods(), before);
  await deleted('host');
});

test('settings that running services do not know are left out until all know them, and then restart nothing', async () => {
  await using _operator = startOperator();
  fixture.nodes.settingsLevel = undefined;
  try {
    await fixture.applyCluster('levels', { gateway: { replicas: 1 } });
    await settled('levels');
    const config = () => configOf('levels');
    // Until its processes are seen, a new cluster gets everything that this operator knows.
    await eventually(async () => assert.doesNotMatch(await config(), /tenantsDir|tenantsRevision/), LONG_MS);
    await settled('levels');
    const before = await config();
    const ids = async () =>
      (
        await fixture.client.list(POD, {
          namespace: NAMESPACE,
          labelSelector: 'app.kubernetes.io/instance=levels',
        })
      ).items
        .map(({ metadata }) => metadata.uid)
        .sort();
    const pods = await ids();
    await fixture.applyCluster('levels', {
      gateway: { replicas: 1 },
      limits: { userMessages: { perSecond: 7 } },
    });
    await eventually(async () => {
      const cluster = await fixture.clusterOf('levels');
      assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
      const accepted = conditionOf(cluster, 'Accepted');
      assert.deepEqual([accepted.status, accepted.reason], ['True', 'SettingsLeftOut']);
      assert.match(
        accepted.message,
        /except for spec\.limits, which at least one running version does not support/,
      );
    }, LONG_MS);
    assert.equal(await config(), before);

    fixture.nodes.settingsLevel = 1;
    await eventually(async () => {
      assert.match(await config(), /limits:\n {2}userMessages:\n {4}perSecond: 7\n/);
      assert.equal(conditionOf(await fixture.clusterOf('levels'), 'Accepted').reason, 'Accepted');
    }, LONG_MS);
    assert.deepEqual(await ids(), pods);
  } finally {
    fixture.nodes.settingsLevel = 1;
  }
  await deleted('levels');
});

test('the API server rejects an invalid spec with the field and the remedy', async () => {
  const refused: readonly (readonly [OpenIMClusterSpec, RegExp])[] = [
    [{ profile: 'Production' }, /profile Production needs spec\.mongodb\.external/],
    [{ durability: 'FsyncQuorum' }, /set spec\.nats\.managed\.replicas to 3/],
    [{ image: 'repo/im' }, /must end with a tag/],
    [{ gateway: { service: { nodePort: 30_001 } } }, /service\.nodePort.*needs type NodePort/],
    [{ nats: { managed: { replicas: 2 } } }, /nats\.managed\.replicas.*must be 1 or 3/],
    [{ gateway: { replicas: 0 } }, /spec\.gateway\.replicas.*greater than or equal to 1/],
  ];
  for (const [spec, why] of refused) {
    await assert.rejects(fixture.applyCluster('wrong', spec), (error) => {
      assert.ok(isApiError(error, 422), String(error));
      assert.match(error.message, why);
      return true;
    });
  }
});

/** The settings of the tenants of a cluster, as all shards have them. */
async function tenantSettingsOf(name: string): Promise<string> {
  const labelSelector = `app.kubernetes.io/instance=${name}`;
  const { items } = await fixture.client.list(CONFIG_MAP, { namespace: NAMESPACE, labelSelector });
  const shards = items.filter(({ metadata }) => metadata.name.startsWith(`${name}-tenants-`));
  return shards.flatMap(({ data }) => Object.values(data ?? {})).join('\n');
}

/** The config that the pods of rpc mount. */
function configOf(name: string): Promise<string> {
  return eventually(async () => {
    const rpc = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: `${name}-rpc` });
    const mounts = mountsOf(rpc?.spec?.template.spec?.volumes);
    assert.ok(mounts?.config !== undefined);
    const map = await fixture.client.get(CONFIG_MAP, { namespace: NAMESPACE, name: mounts.config });
    // One that was replaced between the two reads is gone.
    assert.ok(map?.data?.['im.yaml'] !== undefined);
    return map.data['im.yaml'];
  }, LONG_MS);
}

/** What was made up for a cluster. */
async function credentialsOf(name: string): Promise<Record<string, string>> {
  const secret = await fixture.client.get(SECRET, { namespace: NAMESPACE, name: `${name}-credentials` });
  return decoded(secret?.data);
}

function imageOf(deployment: Stored<Deployment> | undefined): string | undefined {
  return deployment?.spec?.template.spec?.containers[0]?.image;
}
