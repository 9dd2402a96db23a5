import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  apply,
  clusterOf,
  type DeployedCluster,
  developmentSpec,
  isSettled,
  namespaceOf,
  OPENIM_CLUSTER,
  type OpenIMCluster,
  type Pod,
  removeCluster,
  type TestCluster,
  waitsFor,
  withImages,
} from '@im/dev-cluster';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  type KubeObject,
  NETWORK_POLICY,
  POD,
  POD_DISRUPTION_BUDGET,
  type ResourceType,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
} from '@im/kube';
import { now, textTable } from '@im/proof';
import { chooseSeed, type Random, random } from '../../bad-input/random.ts';
import { killOperators, untilLed } from './operator-killer.ts';
import { sharedCluster } from './shared-cluster.ts';
import { identities, seconds } from './verdicts.ts';

/** Rounds of create, upgrade, delete (three with FULL=1), and how often the operator is killed in each. */
const ROUNDS = process.env.FULL === '1' ? 3 : 1;
const KILLS = { create: 4, upgrade: 3, delete: 3 } as const;
type Phase = keyof typeof KILLS;
/** The operator is killed after a random time of at most this, counted from its last return. */
const KILL_WITHIN_MS = 4_000;
const CONVERGED_WITHIN_MS = 180_000;
/** Time in which an operator that touches what it should not would have done so. */
const WATCH_MS = 8_000;
const POLL_MS = 250;

const PLACE = { namespace: 'openim-e2e-restarts', name: 'fast' } as const;

const seed = chooseSeed();

/** One of everything, so that it comes and goes fast. */
function fastCluster(): OpenIMCluster {
  const one = { replicas: 1 };
  const spec = developmentSpec({
    gateway: { replicas: 1, drain: { deadlineSeconds: 10 } },
    api: one,
    rpc: one,
    transfer: one,
    push: one,
  });
  return clusterOf(PLACE, spec);
}

/** What the operator makes for a cluster. */
const CHILDREN: readonly ResourceType<KubeObject>[] = [
  DEPLOYMENT,
  STATEFUL_SET,
  SERVICE,
  CONFIG_MAP,
  SECRET,
  SERVICE_ACCOUNT,
  POD_DISRUPTION_BUDGET,
  NETWORK_POLICY,
];

describe(`the operator is killed, seed ${seed} (repeat with SEED=${seed})`, () => {
  let cluster: DeployedCluster;
  let testCluster: TestCluster;

  before(async () => {
    cluster = await sharedCluster();
    testCluster = cluster.testCluster;
  });
  after(async () => {
    await cluster?.close();
  });

  test('a new operator touches no pod, and applying the same manifest changes no object', {
    timeout: 180_000,
  }, async () => {
    await cluster.untilSettled();
    const pods = identities(await cluster.pods());
    const before = await versionsOf(testCluster, cluster);
    await killOperators(testCluster);
    await untilLed(testCluster);
    // It has had time for one full reconcile.
    await sleep(WATCH_MS);
    const { metadata, spec } = await cluster.resource();
    const manifest = clusterOf({ name: metadata.name, namespace: metadata.namespace }, spec);
    for (let time = 0; time < 2; time++) {
      await apply(
        testCluster.kubernetes,
        [manifest],
        '--server-side',
        '--force-conflicts',
        '--field-manager=e2e',
      );
      await sleep(WATCH_MS / 2);
    }
    assert.deepEqual(identities(await cluster.pods()), pods, 'no pod was replaced or restarted');
    assert.deepEqual(await versionsOf(testCluster, cluster), before, 'no object got another version');
  });

  const kills = ROUNDS * Object.values(KILLS).reduce((sum, count) => sum + count, 0);
  test(`${kills} times at random points of create, upgrade and delete: it always converges`, {
    timeout: 1_200_000,
  }, async () => {
    const numbers = random(seed);
    const rows: string[][] = [['', 'kills', 'converged after']];
    try {
      for (let round = 1; round <= ROUNDS; round++) {
        for (const phase of Object.keys(KILLS) as Phase[]) {
          const took = await converges(phase, numbers);
          rows.push([`${round}. ${phase}`, String(KILLS[phase]), seconds(took)]);
        }
      }
    } finally {
      process.stdout.write(`\n${textTable(rows)}\n\n`);
      await removeCluster(testCluster, PLACE.namespace, PLACE.name);
    }
  });

  /** Starts a phase, kills operators during it, and waits for its expected end state. @returns ms. */
  async function converges(phase: Phase, numbers: Random): Promise<number> {
    const { api, kubernetes, images } = testCluster;
    const startedAt = now();
    switch (phase) {
      case 'create': {
        await apply(kubernetes, [namespaceOf(PLACE.namespace)]);
        await apply(kubernetes, withImages([fastCluster()], images));
        break;
      }
      case 'upgrade':
        await api.patch(OPENIM_CLUSTER, PLACE, { spec: { image: images.productAgain } });
        break;
      case 'delete':
        await api.delete(OPENIM_CLUSTER, PLACE);
        break;
      default:
        phase satisfies never;
    }
    for (let kill = 0; kill < KILLS[phase]; kill++) {
      await sleep(numbers.below(KILL_WITHIN_MS));
      await killOperators(testCluster);
    }
    const find = () => api.get(OPENIM_CLUSTER, PLACE);
    if (phase === 'delete') {
      await until(
        'the cluster is gone',
        async () => (await find()) === undefined,
        async () => leftOf(await find()),
      );
      await until(
        'every pod of it is gone',
        async () => (await podsOf(testCluster)).length === 0,
        async () => (await podsOf(testCluster)).map(({ metadata }) => metadata.name).join(' '),
      );
    } else {
      const whatIsMissing = async () => {
        const found = await find();
        return found ? waitsFor(found) : 'there is none';
      };
      await until(
        'the cluster is settled',
        async () => {
          const found = await find();
          return found !== undefined && isSettled(found);
        },
        whatIsMissing,
      );
    }
    if (phase === 'upgrade') {
      const staying = (await podsOf(testCluster)).filter(({ metadata }) => !metadata.deletionTimestamp);
      const own = staying.flatMap(({ spec }) => spec?.containers.map(({ image }) => image));
      assert.ok(!own.includes(images.product), 'no pod runs the old image');
    }
    return now() - startedAt;
  }
});

function leftOf(found: OpenIMCluster | undefined): string {
  return found?.status?.rollout?.message ?? 'nothing is said about why it is still there';
}

async function podsOf(testCluster: TestCluster): Promise<readonly Pod[]> {
  const labelSelector = `app.kubernetes.io/instance=${PLACE.name}`;
  return (await testCluster.api.list(POD, { namespace: PLACE.namespace, labelSelector })).items;
}

async function until(
  what: string,
  holds: () => Promise<boolean>,
  missing: () => Promise<string>,
): Promise<void> {
  for (const deadline = now() + CONVERGED_WITHIN_MS; !(await holds()); await sleep(POLL_MS)) {
    if (now() > deadline)
      assert.fail(`not so after ${CONVERGED_WITHIN_MS / 1_000} s: ${what}: ${await missing()}`);
  }
}

/** Versions of everything that the operator made for a cluster. */
async function versionsOf(
  testCluster: TestCluster,
  { name, namespace }: DeployedCluster,
): Promise<Record<string, string>> {
  const labelSelector = `app.kubernetes.io/managed-by=openim-operator,app.kubernetes.io/instance=${name}`;
  const lists = await Promise.all(
    CHILDREN.map((type) => testCluster.api.list(type, { namespace, labelSelector })),
  );
  const entries = lists.flatMap(({ items }) =>
    items.map(({ kind, metadata }): [string, string] => [
      `${kind}/${metadata.name}`,
      metadata.resourceVersion,
    ]),
  );
  assert.ok(entries.length > CHILDREN.length, 'there are objects of every kind');
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
