import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import {
  CONFIG_MAP,
  CONTROLLER_REVISION,
  DEPLOYMENT,
  isApiError,
  POD,
  type Pod,
  SECRET,
  type Stored,
} from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { OPENIM_CLUSTER } from '../src/resources/kinds.ts';
import { TEMPLATE_VERSION } from '../src/resources/revision.ts';
import { encoded } from '../src/resources/secrets.ts';
import { mountsOf } from '../src/resources/workloads.ts';
import { startOperator as startTestOperator, usableStores, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;
const OPERATOR = { version: '1.0.0', image: 'openim/openim-operator:1.0.0' };
const NEWER = { version: '1.1.0', image: 'openim/openim-operator:1.1.0' };

const fixture = useFixture(NAMESPACE);
const { applyCluster, clusterOf } = fixture;

const startOperator = (operator = OPERATOR, options: Parameters<typeof startTestOperator>[3] = {}) =>
  startTestOperator(fixture, NAMESPACE, operator, { storeChecks: usableStores, ...options });

/** Waits until the cluster matches its present spec. */
async function settled(name: string): Promise<void> {
  await eventually(async () => {
    const { status, metadata } = await clusterOf(name);
    const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
    assert.equal(status?.observedGeneration, metadata.generation);
    assert.equal(progressing?.status, 'False', progressing?.message);
    assert.equal(status?.currentRevision, status?.updateRevision);
    assert.ok(status?.currentRevision, 'a revision is recorded');
  }, LONG_MS);
}

const selection = (name: string) => ({
  namespace: NAMESPACE,
  labelSelector: `app.kubernetes.io/instance=${name}`,
});

async function revisionsOf(name: string) {
  const { metadata } = await clusterOf(name);
  const { items } = await fixture.client.list(CONTROLLER_REVISION, selection(name));
  return items
    .filter((item) => item.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid))
    .sort((a, b) => b.revision - a.revision);
}

/** Running pods of the roles. */
async function podsOf(name: string): Promise<readonly Stored<Pod>[]> {
  const { items } = await fixture.client.list(POD, selection(name));
  return items.filter(
    ({ metadata, spec }) => metadata.deletionTimestamp === undefined && mountsOf(spec?.volumes) !== undefined,
  );
}

const imagesOf = async (name: string) => [
  ...new Set((await podsOf(name)).map(({ spec }) => spec?.containers[0]?.image)),
];

/** What a restarted container of the pod would start with. */
async function startsWith({ spec }: Stored<Pod>): Promise<{ uri: string; config: string }> {
  const { config = '', connection = '' } = mountsOf(spec?.volumes) ?? {};
  const secret = await fixture.client.get(SECRET, { namespace: NAMESPACE, name: connection });
  const map = await fixture.client.get(CONFIG_MAP, { namespace: NAMESPACE, name: config });
  return {
    uri: Buffer.from(secret?.data?.['mongodb-uri'] ?? '', 'base64').toString(),
    config: map?.data?.['im.yaml'] ?? '',
  };
}

async function userSecret(name: string, uri: string): Promise<void> {
  const metadata = { name, namespace: NAMESPACE };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data: encoded({ uri }) };
  await fixture.client.apply(SECRET, secret, { fieldManager: 'user' });
}

test('old pods that restart during a wrong change start with the settings that they had', async () => {
  await userSecret('right', 'mongodb://right.example');
  await userSecret('wrong', 'mongodb://wrong.example');
  const spec = (secret: string, logLevel: 'info' | 'debug' = 'info'): OpenIMClusterSpec => ({
    gateway: { replicas: 1 },
    logLevel,
    mongodb: { external: { uriSecretRef: { name: secret } } },
  });
  await using _operator = startOperator();
  await applyCluster('wrong', spec('right'));
  await settled('wrong');
  const [first] = await revisionsOf('wrong');
  const rpcOf = async () =>
    (await podsOf('wrong')).filter(
      ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'rpc',
    );
  const [old] = await rpcOf();
  assert.ok(old);
  assert.equal((await startsWith(old)).uri, 'mongodb://right.example');

  // Processes with the wrong address never become ready.
  fixture.nodes.notReadyIf = async (pod) => (await startsWith(pod)).uri === 'mongodb://wrong.example';
  try {
    const all = (await podsOf('wrong')).length;
    await applyCluster('wrong', spec('wrong', 'debug'));
    await eventually(
      async () => assert.equal((await rpcOf()).length, 3, 'a new pod next to the old ones'),
      LONG_MS,
    );
    for (const pod of await podsOf('wrong')) {
      if ((await startsWith(pod)).uri === 'mongodb://wrong.example') continue;
      await fixture.client.delete(
        POD,
        { namespace: NAMESPACE, name: pod.metadata.name },
        { gracePeriodSeconds: 0 },
      );
    }
    await eventually(async () => {
      const uris = await Promise.all((await podsOf('wrong')).map(startsWith));
      const right = uris.filter(({ uri }) => uri === 'mongodb://right.example');
      assert.equal(uris.length - right.length, 1, 'only the new pod of rpc has the wrong address');
      assert.equal(right.length, all, 'every old pod was replaced by one with what it had');
      for (const { config } of uris) assert.match(config, /level: debug/, 'live settings reach all');
    }, LONG_MS);
    const secrets = await fixture.client.list(SECRET, selection('wrong'));
    const frozen = secrets.items.filter(({ metadata }) => metadata.name.startsWith('wrong-connection-'));
    assert.equal(frozen.length, 2);
    assert.ok(frozen.every(({ immutable }) => immutable === true));
    const status = (await clusterOf('wrong')).status;
    assert.equal(status?.currentRevision, first?.metadata.name);
    assert.notEqual(status?.updateRevision, first?.metadata.name);
  } finally {
    await applyCluster('wrong', spec('right'));
    fixture.nodes.notReadyIf = undefined;
  }
  await settled('wrong');
  const [newest] = await revisionsOf('wrong');
  assert.equal(newest?.metadata.name, first?.metadata.name, 'the revision is used again');
  assert.equal(newest?.revision, (first?.revision ?? 0) + 2);
});

test('images in force survive a lost status and another operator; a removed spec.image keeps the image', async () => {
  const gateway = { replicas: 1 };
  {
    await using _operator = startOperator();
    await applyCluster('lost', { gateway });
    await settled('lost');
    await applyCluster('lost', { gateway, image: 'openim/ours:7' });
    await settled('lost');
    assert.deepEqual(await imagesOf('lost'), ['openim/ours:7']);
  }
  const uids = async () => (await podsOf('lost')).map(({ metadata }) => metadata.uid).sort();
  const pods = await uids();
  await fixture.client.patchStatus(
    OPENIM_CLUSTER,
    { namespace: NAMESPACE, name: 'lost' },
    { effective: { image: 'openim/edited:1', version: '0.0.1', nats: { image: 'nats:edited' } } },
  );
  await applyCluster('lost', { gateway });
  await using _newer = startOperator(NEWER);
  await settled('lost');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.deepEqual(await imagesOf('lost'), ['openim/ours:7']);
  assert.deepEqual(await uids(), pods, 'no pod was replaced');
});

test('three revisions are kept, equal specs make none, and what only older ones mount is deleted', async () => {
  await using _operator = startOperator();
  const spec = (n: number): OpenIMClusterSpec => ({
    gateway: { replicas: 1 },
    mongodb: { external: { uriSecretRef: { name: `db${n}` } } },
  });
  for (const n of [1, 2, 3, 4]) await userSecret(`db${n}`, `mongodb://db${n}.example`);
  const names: string[] = [];
  for (const n of [1, 2, 3, 4]) {
    await applyCluster('many', spec(n));
    await settled('many');
    names.push((await clusterOf('many')).status?.currentRevision ?? '');
  }
  assert.equal(new Set(names).size, 4);
  await eventually(async () => {
    const kept = (await revisionsOf('many')).map(({ metadata }) => metadata.name);
    assert.deepEqual(kept, names.slice(1).reverse());
    const { items } = await fixture.client.list(SECRET, selection('many'));
    const uris = items.flatMap(({ metadata, data }) =>
      metadata.name.startsWith('many-connection-')
        ? [Buffer.from(data?.['mongodb-uri'] ?? '', 'base64').toString()]
        : [],
    );
    // Gateways and api read nothing of MongoDB, and go on with the first one.
    assert.deepEqual(
      uris.sort(),
      [1, 2, 3, 4].map((n) => `mongodb://db${n}.example`),
    );
  }, LONG_MS);
  const maps = await fixture.client.list(CONFIG_MAP, selection('many'));
  const configs = maps.items.filter(({ metadata }) => metadata.name.startsWith('many-config-'));
  assert.equal(configs.length, 1, 'im.yaml did not change');
  const before = await fixture.client.list(CONTROLLER_REVISION, selection('many'));
  await applyCluster('many', { ...spec(4), logLevel: 'debug', rpc: { replicas: 3 } });
  await settled('many');
  const after = await fixture.client.list(CONTROLLER_REVISION, selection('many'));
  const numbers = ({ items }: typeof before) =>
    items.map(({ metadata, revision }) => [metadata.name, revision]);
  assert.deepEqual(numbers(after), numbers(before));
  const [newest] = await revisionsOf('many');
  assert.ok(newest);
  await assert.rejects(
    fixture.client.patch(
      CONTROLLER_REVISION,
      { namespace: NAMESPACE, name: newest.metadata.name },
      { data: { roles: null } },
    ),
    (error) => isApiError(error, 422),
    'its data is immutable',
  );
});

test('two clusters with equal specs have equal revisions', async () => {
  await using _operator = startOperator();
  const hashes: string[] = [];
  for (const name of ['twin-a', 'twin-b']) {
    await applyCluster(name, { gateway: { replicas: 1 } });
    await settled(name);
    const [revision] = await revisionsOf(name);
    const data = revision?.data as { effective?: object; templateVersion?: number };
    assert.equal(data.templateVersion, TEMPLATE_VERSION);
    hashes.push(JSON.stringify(data.effective));
  }
  assert.equal(hashes[0], hashes[1]);
  const rpc = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: 'twin-a-rpc' });
  assert.notEqual(mountsOf(rpc?.spec?.template.spec?.volumes)?.connection, 'twin-a-connection');
});

test('clusters are created and rolled out a few at a time, in order, also by the next operator', async () => {
  const placeLimits = { creation: 2, rollout: 1 };
  const names = ['queue-a', 'queue-b', 'queue-c'];
  const one = { replicas: 1 };
  const small = { gateway: one, api: one, rpc: one, transfer: one, push: one };
  const progressingOf = async (name: string) => {
    const { status } = await clusterOf(name);
    return status?.conditions?.find(({ type }) => type === 'Progressing');
  };
  /** Those of the clusters that wait for others. */
  const waiting = async () => {
    const found: string[] = [];
    for (const name of names) {
      if ((await progressingOf(name))?.reason === 'WaitingForOtherClusters') found.push(name);
    }
    return found;
  };
  {
    await using operator = startOperator(OPERATOR, { placeLimits });
    fixture.nodes.notReadyIf = async ({ metadata }) => metadata.name.startsWith('queue-');
    for (const name of names) {
      await applyCluster(name, small);
      await eventually(async () => assert.ok(await progressingOf(name), `${name} is seen`), LONG_MS);
    }
    await eventually(async () => assert.deepEqual(await waiting(), ['queue-c']), LONG_MS);
    const { items } = await fixture.client.list(DEPLOYMENT, selection('queue-c'));
    assert.equal(items.length, 0, 'nothing of it is created before');
    assert.match((await progressingOf('queue-c'))?.message ?? '', /at most 2 are created.*force-rollout=1/);
    fixture.nodes.notReadyIf = undefined;
    for (const name of names) await settled(name);
    const queued = operator.events.filter(({ reason }) => reason === 'RolloutQueued');
    assert.equal(queued.length, 1);

    fixture.nodes.brokenImages.add('ours:8');
    for (const name of names) await applyCluster(name, { ...small, image: 'openim/ours:8' });
    await eventually(async () => assert.equal((await waiting()).length, 2), LONG_MS);
  }
  const before = await waiting();
  const [rolling = ''] = names.filter((name) => !before.includes(name));
  await using _next = startOperator(OPERATOR, { placeLimits });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  // It says so once it has the first reports of the processes.
  await eventually(
    async () => assert.deepEqual(await waiting(), before, 'the next operator knows who is rolled out'),
    LONG_MS,
  );
  for (const name of before) assert.deepEqual(await imagesOf(name), [OPERATOR.image]);

  // A correction of the cluster that is rolled out does not wait, and neither does one that a person forces.
  const [forced = '', last = ''] = before;
  const { metadata } = await clusterOf(forced);
  await fixture.client.patch(
    OPENIM_CLUSTER,
    { namespace: NAMESPACE, name: forced },
    { metadata: { annotations: { 'openim.io/force-rollout': String(metadata.generation) } } },
  );
  await eventually(async () => assert.equal((await imagesOf(forced)).length, 2), LONG_MS);
  await eventually(async () => assert.deepEqual(await waiting(), [last]), LONG_MS);
  await applyCluster(rolling, { ...small, image: 'openim/ours:9' });
  await settled(rolling);
  await eventually(async () => assert.equal((await imagesOf(last)).length, 2), LONG_MS);
  fixture.nodes.brokenImages.delete('ours:8');
  for (const name of names) await settled(name);
  assert.deepEqual(await imagesOf(last), ['openim/ours:8']);
});
