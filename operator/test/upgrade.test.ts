import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@im/dev-kubernetes';
import { CONTROLLER_REVISION, DEPLOYMENT, type KubeClient, POD, type Stored } from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../src/resources/kinds.ts';
import { cleanProber } from './fake-nodes.ts';
import {
  conditionOf,
  startOperator as startTestOperator,
  usableStores,
  useFixture,
} from './operator-fixture.ts';

const NAMESPACE = 'default';
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 240_000;
const OPERATOR = { version: '1.0.0', image: 'openim/openim-operator:1.0.0' };

const fixture = useFixture(NAMESPACE);
const { applyCluster, clusterOf } = fixture;
const startOperator = (operator = OPERATOR, options: Parameters<typeof startTestOperator>[3] = {}) =>
  startTestOperator(fixture, NAMESPACE, operator, { storeChecks: () => usableStores(), ...options });

const one = { replicas: 1 };
const small: OpenIMClusterSpec = {
  gateway: one,
  api: one,
  rpc: one,
  transfer: one,
  push: one,
  prober: { enabled: true },
  // No step of a version that works fails by its deadline, however slow the machine is.
  upgrade: { soakSeconds: 0, stepDeadlineSeconds: 3_600 },
};

const upgradeOf = async (name: string) => (await clusterOf(name)).status?.upgrade;

/** Waits until an upgrade is in this phase. */
async function phase(name: string, wanted: string): Promise<void> {
  await eventually(async () => {
    const upgrade = await upgradeOf(name);
    assert.equal(upgrade?.phase, wanted, JSON.stringify(upgrade));
  }, LONG_MS);
}

/** Writes as the fixture's client, but the watch brings a changed revision before its request is answered. */
function answeredLate(): KubeClient {
  return {
    ...fixture.client,
    async patch(type, ...more) {
      const answer = await fixture.client.patch(type, ...more);
      if (type.kind === CONTROLLER_REVISION.kind) await sleep(200);
      return answer;
    },
  };
}

/** Collects what status says of upgrades after this version of a cluster, each state once. */
function statesOf({ metadata: { name, resourceVersion } }: Stored<OpenIMCluster>) {
  const states: string[] = [];
  const stop = new AbortController();
  const { signal } = stop;
  const options = { namespace: NAMESPACE, fieldSelector: `metadata.name=${name}`, resourceVersion, signal };
  const watching = (async () => {
    for await (const event of fixture.client.watch(OPENIM_CLUSTER, options)) {
      if (event.type === 'BOOKMARK') continue;
      const { revision, phase: present } = event.object.status?.upgrade ?? {};
      const state = `${revision} ${present}`;
      if (states.at(-1) !== state) states.push(state);
    }
  })();
  return {
    async stop(): Promise<string[]> {
      stop.abort();
      await watching.catch(() => {});
      return states;
    },
  };
}

async function settled(name: string): Promise<void> {
  await eventually(async () => {
    const { status, metadata } = await clusterOf(name);
    const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
    assert.equal(status?.observedGeneration, metadata.generation);
    assert.equal(progressing?.status, 'False', progressing?.message);
    assert.equal(status?.currentRevision, status?.updateRevision);
    assert.ok(status?.currentRevision);
    const prober = status?.components?.find((component) => component.name === 'prober');
    assert.equal(prober?.ready, 1);
  }, LONG_MS);
}

const annotate = async (name: string, annotations: Readonly<Record<string, string>>) => {
  await fixture.client.patch(OPENIM_CLUSTER, { namespace: NAMESPACE, name }, { metadata: { annotations } });
};

/** Images of the running pods of the roles, by component. */
async function images(name: string): Promise<Record<string, string[]>> {
  const labelSelector = `app.kubernetes.io/instance=${name}`;
  const { items } = await fixture.client.list(POD, { namespace: NAMESPACE, labelSelector });
  const found: Record<string, string[]> = {};
  for (const { metadata, spec } of items) {
    const component = metadata.labels?.['app.kubernetes.io/component'] ?? '';
    const image = spec?.containers.find((container) => container.name === component)?.image ?? '';
    if (metadata.deletionTimestamp === undefined && image.includes('openim/'))
      found[component] = [...(found[component] ?? []), image];
  }
  return found;
}
const imageSet = async (name: string) => [...new Set(Object.values(await images(name)).flat())];

test('a supervised upgrade waits for its approval, goes step by step with a proof, and can be undone', async () => {
  const name = 'steps';
  await applyCluster(name, small);
  {
    await using _operator = startOperator();
    await settled(name);
    const upgrade = { ...small.upgrade, mode: 'Supervised' as const };
    await applyCluster(name, { ...small, image: 'openim/ours:2', upgrade });
    await phase(name, 'WaitingForApproval');
    assert.deepEqual(await imageSet(name), [OPERATOR.image], 'no pod is replaced before');
    const labelSelector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=gateway`;
    const [gateway] = (await fixture.client.list(POD, { namespace: NAMESPACE, labelSelector })).items;
    assert.ok(gateway);
    fixture.nodes.connections.set(gateway.metadata.name, 40);
  }
  const { revision = '' } = (await upgradeOf(name)) ?? {};
  // Nothing is judged while the prober has not been heard of: the upgrade stays where it is.
  fixture.nodes.prober = () => cleanProber({ judgedUntil: 1 });
  await annotate(name, { 'openim.io/approve': revision });
  {
    await using _operator = startOperator();
    await phase(name, 'Verifying');
    const upgrade = await upgradeOf(name);
    assert.equal(upgrade?.step, 'prober');
    assert.deepEqual(
      upgrade?.gates?.map(({ name: gate, state }) => `${gate} ${state}`),
      ['StoresReachable Passed', 'LogLag Passed', 'ProberClean Waiting'],
    );
    const { rpc, prober } = await images(name);
    assert.deepEqual([rpc, prober], [[OPERATOR.image], ['openim/ours:2']]);
  }
  fixture.nodes.prober = () => cleanProber();
  await using operator = startOperator(OPERATOR, { writer: answeredLate() });
  await phase(name, 'Succeeded');
  await settled(name);
  assert.deepEqual(await imageSet(name), ['openim/ours:2']);
  const cluster = await clusterOf(name);
  const done = cluster.status?.upgrade;
  assert.deepEqual(
    done?.steps?.map((step) => step.name),
    ['prober', 'rpc', 'transfer', 'push and cron', 'api', 'gateway canary', 'gateway'],
  );
  const times = done?.steps?.flatMap(({ startedAt = '', passedAt = '' }) => [startedAt, passedAt]) ?? [];
  assert.deepEqual(times, times.toSorted(), 'one step after the other');
  assert.ok((done?.proof?.acknowledged ?? 0) > 0);
  assert.equal(done?.proof?.lost, 0);
  assert.equal(done?.fact?.restarts, done?.plan?.restarts);
  assert.equal(done?.plan?.reconnects, 40);
  assert.equal(done?.fact?.reconnects, 40, 'connections that moved');
  assert.ok(done?.fact?.secondsPerPod, 'the next plan counts with it');
  assert.equal(conditionOf(cluster, 'UpgradeSucceeded').reason, 'Verified');
  const [ended] = cluster.status?.upgradeHistory ?? [];
  assert.equal(ended?.outcome, 'Succeeded');
  assert.deepEqual([ended?.plan, ended?.fact], [done?.plan, done?.fact]);
  assert.ok(operator.events.some(({ reason }) => reason === 'UpgradeSucceeded'));

  const seen = statesOf(await clusterOf(name));
  await annotate(name, { 'openim.io/roll-back-upgrade': `${revision}/${done?.startedAt}` });
  await phase(name, 'RolledBack');
  assert.deepEqual(
    await seen.stop(),
    ['Succeeded', 'RollingBack', 'RolledBack'].map((state) => `${revision} ${state}`),
  );
  assert.deepEqual(await imageSet(name), [OPERATOR.image]);
  assert.equal((await upgradeOf(name))?.failure, 'RollbackRequested');
});

test('a version that does not start is rolled back, and not tried again until the spec changes', async () => {
  const name = 'broken';
  await applyCluster(name, small);
  await using operator = startOperator();
  await settled(name);
  fixture.nodes.brokenImages.add('ours:3');
  try {
    const failing = {
      ...small,
      image: 'openim/ours:3',
      upgrade: { ...small.upgrade, stepDeadlineSeconds: 10 },
    };
    await applyCluster(name, failing);
    await phase(name, 'RolledBack');
    await settled(name);
    assert.deepEqual(await imageSet(name), [OPERATOR.image]);
    const cluster = await clusterOf(name);
    const condition = conditionOf(cluster, 'UpgradeSucceeded');
    assert.equal(condition.status, 'False');
    assert.match(condition.message, /failed at prober \((PodsFailing|StepDeadlineExceeded)\)/);
    assert.ok(operator.events.some(({ type, reason }) => type === 'Warning' && reason === 'UpgradeFailed'));
    // Another number of pods is no reason to try again, and takes effect.
    await applyCluster(name, { ...failing, rpc: { replicas: 2 } });
    await eventually(async () => {
      const rpc = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: `${name}-rpc` });
      assert.equal(rpc?.status?.availableReplicas, 2);
      assert.equal(rpc?.spec?.template.spec?.containers[0]?.image, OPERATOR.image);
    }, LONG_MS);
    assert.equal((await upgradeOf(name))?.phase, 'RolledBack');
    await applyCluster(name, { ...small, image: 'openim/ours:4' });
    await eventually(async () => assert.deepEqual(await imageSet(name), ['openim/ours:4']), LONG_MS);
    await phase(name, 'Succeeded');
    const history = (await clusterOf(name)).status?.upgradeHistory ?? [];
    assert.deepEqual(
      history.map(({ outcome }) => outcome),
      ['Succeeded', 'RolledBack'],
    );
  } finally {
    fixture.nodes.brokenImages.delete('ours:3');
  }
});

test('one lost message stops an upgrade at the gateways and rolls it back; connections have stayed', async () => {
  const name = 'harmed';
  await applyCluster(name, small);
  await settledWith(name);
  const labelSelector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=gateway`;
  const [old] = (await fixture.client.list(POD, { namespace: NAMESPACE, labelSelector })).items;
  assert.ok(old);
  fixture.nodes.connections.set(old.metadata.name, 50);
  // The new api loses one message in a thousand, which is noticed at the gateways. Until then each step is judged.
  let [judgedUntil, harmed] = [1, false];
  const findings = [{ at: Date.now(), fault: 'lost', text: 'e.7.s01.3 never arrived' }];
  fixture.nodes.prober = () => cleanProber({ judgedUntil, ...(harmed ? { lost: 1, findings } : {}) });
  try {
    {
      await using _operator = startOperator();
      await applyCluster(name, { ...small, image: 'openim/ours:5' });
      await eventually(async () => {
        const upgrade = await upgradeOf(name);
        const { settledAt } = upgrade?.steps?.find((step) => step.name === upgrade.step) ?? {};
        if (upgrade?.step !== 'gateway canary' && settledAt) judgedUntil = Date.parse(settledAt) + 1_000;
        assert.equal(upgrade?.step, 'gateway canary', JSON.stringify(upgrade));
        assert.equal(upgrade?.phase, 'Verifying', 'new connections go to the new gateway');
      }, LONG_MS);
      harmed = true;
      await eventually(async () => assert.equal((await upgradeOf(name))?.failure, 'MessagesHarmed'), LONG_MS);
    }
    // Another operator ends what the one before began.
    await using _next = startOperator();
    await phase(name, 'RolledBack');
    await settled(name);
    assert.deepEqual(await imageSet(name), [OPERATOR.image]);
    const upgrade = await upgradeOf(name);
    assert.equal(upgrade?.failure, 'MessagesHarmed');
    assert.equal(upgrade?.proof?.lost, 1);
    assert.match(upgrade?.message ?? '', /s01\.3 never arrived/);
    assert.ok(!fixture.nodes.drained.includes(old.metadata.name), 'no connection of the old gateway moved');
  } finally {
    fixture.nodes.prober = () => cleanProber();
  }
});

async function settledWith(name: string): Promise<void> {
  await using _operator = startOperator();
  await settled(name);
}

test('a paused cluster is left alone, and says so; a paused upgrade does not start', async () => {
  const name = 'paused';
  await applyCluster(name, small);
  await using _operator = startOperator();
  await settled(name);
  await applyCluster(name, { ...small, reconcile: 'Paused', rpc: { replicas: 2 } });
  await eventually(async () => {
    const cluster = await clusterOf(name);
    assert.equal(conditionOf(cluster, 'Paused').status, 'True');
    assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
    assert.equal(conditionOf(cluster, 'Progressing').reason, 'Paused');
  }, LONG_MS);
  const replicas = async () =>
    (await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: `${name}-rpc` }))?.spec?.replicas;
  assert.equal(await replicas(), 1);
  const upgrade = { ...small.upgrade, paused: true };
  await applyCluster(name, { ...small, image: 'openim/ours:6', rpc: { replicas: 2 }, upgrade });
  await phase(name, 'Paused');
  assert.deepEqual(await imageSet(name), [OPERATOR.image]);
});

test('a new operator upgrades three clusters two at a time, each with its proof, and the next one goes on', async () => {
  const names = ['fleet-a', 'fleet-b', 'fleet-c'];
  for (const name of names) await applyCluster(name, small);
  {
    await using _operator = startOperator();
    for (const name of names) await settled(name);
  }
  // A new operator alone touches none of their pods.
  const image = 'openim/ours:7';
  for (const name of names) await applyCluster(name, { ...small, image });
  const newer = { version: '1.1.0', image: 'openim/openim-operator:1.1.0' };
  const placeLimits = { creation: 10, rollout: 2 };
  const phases = async () =>
    Promise.all(
      names.map(async (name) => {
        const { phase: found, step, message } = (await upgradeOf(name)) ?? {};
        return found === 'Succeeded' ? found : `${name} ${found} ${step} ${message}`;
      }),
    );
  {
    await using _operator = startOperator(newer, { placeLimits });
    await eventually(async () => {
      const found = await phases();
      assert.ok(found.includes('Succeeded'), found.join(', '));
    }, LONG_MS);
  }
  // The next operator goes on with what the one before has begun.
  await using _next = startOperator(newer, { placeLimits });
  for (const name of names) {
    await phase(name, 'Succeeded');
    await settled(name);
    assert.deepEqual(await imageSet(name), [image]);
  }
  const done = await Promise.all(names.map(async (name) => await upgradeOf(name)));
  const times = done.map((upgrade) => {
    assert.ok((upgrade?.proof?.acknowledged ?? 0) > 0);
    assert.equal(upgrade?.proof?.lost, 0);
    return { from: Date.parse(upgrade?.startedAt ?? ''), to: Date.parse(upgrade?.finishedAt ?? '') };
  });
  // Times are whole seconds: one may start in the second in which another ends.
  const atOnce = times.map(({ from }) => times.filter((each) => each.from <= from && from < each.to).length);
  assert.ok(Math.max(...atOnce) <= placeLimits.rollout, JSON.stringify(times));
});
