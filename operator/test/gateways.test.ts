import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@im/dev-kubernetes';
import { DEPLOYMENT, type KubeClient, NODE, POD, type Pod, type ResourceType, type Stored } from '@im/kube';
import { OPENIM_CLUSTER } from '../src/resources/kinds.ts';
import { ANNOTATION, REVISION_LABEL } from '../src/resources/names.ts';
import { startOperator as startTestOperator, usableStores, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;

const fixture = useFixture(NAMESPACE);

const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };
const startOperator = (writer?: KubeClient) =>
  startTestOperator(fixture, NAMESPACE, OPERATOR, { storeChecks: usableStores, ...(writer && { writer }) });

async function gatewaysOf(name: string): Promise<Stored<Pod>[]> {
  const labelSelector = `app.kubernetes.io/instance=${name},${REVISION_LABEL}`;
  return [...(await fixture.client.list(POD, { namespace: NAMESPACE, labelSelector })).items];
}

async function deploymentsOf(name: string) {
  const labelSelector = `app.kubernetes.io/instance=${name},${REVISION_LABEL}`;
  return (await fixture.client.list(DEPLOYMENT, { namespace: NAMESPACE, labelSelector })).items;
}

const namesOf = (pods: readonly Stored<Pod>[]) => pods.map(({ metadata }) => metadata.name).sort();

/** Waits until the cluster has no step left, and this number of gateways. */
async function settled(name: string, gateways: number): Promise<Stored<Pod>[]> {
  let pods: Stored<Pod>[] = [];
  await eventually(async () => {
    const cluster = await fixture.client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
    const condition = (type: string) => cluster?.status?.conditions?.find((each) => each.type === type);
    assert.equal(cluster?.status?.observedGeneration, cluster?.metadata.generation);
    assert.equal(condition('Progressing')?.status, 'False', condition('Progressing')?.message);
    pods = await gatewaysOf(name);
    assert.equal(pods.length, gateways);
  }, LONG_MS);
  return pods;
}

async function deleted(name: string): Promise<void> {
  await fixture.client.delete(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
  await eventually(async () => assert.deepEqual(await gatewaysOf(name), []), LONG_MS);
}

test('a revision whose pods never started is removed as soon as the template is set back', async () => {
  await using operator = startOperator();
  await fixture.applyCluster('bad', { gateway: { replicas: 2 } });
  const good = namesOf(await settled('bad', 2));
  await fixture.applyCluster('bad', {
    gateway: { replicas: 2, podTemplate: { nodeSelector: { nowhere: 'x' } } },
  });
  await eventually(async () => assert.equal((await gatewaysOf('bad')).length, 4), LONG_MS);
  await fixture.applyCluster('bad', { gateway: { replicas: 2 } });
  assert.deepEqual(namesOf(await settled('bad', 2)), good);
  assert.equal((await deploymentsOf('bad')).length, 1);
  assert.equal(
    operator.events.some(({ reason }) => reason === 'GatewayDraining'),
    false,
  );
  await deleted('bad');
});

test('a Deployment of gateways that others change is set back, and replaces no pod', async () => {
  await using _operator = startOperator();
  await fixture.applyCluster('drift', { gateway: { replicas: 2 } });
  const before = namesOf(await settled('drift', 2));
  await eventually(async () => {
    const [deployment] = await deploymentsOf('drift');
    assert.equal(deployment?.spec?.paused, true, 'it cannot roll by itself');
    const owners = deployment?.metadata.managedFields?.filter(
      ({ fieldsV1 }) =>
        JSON.stringify(fieldsV1).includes('"f:replicas":{}},') ||
        JSON.stringify(fieldsV1).includes('"f:spec":{"f:paused":{},"f:replicas":{}}'),
    );
    assert.deepEqual(
      owners?.map(({ manager }) => manager),
      ['openim-operator-scale'],
    );
  }, LONG_MS);
  const [deployment] = await deploymentsOf('drift');
  assert.ok(deployment);
  const key = { namespace: NAMESPACE, name: deployment.metadata.name };
  const containers = [{ ...deployment.spec?.template.spec?.containers[0], image: 'other:2' }];
  await fixture.client.patch(DEPLOYMENT, key, {
    metadata: { labels: { 'app.kubernetes.io/part-of': 'other' } },
    spec: { template: { spec: { containers } } },
  });
  await eventually(async () => {
    const { spec, metadata } = (await fixture.client.get(DEPLOYMENT, key)) ?? {};
    assert.equal(spec?.template.spec?.containers[0]?.image, OPERATOR.image);
    assert.equal(metadata?.labels?.['app.kubernetes.io/part-of'], 'openim');
  }, LONG_MS);
  await fixture.client.patch(DEPLOYMENT, key, { spec: { paused: false } });
  await eventually(async () => {
    assert.equal((await fixture.client.get(DEPLOYMENT, key))?.spec?.paused, true);
  }, LONG_MS);
  await eventually(async () => assert.deepEqual(namesOf(await gatewaysOf('drift')), before), LONG_MS);
  await fixture.client.patch(DEPLOYMENT, key, { spec: { replicas: 5 } });
  await settled('drift', 2);
  await eventually(
    async () => assert.equal((await fixture.client.get(DEPLOYMENT, key))?.spec?.replicas, 2),
    LONG_MS,
  );
  await deleted('drift');
});

test('a gateway that drains without a reason accepts clients again', async () => {
  {
    await using _operator = startOperator();
    await fixture.applyCluster('lost', { gateway: { replicas: 2 } });
    await settled('lost', 2);
  }
  const [pod] = await gatewaysOf('lost');
  const host = pod?.status?.podIP ?? '';
  // As an operator that removed the annotation and stopped before its request arrived.
  await fixture.nodes.processes.drain(
    { host, key: '' },
    { until: Date.now() + 600_000 },
    AbortSignal.timeout(5_000),
  );
  await eventually(async () =>
    assert.equal((await fixture.nodes.processes.status(host, AbortSignal.timeout(5_000))).ready, false),
  );
  await using _another = startOperator();
  await eventually(async () => {
    const { gateway } = await fixture.nodes.processes.status(host, AbortSignal.timeout(5_000));
    assert.equal(gateway?.draining, false);
  }, LONG_MS);
  await settled('lost', 2);
  await deleted('lost');
});

test('a gateway that does not report its connections keeps a scale-in from choosing', async () => {
  await using _operator = startOperator();
  await fixture.applyCluster('slow', { gateway: { replicas: 3 } });
  const pods = namesOf(await settled('slow', 3));
  const [busy = '', least = '', other = ''] = pods;
  for (const [name, count] of [
    [busy, 300],
    [least, 20],
    [other, 100],
  ] as const)
    fixture.nodes.connections.set(name, count);
  fixture.nodes.silent.add(busy);
  fixture.nodes.drained.length = 0;
  // Its last report must be too old to count.
  await sleep(11_000);
  await fixture.applyCluster('slow', { gateway: { replicas: 2 } });
  await eventually(async () => {
    const cluster = await fixture.client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name: 'slow' });
    const progressing = cluster?.status?.conditions?.find(({ type }) => type === 'Progressing');
    assert.match(progressing?.message ?? '', new RegExp(`do not report their connections, such as ${busy}`));
  }, LONG_MS);
  assert.deepEqual(fixture.nodes.drained, []);
  fixture.nodes.silent.delete(busy);
  assert.deepEqual(namesOf(await settled('slow', 2)), [busy, other].sort());
  assert.deepEqual(fixture.nodes.drained, [least]);
  await deleted('slow');
});

test('several victims drain at a time, and exactly they are deleted', async () => {
  await using _operator = startOperator();
  await fixture.applyCluster('many', { gateway: { replicas: 8, drain: { maxConcurrentPods: 3 } } });
  const pods = namesOf(await settled('many', 8));
  for (const [i, name] of pods.entries()) fixture.nodes.connections.set(name, i % 2 === 0 ? 40 : 500);
  const least = pods.filter((_name, i) => i % 2 === 0);
  fixture.nodes.drained.length = 0;
  await fixture.nodes.asked(pods);
  fixture.nodes.holdsDrains = true;
  await fixture.applyCluster('many', { gateway: { replicas: 4, drain: { maxConcurrentPods: 3 } } });
  await eventually(async () => {
    const draining = (await gatewaysOf('many')).filter(
      ({ metadata }) => metadata.annotations?.[ANNOTATION.drainSince] !== undefined,
    );
    assert.equal(draining.length, 3, 'as many as may');
    assert.equal(fixture.nodes.drained.length, 3);
  }, LONG_MS);
  fixture.nodes.holdsDrains = false;
  const left = await settled('many', 4);
  assert.deepEqual(
    namesOf(left),
    pods.filter((name) => !least.includes(name)),
  );
  assert.deepEqual([...fixture.nodes.drained].sort(), least);
  await deleted('many');
});

test('a gateway that a person wants replaced gets a successor before it drains', async () => {
  await using operator = startOperator();
  await fixture.applyCluster('manual', { gateway: { replicas: 2 } });
  const [victim = '', other = ''] = namesOf(await settled('manual', 2));
  fixture.nodes.connections.set(victim, 60);
  fixture.nodes.drained.length = 0;
  const patch = { metadata: { annotations: { [ANNOTATION.drain]: 'heap dump' } } };
  await fixture.client.patch(POD, { namespace: NAMESPACE, name: victim }, patch);
  await eventually(async () => {
    const pods = await gatewaysOf('manual');
    assert.ok(!namesOf(pods).includes(victim) && namesOf(pods).includes(other) && pods.length === 2);
  }, LONG_MS);
  assert.deepEqual(fixture.nodes.drained, [victim]);
  assert.equal(fixture.nodes.connections.get(victim), 0);
  const scaled = operator.events.findIndex(({ message }) => /to 3 gateways/.test(message));
  const drain = operator.events.findIndex(({ reason }) => reason === 'GatewayDraining');
  assert.ok(scaled >= 0 && drain > scaled, 'the successor came first');
  await deleted('manual');
});

/** A client that executes writes to gateways up to a number, and none afterwards: its operator has been killed. */
function killedAfter(writes: number): { writer: KubeClient; readonly killed: Promise<void> } {
  const killed = Promise.withResolvers<void>();
  let left = writes;
  const limited =
    <A extends readonly unknown[], R>(call: (type: never, ...rest: A) => Promise<R>) =>
    (type: ResourceType<Pod>, ...rest: A): Promise<R> => {
      if (left <= 0 || ((type.kind === 'Pod' || type.kind === 'Deployment') && left-- <= 0)) {
        killed.resolve();
        return Promise.reject(new Error('killed'));
      }
      return call(type as never, ...rest);
    };
  const writer: KubeClient = Object.assign(Object.create(fixture.client) as KubeClient, {
    patch: limited(fixture.client.patch as never),
    apply: limited(fixture.client.apply as never),
    delete: limited(fixture.client.delete as never),
  });
  return { writer, killed: killed.promise };
}

test('a scale-in that is interrupted after any of its writes ends with the gateway that it chose', async () => {
  {
    await using _operator = startOperator();
    await fixture.applyCluster('killed', { gateway: { replicas: 7 } });
    await settled('killed', 7);
  }
  let replicas = 7;
  for (let writes = 1; writes <= 5; writes++) {
    const pods = namesOf(await gatewaysOf('killed'));
    const [victim = ''] = pods;
    for (const name of pods) fixture.nodes.connections.set(name, name === victim ? 15 : 200);
    fixture.nodes.drained.length = 0;
    replicas -= 1;
    await fixture.applyCluster('killed', { gateway: { replicas } });
    {
      // A new operator claims the number of gateways with its first writes.
      const { writer, killed } = killedAfter(writes);
      await using _operator = startOperator(writer);
      await Promise.race([killed, sleep(20_000)]);
    }
    await using _next = startOperator();
    const left = namesOf(await settled('killed', replicas));
    assert.deepEqual(
      left,
      pods.filter((name) => name !== victim),
      `after ${writes} writes`,
    );
    assert.deepEqual(fixture.nodes.drained, [victim]);
  }
  await using _operator = startOperator();
  await deleted('killed');
});

test('gateways leave a cordoned node after their replacements are ready', async () => {
  for (const name of ['left', 'right']) {
    await fixture.client.create(NODE, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  }
  fixture.nodes.nodesOf.set('cordon', ['left', 'right']);
  await using operator = startOperator();
  await fixture.applyCluster('cordon', { gateway: { replicas: 2 } });
  const pods = await settled('cordon', 2);
  const nodeOf = (pod: Stored<Pod>) => pod.spec?.nodeName;
  assert.deepEqual(pods.map(nodeOf).sort(), ['left', 'right']);
  for (const pod of pods) fixture.nodes.connections.set(pod.metadata.name, 40);
  fixture.nodes.drained.length = 0;
  fixture.nodes.nodesOf.set('cordon', ['right']);
  await fixture.client.patch(NODE, { name: 'left' }, { spec: { unschedulable: true } });
  await eventually(async () => {
    const now = await gatewaysOf('cordon');
    assert.deepEqual(now.map(nodeOf), ['right', 'right']);
  }, LONG_MS);
  const moved = namesOf(pods.filter((pod) => nodeOf(pod) === 'left'));
  assert.deepEqual(fixture.nodes.drained, moved);
  const drain = operator.events.find(({ reason }) => reason === 'GatewayDraining');
  assert.match(drain?.message ?? '', /node left is cordoned/);
  await deleted('cordon');
});
