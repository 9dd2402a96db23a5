import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_PORTS } from '@im/contract';
import type { DeployedCluster } from '@im/dev-cluster';
import { DEPLOYMENT, type Deployment, isPodReady, POD, SERVICE } from '@im/kube';
import { now, textTable } from '@im/proof';
import { type ClientEvent, type IdleClients, idleClients } from './idle-clients.ts';
import { lineChart } from './line-chart.ts';
import { sharedCluster } from './shared-cluster.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, overTheService, seconds } from './verdicts.ts';

const FULL = process.env.FULL === '1';
const CLIENTS = FULL ? 3_000 : 400;
/** Closed per second and gateway at most, so that a drain of half of the clients takes several seconds. */
const MAX_PER_SECOND = FULL ? 150 : 50;
const DRAIN_SECONDS = FULL ? 300 : 60;
const TRAFFIC = { users: 10, messagesPerSecond: 30 };
const DELIVER_WITHIN_MS = 15_000;
const ROLLED_WITHIN_MS = FULL ? 560_000 : 240_000;
const BACK_WITHIN_MS = 90_000;
const CALM_MS = 2_000;
const CHARTS = join(import.meta.dirname, '../../../docs/operations');
const PLAIN = 'plain-gateway';
const PLAIN_LABELS = { app: PLAIN };

/** What clients noticed of a roll-out. */
interface Storm {
  readonly startedAt: number;
  readonly took: number;
  readonly events: readonly ClientEvent[];
}

describe(`a roll-out of gateways with ${CLIENTS} idle clients, ${FULL ? 'FULL=1' : 'short, FULL=1 for all'}`, () => {
  let cluster: DeployedCluster;
  const storms = new Map<string, Storm>();

  before(async () => {
    cluster = await sharedCluster();
    await cluster.change({
      spec: {
        gateway: { drain: { deadlineSeconds: DRAIN_SECONDS, maxConnectionsPerSecond: MAX_PER_SECOND } },
      },
    });
    await cluster.untilSettled();
  });
  after(async () => {
    if (storms.size > 0) process.stdout.write(`\n${tableOf(storms)}\n\n`);
    if (FULL && storms.size === 2) writeCharts(storms);
    if (!cluster) return;
    const { api } = cluster.testCluster;
    const key = { namespace: cluster.namespace, name: PLAIN };
    await api.delete(DEPLOYMENT, key);
    await api.delete(SERVICE, key);
    await cluster.change({ spec: { gateway: { drain: null, podTemplate: null } } });
    await cluster.close();
  });

  /** Calls `roll` while clients are connected, and waits until it is complete and every client is back. */
  async function observe(name: string, clients: IdleClients, roll: () => Promise<void>): Promise<Storm> {
    const seen = clients.events.length;
    const startedAt = now();
    await roll();
    const took = now() - startedAt;
    await clients.untilOpen(BACK_WITHIN_MS);
    await sleep(CALM_MS);
    const storm = { startedAt, took, events: clients.events.slice(seen) };
    storms.set(name, storm);
    return storm;
  }

  test('the operator moves each client once, at a pace', { timeout: 900_000 }, async () => {
    await using clients = idleClients(cluster.anyGateway, cluster.admin('default'), 'paced');
    await clients.resize(CLIENTS);
    await clients.untilOpen(BACK_WITHIN_MS);
    await using traffic = await startTraffic(overTheService(cluster), { name: 'paced_drain', ...TRAFFIC });
    const storm = await observe('by the operator', clients, async () => {
      const annotations = { 'openim.test/rolled': new Date().toISOString() };
      await cluster.change({ spec: { gateway: { podTemplate: { annotations } } } });
      await sleep(CALM_MS);
      await cluster.untilSettled(ROLLED_WITHIN_MS);
    });
    assertClean(await traffic.finish({ deliverWithinMs: DELIVER_WITHIN_MS }));
    const moves = movesOf(storm.events);
    assert.equal(moves.size, CLIENTS, 'every client was moved');
    assert.equal(Math.max(...moves.values()), 1, 'each of them once');
    const peak = Math.max(...perSecond(storm, 'closed').map(([, count]) => count));
    // Two gateways at most drain at the same time; a step of the pace may fall into either of two seconds.
    assert.ok(peak <= 2 * MAX_PER_SECOND * 1.5, `${peak} clients closed in one second`);
  });

  test('for contrast, a plain Deployment closes all clients of a pod at once', {
    timeout: 900_000,
    skip: FULL ? false : 'it is no promise of the operator; FULL=1 shows it',
  }, async () => {
    const endpoint = await deployPlainGateways();
    await using clients = idleClients(endpoint, cluster.admin('default'), 'plain');
    await clients.resize(CLIENTS);
    await clients.untilOpen(BACK_WITHIN_MS);
    const { api } = cluster.testCluster;
    const key = { namespace: cluster.namespace, name: PLAIN };
    const storm = await observe('by a Deployment', clients, async () => {
      const annotations = { 'openim.test/rolled': new Date().toISOString() };
      await api.patch(DEPLOYMENT, key, { spec: { template: { metadata: { annotations } } } });
      await sleep(CALM_MS);
      await untilRolled();
    });
    const peak = Math.max(...perSecond(storm, 'closed').map(([, count]) => count));
    const paced = storms.get('by the operator');
    if (paced) {
      const pacedPeak = Math.max(...perSecond(paced, 'closed').map(([, count]) => count));
      assert.ok(peak > pacedPeak, `${peak} in one second, ${pacedPeak} with the operator`);
    }
  });

  /** Gateways of the cluster in a Deployment of their own, as services are deployed without an operator. */
  async function deployPlainGateways() {
    const { api, kubernetes } = cluster.testCluster;
    const { namespace } = cluster;
    const labelSelector = `app.kubernetes.io/instance=${cluster.name},app.kubernetes.io/component=gateway`;
    const [managed] = (await api.list(DEPLOYMENT, { namespace, labelSelector })).items;
    assert.ok(managed?.spec?.template.spec, 'there is a Deployment of gateways');
    const { template } = managed.spec;
    const [container] = managed.spec.template.spec.containers;
    assert.ok(container);
    const plain: Deployment = {
      metadata: { namespace, name: PLAIN, labels: PLAIN_LABELS },
      spec: {
        replicas: 2,
        selector: { matchLabels: PLAIN_LABELS },
        template: {
          metadata: { labels: PLAIN_LABELS, annotations: { ...template.metadata?.annotations } },
          spec: {
            ...managed.spec.template.spec,
            // No drain: what is open when the process has to end is cut.
            terminationGracePeriodSeconds: 1,
            affinity: {},
            containers: [{ ...container, lifecycle: {} }],
          },
        },
      },
    };
    await api.create(DEPLOYMENT, plain);
    const service = await api.create(SERVICE, {
      metadata: { namespace, name: PLAIN },
      spec: {
        type: 'NodePort',
        selector: PLAIN_LABELS,
        ports: [{ name: 'ws', port: DEFAULT_PORTS.gateway, targetPort: 'ws' }],
      },
    });
    await untilRolled();
    const { host, port } = await kubernetes.nodePortAddress(service.spec?.ports?.[0]?.nodePort ?? 0);
    return { ...cluster.anyGateway, ws: `ws://${host}:${port}` };
  }

  async function untilRolled(): Promise<void> {
    const { api } = cluster.testCluster;
    const { namespace } = cluster;
    for (const deadline = now() + ROLLED_WITHIN_MS; ; await sleep(250)) {
      const found = await api.get(DEPLOYMENT, { namespace, name: PLAIN });
      const { observedGeneration = 0, updatedReplicas = 0, availableReplicas = 0 } = found?.status ?? {};
      const pods = await api.list(POD, { namespace, labelSelector: `app=${PLAIN}` });
      const observed = observedGeneration >= (found?.metadata.generation ?? 0);
      const alone = pods.items.length === 2 && pods.items.every(isPodReady);
      if (observed && updatedReplicas === 2 && availableReplicas === 2 && alone) return;
      assert.ok(now() < deadline, 'the plain Deployment is rolled out');
    }
  }
});

function movesOf(events: readonly ClientEvent[]): Map<number, number> {
  const moves = new Map<number, number>();
  for (const { kind, client } of events) {
    if (kind === 'closed') moves.set(client, (moves.get(client) ?? 0) + 1);
  }
  return moves;
}

/** Events of a kind in each second since the start of a roll-out. */
function perSecond({ startedAt, events }: Storm, kind: ClientEvent['kind']): [number, number][] {
  const last = Math.max(...events.map(({ at }) => at), startedAt);
  const counts = new Array<number>(Math.floor((last - startedAt) / 1_000) + 1).fill(0);
  for (const event of events) {
    const second = Math.floor((event.at - startedAt) / 1_000);
    if (event.kind === kind) counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts.map((count, second) => [second, count]);
}

function loginQuantile({ events }: Storm, quantile: number): number {
  const times = events.flatMap(({ loginMs }) => loginMs ?? []).sort((a, b) => a - b);
  return times[Math.min(times.length - 1, Math.floor(times.length * quantile))] ?? 0;
}

function tableOf(storms: ReadonlyMap<string, Storm>): string {
  const rows = [...storms].map(([name, storm]) => {
    const count = (kind: ClientEvent['kind']) => storm.events.filter((event) => event.kind === kind).length;
    const peak = (kind: ClientEvent['kind']) =>
      Math.max(...perSecond(storm, kind).map(([, number]) => number));
    return [
      name,
      seconds(storm.took),
      String(count('closed')),
      String(Math.max(...movesOf(storm.events).values())),
      String(peak('closed')),
      String(peak('usable')),
      String(count('refused')),
      String(count('failed')),
      `${loginQuantile(storm, 0.5).toFixed(0)} / ${loginQuantile(storm, 0.99).toFixed(0)} ms`,
    ];
  });
  const head = ['closed', 'most per client', 'closed/s, peak', 'logins/s, peak', 'refused', 'failed dials'];
  return textTable([['', 'took', ...head, 'login p50 / p99'], ...rows]);
}

function writeCharts(storms: ReadonlyMap<string, Storm>): void {
  const charts = [
    ['drain-closed.svg', 'Clients closed per second during a roll-out', 'clients per second', 'closed'],
    ['drain-logins.svg', 'Logins per second during a roll-out', 'logins per second', 'usable'],
  ] as const;
  for (const [file, title, yLabel, kind] of charts) {
    const series = [...storms].map(([name, storm]) => ({ name, points: perSecond(storm, kind) }));
    const xLabel = `seconds since the change; ${CLIENTS} clients on two gateways`;
    writeFileSync(join(CHARTS, file), lineChart({ title, xLabel, yLabel, series }));
  }
}
