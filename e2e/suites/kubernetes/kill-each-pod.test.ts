import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Component, conditionOf, type DeployedCluster, type Pod } from '@im/dev-cluster';
import { isPodReady } from '@im/kube';
import { now } from '@im/proof';
import { sharedCluster } from './shared-cluster.ts';
import { recordStatus, type Snapshot } from './status-recorder.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, identities, overEachGateway, type Row, seconds, tableOf } from './verdicts.ts';

const USERS = 20;
const MESSAGES_PER_SECOND = 60;
/** Load before the kill, and after everything is as it was. */
const CALM_MS = 2_000;
/** Time in which status has to follow. */
const TRUE_WITHIN_MS = 5_000;
/** Time in which a killed pod has to be ready again, on a machine that runs everything at once. */
const BACK_WITHIN_MS = 60_000;
const DELIVER_WITHIN_MS = 10_000;
/** Time in which another operator leads after the leader was killed: the lease, and a little. */
const LED_WITHIN_MS = 40_000;

/** `E2E_ONLY` picks pods by a part of their name. */
const only = process.env.E2E_ONLY ?? '';

/** A kind of pod, and its names in status. */
interface Kind {
  readonly component: Component;
  /** In `status.components`. */
  readonly name: string;
  /** The condition that falls with it. */
  readonly condition: string;
}

const role = (component: Component): Kind => ({
  component,
  name: component,
  condition: 'WorkloadsAvailable',
});

const KINDS: readonly Kind[] = [
  role('gateway'),
  role('api'),
  role('rpc'),
  role('transfer'),
  role('push'),
  role('cron'),
  { component: 'nats', name: 'nats', condition: 'NATSAvailable' },
  { component: 'mongodb', name: 'mongodb', condition: 'MongoDBAvailable' },
  { component: 'redis', name: 'redis', condition: 'RedisAvailable' },
  { component: 'object-storage', name: 'objectStorage', condition: 'ObjectStorageAvailable' },
];

describe(`kill -9 of each kind of pod while ${USERS} clients send ${MESSAGES_PER_SECOND} messages/s`, () => {
  let cluster: DeployedCluster;
  const rows: Row[] = [];

  before(async () => {
    cluster = await sharedCluster();
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.close();
  });

  for (const kind of KINDS) {
    const skip = kind.component.includes(only) ? false : 'not asked for';
    test(kind.component, { skip, timeout: 180_000 }, async (t) => {
      await cluster.untilSettled();
      const pods = await cluster.pods(kind.component);
      const pod = pods[0];
      assert.ok(pod, `there is a ${kind.component} pod`);
      await using statusRecorder = recordStatus(cluster);
      await using traffic = await startTraffic(overEachGateway(cluster), {
        name: `kill_${kind.component}`,
        users: USERS,
        messagesPerSecond: MESSAGES_PER_SECOND,
      });
      await sleep(CALM_MS);
      const killed = now();
      await cluster.kill(pod);

      const naming = await statusRecorder.first(
        `a status that names ${kind.component}`,
        killed,
        (snapshot) => names(snapshot, kind),
        TRUE_WITHIN_MS,
      );
      const restarted = await statusRecorder.first(
        `every pod ready after ${pod.metadata.name} was killed`,
        killed,
        ({ pods: seen }) =>
          seen.length > 0 && seen.every(isPodReady) && restartsOf(seen, pod) > restartsOf(pods, pod),
        BACK_WITHIN_MS,
      );
      const clearing = await statusRecorder.first(
        'a status without a fault',
        restarted.at,
        isClear,
        TRUE_WITHIN_MS,
      );
      await sleep(CALM_MS);
      const verdict = await traffic.finish({
        deliverWithinMs: DELIVER_WITHIN_MS,
        outages: [{ from: killed, to: restarted.at }],
      });
      const figures = {
        'named after': seconds(naming.at - killed),
        'pods ready after': seconds(restarted.at - killed),
        'cleared after': seconds(clearing.at - restarted.at),
      };
      rows.push({ name: kind.component, verdict, figures });
      t.diagnostic(
        `${kind.component}: named after ${figures['named after']}, cleared after ${figures['cleared after']}`,
      );
      assertClean(verdict);
    });
  }

  const skip = 'operator'.includes(only) ? false : 'not asked for';
  test('the operator that leads', { skip, timeout: 180_000 }, async () => {
    const leader = await cluster.testCluster.operatorLeader();
    assert.ok(leader, 'an operator leads');
    const holder = await cluster.testCluster.operatorHolder();
    const before = identities(await cluster.pods());
    await using traffic = await startTraffic(overEachGateway(cluster), {
      name: 'kill_operator',
      users: USERS,
      messagesPerSecond: MESSAGES_PER_SECOND,
    });
    await sleep(CALM_MS);
    const killed = now();
    await cluster.kill(leader);
    // The other one, or the killed one's pod with a new process: whichever candidate acquires the expired lease first.
    for (let next = ''; next === '' || next === holder; next = await cluster.testCluster.operatorHolder()) {
      assert.ok(now() - killed < LED_WITHIN_MS, `an operator leads again within ${LED_WITHIN_MS / 1_000} s`);
      await sleep(250);
    }
    const led = now() - killed;
    await sleep(CALM_MS);
    const verdict = await traffic.finish({ deliverWithinMs: DELIVER_WITHIN_MS });
    rows.push({ name: 'operator', verdict, figures: { 'led again after': seconds(led) } });
    assertClean(verdict);
    assert.deepEqual(identities(await cluster.pods()), before, 'no pod was touched');
  });
});

/** Whether status says which component is short of pods, and why. */
function names({ resource: { status } }: Snapshot, { name: expected, condition }: Kind): boolean {
  const component = status?.components?.find(({ name }) => name === expected);
  const short = component !== undefined && component.ready < component.desired && Boolean(component.reason);
  return (
    short &&
    conditionOf(status, condition)?.status === 'False' &&
    conditionOf(status, 'Ready')?.status !== 'True'
  );
}

function isClear({ resource: { status } }: Snapshot): boolean {
  const short = status?.components?.some(({ ready, desired }) => ready < desired) ?? true;
  return !short && conditionOf(status, 'Ready')?.status === 'True';
}

function restartsOf(pods: readonly Pod[], { metadata }: Pod): number {
  const pod = pods.find((each) => each.metadata.name === metadata.name);
  return pod?.status?.containerStatuses?.[0]?.restartCount ?? 0;
}
