import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedCluster } from '@im/dev-cluster';
import { isPodReady } from '@im/kube';
import { now } from '@im/proof';
import { type ClientEvent, idleClients } from './idle-clients.ts';
import { lineChart } from './line-chart.ts';
import { sharedCluster } from './shared-cluster.ts';
import { recordStatus, type Snapshot } from './status-recorder.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, overTheService, type Row, seconds, tableOf } from './verdicts.ts';

const FULL = process.env.FULL === '1';
const CLIENTS = FULL ? 3_000 : 400;
const LEFT = CLIENTS / 10;
const TRAFFIC = { users: 10, messagesPerSecond: 30 };
/** Four gateways for all clients and the senders, one for the rest. */
const TARGET = Math.ceil(CLIENTS * 0.29);
const LIMIT = Math.ceil(CLIENTS * 0.75);
const RAMP_STEPS = FULL ? 30 : 10;
const RAMP_MS = FULL ? 90_000 : 15_000;
const WINDOW_SECONDS = FULL ? 30 : 8;
const HOLD_MS = FULL ? 30_000 : 3_000;
const SCALED_WITHIN_MS = FULL ? 180_000 : 90_000;
const CONNECTED_WITHIN_MS = 60_000;
const DELIVER_WITHIN_MS = 15_000;
/** Time between figures in status, and for the next look after one. */
const STATUS_MS = 12_000;
const CHART = join(import.meta.dirname, '../../../docs/operations/autoscale.svg');

/** One removal of a gateway. */
interface Removal {
  readonly pod: string;
  /** When the gateway before it was gone, and when this one was, by the checker's clock. */
  readonly from: number;
  readonly to: number;
  /** Most connections that status showed of it since then. */
  readonly connections: number;
}

describe(`gateways 1 → 4 → 1 as clients go 0 → ${CLIENTS} → ${LEFT}, ${FULL ? 'FULL=1' : 'short, FULL=1 for all'}`, () => {
  let cluster: DeployedCluster;
  const rows: Row[] = [];

  before(async () => {
    cluster = await sharedCluster();
    const pace = { type: 'Pods', value: 1, periodSeconds: 5 };
    await cluster.change({
      spec: {
        gateway: {
          replicas: null,
          maxConnectionsPerPod: LIMIT,
          autoscaling: {
            minReplicas: 1,
            maxReplicas: 4,
            targetConnectionsPerPod: TARGET,
            spare: 'None',
            behavior: {
              scaleDown: { stabilizationWindowSeconds: WINDOW_SECONDS, policies: [pace] },
            },
          },
        },
      },
    });
    await untilGateways(1);
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.change({
      spec: { gateway: { replicas: 2, autoscaling: null, maxConnectionsPerPod: null } },
    });
    await cluster?.untilSettled();
    await cluster?.close();
  });

  async function untilGateways(count: number): Promise<void> {
    for (const deadline = now() + SCALED_WITHIN_MS; ; await sleep(250)) {
      const { status } = await cluster.resource();
      const pods = await cluster.pods('gateway');
      const desired = status?.autoscaling?.desiredReplicas;
      if (desired === count && pods.length === count && status?.rollout?.stage === '') return;
      const state = `${pods.length} gateways; ${JSON.stringify(status?.autoscaling)}`;
      assert.ok(now() < deadline, `${count} gateways were expected: ${state}`);
    }
  }

  test('each removed gateway moves its own clients alone, each once', {
    timeout: 900_000,
  }, async () => {
    await using statuses = recordStatus(cluster);
    await using clients = idleClients(cluster.anyGateway, cluster.admin('default'), 'autoscale');
    await using traffic = await startTraffic(overTheService(cluster), { name: 'autoscale', ...TRAFFIC });
    const startedAt = now();
    await ramp(clients, 0, CLIENTS);
    await clients.untilOpen(CONNECTED_WITHIN_MS);
    await untilGateways(4);
    await sleep(HOLD_MS);
    const grownAt = now();
    assert.equal(closed(clients.events).length, 0, 'adding gateways moves no client');
    await ramp(clients, CLIENTS, LEFT);
    await untilGateways(1);
    await clients.untilOpen(CONNECTED_WITHIN_MS);
    const doneAt = now();
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: grownAt, to: doneAt }],
    });
    const removals = removalsOf(statuses.snapshots.filter(({ at }) => at >= grownAt));
    const moved = closed(clients.events).length;
    rows.push({
      name: '1 → 4 → 1 gateways',
      verdict,
      figures: { took: seconds(doneAt - startedAt), 'clients moved': `${moved}` },
    });
    record(statuses.snapshots, startedAt);

    assertClean(verdict);
    assert.equal(removals.length, 3, JSON.stringify(removals));
    for (const { pod, from, to, connections } of removals) {
      const moves = closed(clients.events).filter(({ at }) => at > from && at <= to);
      assert.equal(new Set(moves.map(({ client }) => client)).size, moves.length, `${pod}: each once`);
      // Status is some seconds old, and clients of the gateway before may have come since.
      const most = connections * 1.2 + 20;
      assert.ok(moves.length <= most, `${pod}: ${moves.length} clients moved, it had ${connections}`);
    }
    assert.equal(
      removals.reduce((sum, { from, to }) => sum + closed(clients.events, from, to).length, 0),
      moved,
      'no client is moved at another time',
    );
    for (const { resource } of statuses.snapshots)
      for (const { pod, connections = 0 } of resource.status?.gateways ?? [])
        assert.ok(connections <= LIMIT, `${pod} has ${connections} connections, its limit is ${LIMIT}`);
  });

  /** Changes the number of clients in even steps. */
  async function ramp(clients: ReturnType<typeof idleClients>, from: number, to: number): Promise<void> {
    const startedAt = now();
    for (let step = 1; step <= RAMP_STEPS; step++) {
      await clients.resize(Math.round(from + ((to - from) * step) / RAMP_STEPS));
      await sleep(Math.max(0, startedAt + (RAMP_MS * step) / RAMP_STEPS - now()));
    }
  }

  /** Writes the connections of every gateway over time. */
  function record(snapshots: readonly Snapshot[], startedAt: number): void {
    const points = new Map<string, [number, number][]>();
    for (const { at, resource } of snapshots.filter((snapshot) => snapshot.at >= startedAt)) {
      for (const { pod, connections = 0 } of resource.status?.gateways ?? [])
        points.set(pod, [...(points.get(pod) ?? []), [Math.round((at - startedAt) / 100) / 10, connections]]);
    }
    writeFileSync(join(cluster.dir, 'autoscale.json'), JSON.stringify(Object.fromEntries(points)));
    if (!FULL) return;
    const series = [...points.values()].map((each, i) => ({ name: `gateway ${i + 1}`, points: each }));
    const title = `Connections per gateway while ${CLIENTS} clients come and ${CLIENTS - LEFT} of them go`;
    const xLabel = `seconds; target ${TARGET} connections per gateway`;
    writeFileSync(CHART, lineChart({ title, xLabel, yLabel: 'connections', series, steps: true }));
  }
});

function closed(events: readonly ClientEvent[], from = 0, to = Number.POSITIVE_INFINITY): ClientEvent[] {
  return events.filter(({ kind, at }) => kind === 'closed' && at > from && at <= to);
}

/** The gateways that served and went, in order. A client may notice a moment after the pod is gone. */
function removalsOf(snapshots: readonly Snapshot[]): Removal[] {
  const removals: Removal[] = [];
  let from = snapshots[0]?.at ?? 0;
  const gateways = ({ pods }: Snapshot) =>
    pods
      .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'gateway')
      .map(({ metadata }) => metadata.name);
  // A ReplicaSet may replace a gateway that is deleted before it notices its lower number, and then removes the new one.
  const served = new Set(
    snapshots.flatMap(({ pods }) => pods.filter(isPodReady).map(({ metadata }) => metadata.name)),
  );
  for (const [i, snapshot] of snapshots.entries()) {
    const before = snapshots[i - 1];
    const gone = before
      ? gateways(before).filter((pod) => served.has(pod) && !gateways(snapshot).includes(pod))
      : [];
    for (const pod of gone) {
      const shown = snapshots
        .filter(({ at }) => at >= from - STATUS_MS && at <= snapshot.at)
        .flatMap(({ resource }) => resource.status?.gateways ?? [])
        .filter((gateway) => gateway.pod === pod)
        .map(({ connections = 0 }) => connections);
      removals.push({ pod, from, to: snapshot.at, connections: Math.max(0, ...shown) });
      from = snapshot.at;
    }
  }
  return removals;
}
