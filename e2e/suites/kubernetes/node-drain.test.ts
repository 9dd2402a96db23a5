import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADDED_NODE_TOLERATION, addNode, type DeployedCluster, type Pod } from '@im/dev-cluster';
import { isPodReady } from '@im/kube';
import { ANNOTATION } from '@im/operator';
import { now } from '@im/proof';
import { watchDrains } from './drain-steps.ts';
import { type IdleClients, idleClients } from './idle-clients.ts';
import { sharedCluster } from './shared-cluster.ts';
import { recordStatus, type Snapshot } from './status-recorder.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, overTheService, type Row, seconds, tableOf } from './verdicts.ts';

const FULL = process.env.FULL === '1';
const CLIENTS = 60;
const TRAFFIC = { users: 10, messagesPerSecond: 30 };
const DRAIN = { deadlineSeconds: 60, maxConnectionsPerSecond: 10 };
const CONNECTED_WITHIN_MS = 60_000;
const EMPTY_WITHIN_MS = 180_000;
const DELIVER_WITHIN_MS = 15_000;
const CALM_MS = 2_000;
const POLL_MS = 250;

/** One gateway of each revision per node; a cordoned node does not count. */
const SPREAD = {
  maxSkew: 1,
  topologyKey: 'kubernetes.io/hostname',
  whenUnsatisfiable: 'DoNotSchedule',
  nodeTaintsPolicy: 'Honor',
  matchLabelKeys: ['pod-template-hash'],
  labelSelector: { matchLabels: { 'app.kubernetes.io/component': 'gateway' } },
};

describe('a node is drained', { skip: FULL ? false : 'FULL=1 shows it' }, () => {
  let cluster: DeployedCluster;
  let node: Awaited<ReturnType<typeof addNode>>;
  const rows: Row[] = [];

  before(async () => {
    cluster = await sharedCluster();
    node = await addNode(cluster.testCluster);
    if (!node) return;
    const podTemplate = { tolerations: [ADDED_NODE_TOLERATION], topologySpreadConstraints: [SPREAD] };
    await cluster.change({ spec: { gateway: { drain: DRAIN, podTemplate } } });
    await cluster.untilSettled();
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.change({ spec: { gateway: { drain: null, podTemplate: null } } });
    await cluster?.untilSettled();
    await node?.[Symbol.asyncDispose]();
    await cluster?.close();
  });

  const kubectl = (...args: readonly string[]) => cluster.testCluster.kubernetes.kubectl(...args);
  const nodeName = () => node?.name ?? '';
  const isOnNode = (pod: Pod) => pod.spec?.nodeName === nodeName();

  async function gatewayOnNode(): Promise<Pod> {
    const [found, ...others] = (await cluster.pods('gateway')).filter(isOnNode);
    assert.ok(found && others.length === 0, 'one of two gateways is on the second node');
    return found;
  }

  /** Empties the node while clients are connected, and checks how. */
  async function emptied(name: string, empty: () => Promise<unknown>): Promise<Snapshot[]> {
    const victim = await gatewayOnNode();
    await using clients = idleClients(cluster.anyGateway, cluster.admin('default'), name);
    await clients.resize(CLIENTS);
    await clients.untilOpen(CONNECTED_WITHIN_MS);
    await using traffic = await startTraffic(overTheService(cluster), { name, ...TRAFFIC });
    await using statuses = recordStatus(cluster);
    await sleep(CALM_MS);
    const startedAt = now();
    await empty();
    await untilEmpty();
    await cluster.untilSettled();
    await clients.untilOpen(CONNECTED_WITHIN_MS);
    const done = now();
    await sleep(CALM_MS);
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: startedAt, to: done }],
    });
    const closed = clients.events.filter(({ kind, at }) => kind === 'closed' && at >= startedAt);
    const moved = new Set(closed.map(({ client }) => client));
    const figures = { took: seconds(done - startedAt), 'clients moved': `${moved.size} of ${CLIENTS}` };
    rows.push({
      name,
      verdict,
      figures: { ...figures, 'most per second': String(peakOf(clients, startedAt)) },
    });
    assertClean(verdict);
    assert.equal(closed.length, moved.size, 'each client is moved once');
    assert.ok(moved.size > 0 && moved.size < CLIENTS, `${moved.size} clients were moved`);
    // A step of the pace may fall into either of two seconds.
    assert.ok(
      peakOf(clients, startedAt) <= DRAIN.maxConnectionsPerSecond * 1.5 + 1,
      'at the pace of the drain',
    );
    const left = await cluster.pods('gateway');
    assert.ok(!left.some(({ metadata }) => metadata.uid === victim.metadata.uid));
    assert.ok(left.length === 2 && !left.some(isOnNode), 'both are on the other node');
    return [...statuses.snapshots].filter(({ at }) => at >= startedAt);
  }

  async function untilEmpty(): Promise<void> {
    const selection = ['-n', cluster.namespace, `--field-selector=spec.nodeName=${nodeName()}`, '-o', 'name'];
    for (const deadline = now() + EMPTY_WITHIN_MS; ; await sleep(POLL_MS)) {
      const left = (await kubectl('get', 'pods', ...selection)).trim();
      if (left === '') return;
      assert.ok(now() < deadline, `pods are still on the node: ${left}`);
    }
  }

  test('cordoned: the replacement is ready before the gateway drains, then it is deleted', {
    timeout: 590_000,
  }, async (t) => {
    if (!node) return t.skip('only the local cluster can add a node');
    await using drains = await watchDrains(cluster);
    const victim = await gatewayOnNode();
    const snapshots = await emptied('cordon', () => kubectl('cordon', nodeName()));
    assert.deepEqual(drains.drained(), [victim.metadata.name]);
    const isChosen = ({ pods }: Snapshot) =>
      pods.some(({ metadata }) => metadata.annotations?.[ANNOTATION.drainSince] !== undefined);
    const first = snapshots.find(isChosen);
    const ready = first?.pods.filter(
      (pod) =>
        pod.metadata.labels?.['app.kubernetes.io/component'] === 'gateway' &&
        pod.metadata.uid !== victim.metadata.uid &&
        isPodReady(pod),
    );
    assert.equal(ready?.length, 2, 'when it was chosen, two others were ready');
  });

  test('drained by kubectl: the eviction moves its clients at the pace of a drain', {
    timeout: 590_000,
  }, async (t) => {
    if (!node) return t.skip('only the local cluster can add a node');
    await kubectl('uncordon', nodeName());
    // Another revision, so that the gateways are spread again.
    const annotations = { 'openim.test/spread': new Date().toISOString() };
    await cluster.change({ spec: { gateway: { podTemplate: { annotations } } } });
    await sleep(CALM_MS);
    await cluster.untilSettled();
    await emptied('kubectl_drain', () =>
      kubectl('drain', nodeName(), '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=170s'),
    );
  });
});

/** Most clients closed within one second. */
function peakOf({ events }: IdleClients, from: number): number {
  const counts = new Map<number, number>();
  for (const { kind, at } of events) {
    if (kind !== 'closed' || at < from) continue;
    const second = Math.floor((at - from) / 1_000);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}
