import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startControlPlane } from '@im/dev-kubernetes';
import { eachLimited } from '@im/kit';
import { createKubeClient, type KubeClient, type Stored } from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../src/resources/kinds.ts';
import { RequestCounter } from './counting-client.ts';
import { type LeanNodes, startLeanNodes } from './lean-nodes.ts';
import { startOperator as startTestOperator, usableStores } from './operator-fixture.ts';

const FULL = process.env.FULL === '1';
const CLUSTERS = FULL ? 200 : 5;
/** Time of a measurement at rest, and of one with moving connections: longer than an interval of figures, ms. */
const AT_REST_MS = FULL ? 60_000 : 5_000;
const LIVE_MS = FULL ? 60_000 : 11_000;
/** Requests per second of 200 clusters, and its part for fewer, at rest and with moving connections. */
const AT_REST = 5 * (CLUSTERS / 200);
const LIVE = 50 * (CLUSTERS / 200);
/** Watches that may end by themselves and be opened again meanwhile. */
const WATCHES = 3;
const NAMESPACE = 'default';
const LONG_MS = 900_000;
/** Time in which the last writes have come back, ms. */
const QUIET_WITHIN_MS = 20_000;

const one = { replicas: 1 };
const SPEC: OpenIMClusterSpec = { gateway: one, api: one, rpc: one, transfer: one, push: one };
const NAMES = Array.from({ length: CLUSTERS }, (_, i) => `c${String(i).padStart(3, '0')}`);

let plane: Awaited<ReturnType<typeof startControlPlane>>;
let client: KubeClient;
let nodes: LeanNodes;
const requests = new RequestCounter();

before(async () => {
  plane = await startControlPlane({ controllers: true });
  client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
  await plane.kubectl('apply', '--server-side', '-f', new URL('../../crds', import.meta.url).pathname);
  await plane.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  nodes = startLeanNodes(client, NAMESPACE);
});
after(async () => {
  await nodes?.stop();
  client?.close();
  await plane?.stop();
});

function startOperator() {
  const counted = requests.count(client);
  const operator = { version: '0.1.0', image: 'openim/openim-operator:0.1.0' };
  return startTestOperator({ client: counted, nodes }, NAMESPACE, operator, { storeChecks: usableStores });
}

async function clusters(): Promise<readonly Stored<OpenIMCluster>[]> {
  return (await client.list(OPENIM_CLUSTER, { namespace: NAMESPACE })).items;
}

/** Waits until `holds` is true for every cluster. @returns how long that took, s. */
async function untilAll(holds: (cluster: Stored<OpenIMCluster>) => boolean): Promise<number> {
  const startedAt = performance.now();
  await eventually(async () => {
    const missing = (await clusters()).filter((cluster) => !holds(cluster));
    const [first] = missing;
    const ready = first?.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(missing.length, 0, `${first?.metadata.name} of ${missing.length}: ${ready?.message}`);
  }, LONG_MS);
  return (performance.now() - startedAt) / 1_000;
}

const isReady = ({ status, metadata }: Stored<OpenIMCluster>): boolean =>
  status?.rollout?.completedGeneration === metadata.generation &&
  (status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false);

/** Requests while nothing but `nodes` changes anything, and the most that are allowed: a machine that stalls measures for longer. */
async function cost(name: string, measuredMs: number, perSecond: number) {
  requests.reset();
  const startedAt = performance.now();
  await sleep(measuredMs);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { total, watches } = requests;
  console.log(`${CLUSTERS} clusters ${name}: ${(total / seconds).toFixed(2)} requests/s (${requests})`);
  return { name, watches, others: total - watches, most: perSecond * seconds };
}

/** Waits until the operator has sent no request for two seconds. */
async function untilQuiet(): Promise<void> {
  const deadline = performance.now() + QUIET_WITHIN_MS;
  for (let [before, since] = [-1, 0]; performance.now() < deadline; await sleep(100)) {
    if (requests.total !== before) [before, since] = [requests.total, performance.now()];
    else if (performance.now() - since > 2_000) return;
  }
}

/** Records every change of the status of a condition. */
function recordFlips(resourceVersion: string) {
  const stop = new AbortController();
  const known = new Map<string, string>();
  const flips: string[] = [];
  const watching = (async () => {
    const selection = { namespace: NAMESPACE, resourceVersion, signal: stop.signal };
    for await (const event of client.watch(OPENIM_CLUSTER, selection)) {
      if (event.type === 'BOOKMARK') continue;
      const { metadata, status } = event.object;
      for (const { type, status: value, reason } of status?.conditions ?? []) {
        const id = `${metadata.name} ${type}`;
        const before = known.get(id);
        if (before !== undefined && before !== value) flips.push(`${id}: ${before} to ${value} (${reason})`);
        known.set(id, value);
      }
    }
  })().catch(() => undefined);
  return {
    flips,
    async stop() {
      stop.abort();
      await watching;
    },
  };
}

test(`${CLUSTERS} clusters cost few requests, and a restarted operator finds them as they were`, async () => {
  const megabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20);
  {
    await using _operator = startOperator();
    await eachLimited(NAMES, 8, async (name) => {
      const metadata = { name, namespace: NAMESPACE };
      const cluster = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster', metadata, spec: SPEC };
      await client.apply(OPENIM_CLUSTER, cluster, { fieldManager: 'user' });
    });
    const seconds = await untilAll(isReady);
    console.log(`${CLUSTERS} clusters ready after ${seconds.toFixed(0)} s (${requests.total} requests)`);
    // What follows a rollout: the key of the cluster is settled, figures are written.
    await untilQuiet();
  }
  const { resourceVersion } = await client.list(OPENIM_CLUSTER, { namespace: NAMESPACE });
  const recorder = recordFlips(resourceVersion);

  await using operator = startOperator();
  nodes.connections = () => 3;
  const restartedAfter = await untilAll(({ status }) => status?.connections === 3);
  console.log(`looked at again ${restartedAfter.toFixed(1)} s after a restart of the operator`);
  await untilQuiet();
  const atRest = await cost('at rest', AT_REST_MS, AT_REST);
  console.log(`${megabytes()} MB, with the nodes and the test`);

  nodes.connections = (pod) => 1_000 + ((Date.now() / 37 + pod.length * 7_919) % 50_000);
  const live = await cost('with moving connections', LIVE_MS, LIVE);
  console.log(`${megabytes()} MB, with the nodes and the test`);
  await recorder.stop();
  assert.deepEqual(recorder.flips, []);
  assert.deepEqual(
    operator.events.map(({ reason, message }) => `${reason}: ${message}`),
    [],
  );
  for (const { name, watches, others, most } of [atRest, live]) {
    assert.ok(others <= most, `${others} requests ${name}, more than ${most.toFixed(1)}`);
    assert.ok(watches <= WATCHES, `${watches} watches opened ${name}`);
  }
});
