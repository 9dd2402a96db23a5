import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import { POD, type Stored } from '@im/kube';
import type { OpenIMCluster } from '../src/resources/kinds.ts';
import { startOperator, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };
/** Ends a test that hangs. */
const LONG_MS = 120_000;

const fixture = useFixture(NAMESPACE);

const scaling = (stabilizationWindowSeconds: number) => ({
  minReplicas: 1,
  maxReplicas: 4,
  targetConnectionsPerPod: 100,
  spare: 'None' as const,
  behavior: { scaleDown: { stabilizationWindowSeconds } },
});

/** The cluster and its gateways, once all components are complete and `condition` holds. */
async function settled(
  name: string,
  condition: (cluster: OpenIMCluster) => boolean,
): Promise<{ readonly cluster: Stored<OpenIMCluster>; readonly pods: readonly string[] }> {
  const labelSelector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=gateway`;
  let cluster = await fixture.clusterOf(name);
  let pods: readonly string[] = [];
  await eventually(async () => {
    cluster = await fixture.clusterOf(name);
    const { items } = await fixture.client.list(POD, { namespace: NAMESPACE, labelSelector });
    pods = items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
    const { rollout, gatewayReplicas, autoscaling } = cluster.status ?? {};
    const state = JSON.stringify({ rollout, gatewayReplicas, autoscaling, pods });
    assert.ok(rollout?.stage === '' && pods.length === gatewayReplicas && condition(cluster), state);
  }, LONG_MS);
  return { cluster, pods };
}

const desired = (cluster: OpenIMCluster) => cluster.status?.autoscaling?.desiredReplicas;

test('gateways follow their connections, and the one that goes is drained first', {
  timeout: LONG_MS * 3,
}, async () => {
  const { nodes } = fixture;
  await using operator = startOperator(fixture, NAMESPACE, OPERATOR);
  await fixture.applyCluster('follow', {
    gateway: { autoscaling: scaling(4) },
  });
  const first = await settled('follow', (cluster) => desired(cluster) === 1);
  assert.equal(first.pods.length, 1, 'minReplicas at first');
  const [busy = ''] = first.pods;

  nodes.connections.set(busy, 250);
  const grown = await settled('follow', (cluster) => desired(cluster) === 3);
  assert.equal(grown.pods.length, 3);
  assert.equal(grown.cluster.status?.autoscaling?.reason, 'Connections');
  assert.equal(grown.cluster.status?.autoscaling?.message, 'connections need 3 gateways');
  assert.ok(grown.cluster.status?.autoscaling?.lastScaleUpTime);
  assert.equal(grown.cluster.spec.gateway?.replicas, undefined, 'the spec is not written');
  assert.equal(nodes.drained.length, 0);

  nodes.connections.set(busy, 150);
  nodes.connections.set(grown.pods.find((pod) => pod !== busy) ?? '', 20);
  const shrunk = await settled('follow', (cluster) => desired(cluster) === 2);
  assert.ok(shrunk.pods.includes(busy), 'the gateway with the most connections stays');
  assert.equal(shrunk.pods.length, 2);
  assert.equal(nodes.drained.length, 1);
  assert.ok(!shrunk.pods.includes(nodes.drained[0] ?? ''), 'the drained one is gone');
  assert.ok(shrunk.cluster.status?.autoscaling?.lastScaleDownTime);

  const scaled = operator.events.filter(({ message }) => message.startsWith('Autoscaling'));
  assert.deepEqual(
    scaled.map(({ reason, message }) => `${reason}: ${message}`),
    [
      'GatewaysScaled: Autoscaling changed the number of gateways from 1 to 3: connections need 3 gateways.',
      'GatewaysScaled: Autoscaling changed the number of gateways from 3 to 2: connections need 2 gateways.',
    ],
  );
});

test('a gateway that does not answer keeps all', { timeout: LONG_MS * 3 }, async () => {
  const { nodes } = fixture;
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  await fixture.applyCluster('silent', {
    gateway: { autoscaling: scaling(12) },
  });
  const first = await settled('silent', (cluster) => desired(cluster) === 1);
  nodes.connections.set(first.pods[0] ?? '', 150);
  const two = await settled('silent', (cluster) => desired(cluster) === 2);
  const other = two.pods.find((pod) => pod !== first.pods[0]) ?? '';
  nodes.silent.add(other);
  nodes.connections.set(first.pods[0] ?? '', 20);
  const frozen = await settled('silent', ({ status }) => status?.autoscaling?.frozen !== undefined);
  assert.equal(desired(frozen.cluster), 2);
  assert.equal(
    frozen.cluster.status?.autoscaling?.frozen,
    `1 of 2 gateways have not answered for 10 s (${other})`,
  );
  nodes.silent.delete(other);
  await settled('silent', (cluster) => desired(cluster) === 1);
});

test('an absent number keeps what runs, and both fields together are refused', {
  timeout: LONG_MS * 2,
}, async () => {
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  const ready = (count: number) => (cluster: OpenIMCluster) =>
    cluster.status?.gatewaysReady === `${count}/${count}`;
  const maxConnectionsPerPod = 5_000;
  await fixture.applyCluster('keep', { gateway: { maxConnectionsPerPod, replicas: 3 } });
  const three = await settled('keep', ready(3));
  await fixture.applyCluster('keep', { gateway: { maxConnectionsPerPod } });
  const generation = (await fixture.clusterOf('keep')).metadata.generation;
  const kept = await settled('keep', ({ status }) => status?.observedGeneration === generation);
  assert.deepEqual([...kept.pods].sort(), [...three.pods].sort());
  assert.equal(kept.cluster.status?.gatewaysReady, '3/3');
  const both = fixture.applyCluster('keep', { gateway: { replicas: 3, autoscaling: { maxReplicas: 4 } } });
  await assert.rejects(both, /spec\.gateway.*set either replicas or autoscaling, not both/);
  // minReplicas is below what runs; the load is not known for the whole window yet.
  await fixture.applyCluster('keep', { gateway: { autoscaling: { maxReplicas: 4 } } });
  const scaled = await settled('keep', (cluster) => desired(cluster) === 3);
  assert.deepEqual([...scaled.pods].sort(), [...three.pods].sort());
});
