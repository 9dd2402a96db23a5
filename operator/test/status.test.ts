import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import { type KubeObject, resourceType, type Stored } from '@im/kube';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../src/resources/kinds.ts';
import { conditionOf, startOperator, usableStores, useFixture } from './operator-fixture.ts';

const PLACE = 'default';
const QUOTA = resourceType<KubeObject>('v1', 'ResourceQuota', 'resourcequotas');
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;

const fixture = useFixture(PLACE, ['resourcequota-controller']);

const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:0.1.0' };

/** Waits until the newest generation of the spec is rolled out. The stores do not run, so `Ready` is out of reach. */
async function rolledOut(name: string): Promise<Stored<OpenIMCluster>> {
  let cluster: Stored<OpenIMCluster> | undefined;
  await eventually(async () => {
    cluster = await fixture.clusterOf(name);
    assert.equal(
      cluster.status?.rollout?.completedGeneration,
      cluster.metadata.generation,
      cluster.status?.rollout?.message,
    );
  }, LONG_MS);
  assert.ok(cluster);
  return cluster;
}

async function remove(name: string): Promise<void> {
  await fixture.client.delete(OPENIM_CLUSTER, { namespace: PLACE, name });
  await eventually(
    async () => assert.equal(await fixture.client.get(OPENIM_CLUSTER, { namespace: PLACE, name }), undefined),
    LONG_MS,
  );
}

/** Waits until a condition has a message like this. */
async function reports(name: string, type: string, message: RegExp): Promise<void> {
  await eventually(
    async () => assert.match(conditionOf(await fixture.clusterOf(name), type).message, message),
    LONG_MS,
  );
}

test('events of a first start have no Warning about what is missing; a bad image and its way back are reported', async () => {
  await using operator = startOperator(fixture, PLACE, OPERATOR, { storeChecks: usableStores });
  const isOfStores = (reason: string) => /^(NATS|MongoDB|Redis|ObjectStorage)|^Messages/.test(reason);
  /** The story so far, without the stores. */
  const story = () =>
    operator.events
      .filter(({ reason }) => !isOfStores(reason) && !reason.startsWith('Gateway'))
      .map(({ type, reason }) => `${type} ${reason}`);
  await fixture.applyCluster('story', { gateway: { replicas: 1 } });
  await rolledOut('story');
  await eventually(async () => assert.ok(story().includes('Normal RolloutFinished')), LONG_MS);
  assert.deepEqual(
    operator.events.filter(({ type }) => type === 'Warning'),
    [],
  );
  assert.equal(story()[0], 'Normal RolloutStarted');
  assert.equal(story().filter((each) => each === 'Normal RolloutStarted').length, 1);

  const before = operator.events.length;
  fixture.nodes.brokenImages.add('openim/bad');
  await fixture.applyCluster('story', { gateway: { replicas: 1 }, image: 'openim/bad:1' });
  await reports('story', 'Progressing', /ImagePullBackOff/);
  await eventually(async () => assert.ok(story().includes('Warning PodsFailing')), LONG_MS);
  const failing = await fixture.clusterOf('story');
  assert.equal(conditionOf(failing, 'Reconciling').status, 'True');
  assert.equal(conditionOf(failing, 'WorkloadsAvailable').status, 'True', 'the old pods serve');
  await fixture.applyCluster('story', { gateway: { replicas: 1 }, image: OPERATOR.image });
  await rolledOut('story');
  await eventually(async () => {
    // How many stages are seen on the way depends on when they are looked at.
    const reported = operator.events
      .slice(before)
      .filter(({ reason }) => !isOfStores(reason))
      .filter(({ type, reason }) => `${type} ${reason}` !== 'Normal RolloutContinued');
    assert.deepEqual(
      reported.map(({ type, reason }) => `${type} ${reason}`).filter((each) => !each.includes('Gateway')),
      [
        'Normal RolloutStarted',
        'Normal UpgradeStarted',
        'Warning PodsFailing',
        'Normal RolloutFinished',
        'Normal Ready',
      ],
    );
  }, LONG_MS);
  await remove('story');
});

test('a new operator changes neither conditions nor figures before it has looked, and records no event', async () => {
  fixture.nodes.connections.clear();
  {
    await using _first = startOperator(fixture, PLACE, OPERATOR, { storeChecks: usableStores });
    await fixture.applyCluster('kept', { gateway: { replicas: 1 } });
    const cluster = await rolledOut('kept');
    const gateway = cluster.status?.gateways?.[0]?.pod ?? '';
    fixture.nodes.connections.set(gateway, 7);
    await eventually(
      async () => assert.equal((await fixture.clusterOf('kept')).status?.connections, 7),
      LONG_MS,
    );
    // Each store is checked at a time of its own.
    await eventually(async () => {
      const cluster = await fixture.clusterOf('kept');
      for (const store of ['NATS', 'MongoDB', 'Redis', 'ObjectStorage'])
        assert.notEqual(conditionOf(cluster, `${store}Available`).status, 'Unknown', store);
    }, LONG_MS);
  }
  const known = await fixture.clusterOf('kept');
  const seen: Stored<OpenIMCluster>[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    const { resourceVersion } = known.metadata;
    for await (const event of fixture.client.watch(OPENIM_CLUSTER, {
      namespace: PLACE,
      resourceVersion,
      signal: stop.signal,
    })) {
      if (event.type !== 'BOOKMARK') seen.push(event.object);
    }
  })().catch(() => undefined);
  {
    await using second = startOperator(fixture, PLACE, OPERATOR, { storeChecks: usableStores });
    // Longer than the interval of figures, so that they are written again.
    await new Promise((resolve) => setTimeout(resolve, 14_000));
    assert.deepEqual(second.events, []);
  }
  stop.abort();
  await watching;
  const states = (cluster: OpenIMCluster) =>
    Object.fromEntries((cluster.status?.conditions ?? []).map(({ type, status }) => [type, status]));
  for (const cluster of seen) {
    assert.deepEqual(states(cluster), states(known));
    assert.equal(cluster.status?.connections, 7);
  }
});

test('a quota that admits no pods is the reason for missing ones, of roles and of stores', async () => {
  await using _operator = startOperator(fixture, PLACE, OPERATOR, { storeChecks: usableStores });
  const quota = { name: 'none', namespace: PLACE };
  await fixture.client.create(QUOTA, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: quota,
    spec: { hard: { pods: '0' } },
  } as KubeObject);
  await eventually(async () => {
    const found = (await fixture.client.get(QUOTA, quota)) as { status?: { hard?: object } } | undefined;
    assert.ok(found?.status?.hard);
  }, LONG_MS);
  await fixture.applyCluster('quota', { gateway: { replicas: 1 } });
  await reports('quota', 'NATSAvailable', /quota-nats: its pods cannot be created: exceeded quota: none/);
  await reports('quota', 'Progressing', /exceeded quota: none.*raise the ResourceQuota/);
  await reports(
    'quota',
    'WorkloadsAvailable',
    /rpc: 0 of 2 ready: quota-rpc: its pods cannot be created: exceeded quota/,
  );
  assert.equal(conditionOf(await fixture.clusterOf('quota'), 'Progressing').reason, 'PodsRefused');
  const rpc = (await fixture.clusterOf('quota')).status?.components?.find(({ name }) => name === 'rpc');
  assert.match(rpc?.reason ?? '', /exceeded quota: none/);
  await fixture.client.delete(QUOTA, quota);
  await remove('quota');
});

test('a PriorityClass that does not exist is the reason for missing pods', async () => {
  await using _operator = startOperator(fixture, PLACE, OPERATOR, { storeChecks: usableStores });
  await fixture.applyCluster('refused', {
    gateway: { replicas: 1 },
    rpc: { podTemplate: { priorityClassName: 'no-such-class' } },
  });
  await reports(
    'refused',
    'WorkloadsAvailable',
    /create PriorityClass no-such-class, or correct podTemplate/,
  );
  await remove('refused');
});
