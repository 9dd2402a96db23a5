import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedCluster } from '@im/dev-cluster';
import { POD } from '@im/kube';
import { now } from '@im/proof';
import { DRAIN_STEPS, type DrainStep, watchDrains } from './drain-steps.ts';
import { idleClients } from './idle-clients.ts';
import { killOperators, untilLed } from './operator-killer.ts';
import { sharedCluster } from './shared-cluster.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, identities, overTheService, type Row, seconds, tableOf } from './verdicts.ts';

const FULL = process.env.FULL === '1';
const CLIENTS = 90;
const TRAFFIC = { users: 10, messagesPerSecond: 30 };
/** Slow enough for a drain to be under way when the operator is killed. */
const DRAIN = { deadlineSeconds: 60, maxConnectionsPerSecond: 10 };
/** Without FULL=1, only where the next step needs the operator. */
const KILLED_AT: readonly DrainStep[] = FULL ? DRAIN_STEPS : ['chosen', 'deleted'];
const CONNECTED_WITHIN_MS = 60_000;
const STEP_WITHIN_MS = 120_000;
const DELIVER_WITHIN_MS = 15_000;
const CALM_MS = 2_000;

describe('the operator is killed at every step of a drain', () => {
  let cluster: DeployedCluster;
  const rows: Row[] = [];

  before(async () => {
    cluster = await sharedCluster();
    await cluster.change({ spec: { gateway: { replicas: 3, drain: DRAIN } } });
    await cluster.untilSettled();
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.change({ spec: { gateway: { replicas: 2, drain: null } } });
    await cluster?.untilSettled();
    await cluster?.close();
  });

  /** What the operators reported of their steps. */
  const story = () =>
    cluster.testCluster.kubernetes.kubectl(
      ...['-n', cluster.namespace, 'get', 'events', '--sort-by=.lastTimestamp'],
      ...['--field-selector=involvedObject.kind=OpenIMCluster', '--no-headers'],
      '-o=custom-columns=:.lastTimestamp,:.reason,:.message',
    );

  /** Begins a drain, kills the operator at each step, and holds the next ones to what the first one chose. */
  async function interrupted(name: string, begin: () => Promise<unknown>, gateways: number): Promise<void> {
    const { testCluster } = cluster;
    const before = await cluster.pods('gateway');
    await using clients = idleClients(cluster.anyGateway, cluster.admin('default'), name);
    await clients.resize(CLIENTS);
    await clients.untilOpen(CONNECTED_WITHIN_MS);
    await using traffic = await startTraffic(overTheService(cluster), { name, ...TRAFFIC });
    await sleep(CALM_MS);
    await using drains = await watchDrains(cluster);
    const startedAt = now();
    await begin();
    for (const step of KILLED_AT) {
      await drains.reached(step, STEP_WITHIN_MS);
      await untilLed(testCluster);
      await killOperators(testCluster);
    }
    await untilLed(testCluster);
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
    rows.push({
      name,
      verdict,
      figures: {
        took: seconds(done - startedAt),
        kills: String(KILLED_AT.length),
        'clients moved': `${moved.size} of ${CLIENTS}`,
        'most per client': String(closed.length === moved.size ? 1 : 2),
      },
    });
    assertClean(verdict);
    const drained = drains.drained().join(', ');
    assert.equal(drains.drained().length, 1, `one gateway was drained: ${drained}\n${await story()}`);
    assert.equal(closed.length, moved.size, 'no client was disconnected twice');
    assert.ok(moved.size > 0 && moved.size < CLIENTS, `${moved.size} clients were moved`);
    const left = await cluster.pods('gateway');
    assert.equal(left.length, gateways);
    const stays = before.filter(({ metadata }) => !drains.drained().includes(metadata.name));
    const names = new Set(stays.map(({ metadata }) => metadata.name));
    const same = left.filter(({ metadata }) => names.has(metadata.name));
    assert.deepEqual(identities(same), identities(stays), 'all other gateways stay as they are');
    assert.ok(
      traffic.devices.every(({ counts }) => counts.connects <= 2),
      'no sender was moved twice',
    );
  }

  test('of a scale-in', { timeout: 590_000 }, async () => {
    await interrupted('scale_in', () => cluster.change({ spec: { gateway: { replicas: 2 } } }), 2);
  });

  test('of a drain on request', {
    timeout: 590_000,
    skip: FULL ? false : 'the same steps as those of a scale-in; FULL=1 shows it',
  }, async () => {
    const [victim] = await cluster.pods('gateway');
    assert.ok(victim);
    const key = { namespace: cluster.namespace, name: victim.metadata.name };
    const annotations = { 'openim.io/drain': 'a test' };
    await interrupted(
      'on_request',
      () => cluster.testCluster.api.patch(POD, key, { metadata: { annotations } }),
      2,
    );
    const left = await cluster.pods('gateway');
    assert.ok(!left.some(({ metadata }) => metadata.uid === victim.metadata.uid), 'it is gone');
  });
});
