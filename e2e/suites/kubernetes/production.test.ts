import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionOf, type DeployedCluster, type Pod } from '@im/dev-cluster';
import { isPodReady, type KubeObject, POD, resourceType } from '@im/kube';
import { now } from '@im/proof';
import {
  type CopiesLook,
  type CopiesRecorder,
  isWhole,
  REPLICATED,
  recordCopies,
  serverReport,
  streamsOf,
} from './log-copies.ts';
import { openimctl } from './openimctl.ts';
import { productionCluster } from './production-cluster.ts';
import { recordStatus, type Snapshot, type StatusRecorder } from './status-recorder.ts';
import { startTraffic } from './traffic.ts';
import { startUnretriedSends } from './unretried-sends.ts';
import { assertClean, identities, overTheService, type Row, seconds, tableOf } from './verdicts.ts';

const skip = process.env.FULL === '1' ? false : 'only with FULL=1';
/** `E2E_ONLY` picks tests by a part of their name. */
const only = process.env.E2E_ONLY ?? '';
const unless = (name: string) => (name.includes(only) ? false : 'not asked for');

const SERVERS = 3;
const USERS = 20;
const MESSAGES_PER_SECOND = 60;
const CALM_MS = 2_000;
const TEST_MS = 590_000;
/** Limits that bound a hang, on a machine that runs everything at once. */
const NAMED_WITHIN_MS = 20_000;
const BACK_WITHIN_MS = 240_000;
const DONE_WITHIN_MS = 420_000;
const REFUSED_WITHIN_MS = 90_000;
const DELIVER_WITHIN_MS = 60_000;
/** NetworkError, after which clients try again. */
const RETRYABLE = 90_004;

const RESOURCE_QUOTA = resourceType<KubeObject & { spec?: unknown }>('v1', 'ResourceQuota', 'resourcequotas');

describe(`profile Production with ${SERVERS} NATS servers while ${USERS} clients send ${MESSAGES_PER_SECOND} messages/s`, {
  skip,
}, () => {
  let cluster: DeployedCluster;
  const rows: Row[] = [];

  before(async () => {
    cluster = await productionCluster();
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.close();
  });

  const load = (name: string) =>
    startTraffic(overTheService(cluster), { name, users: USERS, messagesPerSecond: MESSAGES_PER_SECOND });

  /** SIGKILL, and a new pod in place of the old one. */
  async function killForGood(pod: Pod): Promise<void> {
    const { name, uid } = pod.metadata;
    await cluster.kill(pod);
    await cluster.testCluster.api.delete(
      POD,
      { namespace: cluster.namespace, name },
      { uid, gracePeriodSeconds: 0 },
    );
  }

  /** Waits until status has no fault and every stream has all of its copies. */
  async function untilWhole(
    recorders: { readonly status: StatusRecorder; readonly copies: CopiesRecorder },
    from: number,
  ): Promise<{ readonly whole: number; readonly cleared: number }> {
    const whole = await recorders.copies.untilWhole(from, BACK_WITHIN_MS);
    const cleared = await recorders.status.first(
      'NATSAvailable and Ready after the copies are whole',
      whole.at,
      (snapshot) => isTrue(snapshot, 'NATSAvailable') && isTrue(snapshot, 'Ready'),
      BACK_WITHIN_MS,
    );
    return { whole: whole.at, cleared: cleared.at };
  }

  test('it becomes ready, and every stream has three copies that are synced before they count', {
    skip: unless('ready'),
    timeout: TEST_MS,
  }, async () => {
    const { status, spec } = await cluster.untilSettled();
    assert.equal(spec.durability, 'FsyncQuorum');
    assert.equal(conditionOf(status, 'NATSAvailable')?.reason, 'CheckPassed');
    const components = new Map(
      status?.components?.map(({ name, ready, desired }) => [name, [ready, desired]]),
    );
    const expected = { gateway: 3, api: 3, rpc: 3, transfer: 2, push: 2, nats: SERVERS };
    for (const [name, count] of Object.entries(expected)) {
      assert.deepEqual(components.get(name), [count, count], name);
    }
    const pods = await cluster.pods('nats');
    assert.equal(pods.length, SERVERS);
    for (const pod of pods) {
      const report = await serverReport(cluster, pod);
      assert.equal(report.config?.sync_always, true, `${pod.metadata.name} syncs always`);
      const streams = streamsOf(report).map(({ name }) => name);
      for (const stream of REPLICATED) {
        assert.ok(streams.includes(stream), `${pod.metadata.name} has no copy of ${stream}`);
      }
    }
    await using copies = recordCopies(cluster);
    await copies.untilWhole(now(), BACK_WITHIN_MS);
  });

  for (let ordinal = 0; ordinal < SERVERS; ordinal++) {
    const name = `server ${ordinal} killed`;
    test(`${name}: messages go on, and status says what is missing until the copies are whole`, {
      skip: unless(name),
      timeout: TEST_MS,
    }, async () => {
      await cluster.untilSettled();
      const pod = (await cluster.pods('nats')).find(({ metadata }) => metadata.name.endsWith(`-${ordinal}`));
      assert.ok(pod);
      await using status = recordStatus(cluster);
      await using copies = recordCopies(cluster);
      await using traffic = await load(name);
      await sleep(CALM_MS);
      const killed = now();
      await killForGood(pod);
      const named = await status.first(
        'a status that names the missing server and what it means',
        killed,
        (snapshot) => /another server fails, none are/.test(faultOf(snapshot, 'NATSAvailable')),
        NAMED_WITHIN_MS,
      );
      await status.first(
        'another pod in its place',
        killed,
        ({ pods }) =>
          pods.some(
            ({ metadata }) => metadata.name === pod.metadata.name && metadata.uid !== pod.metadata.uid,
          ),
        BACK_WITHIN_MS,
      );
      const { whole, cleared } = await untilWhole({ status, copies }, named.at);
      await cluster.untilSettled();
      await sleep(CALM_MS);
      const verdict = await traffic.finish({
        deliverWithinMs: DELIVER_WITHIN_MS,
        outages: [{ from: killed, to: whole }],
      });
      rows.push({
        name,
        verdict,
        figures: {
          'named after': seconds(named.at - killed),
          'copies whole after': seconds(whole - killed),
          'status clear after': seconds(cleared - killed),
          'cuts per client': cutsOf(traffic),
        },
      });
      process.stdout.write(`${name}: ${reasonsIn(status, killed)}\n`);
      assertClean(verdict);
      assert.equal(cutsOf(traffic), '0', 'no gateway closed a connection');
    });
  }

  test('two servers killed at once: sends are refused for a while, and nothing acknowledged is lost', {
    skip: unless('two servers'),
    timeout: TEST_MS,
  }, async () => {
    const { api } = cluster.testCluster;
    const quota = { namespace: cluster.namespace, name: 'no-new-pods' };
    await cluster.untilSettled();
    const before = identities((await cluster.pods()).filter((pod) => !isNats(pod)));
    const victims = (await cluster.pods('nats')).slice(0, 2);
    await using status = recordStatus(cluster);
    await using copies = recordCopies(cluster);
    await using traffic = await load('two servers');
    await using unretried = await startUnretriedSends(cluster, 'impatient');
    await sleep(CALM_MS);
    // As if their nodes were lost and no other had room: without it they would be back before a send is refused.
    await api.create(RESOURCE_QUOTA, { metadata: quota, spec: { hard: { pods: '0' } } });
    const killed = now();
    let refusedAt = 0;
    try {
      await Promise.all(victims.map(killForGood));
      const named = await status.first(
        'a status that says that messages are refused',
        killed,
        (snapshot) => /1 of 3 .*refused with a retryable error/.test(faultOf(snapshot, 'NATSAvailable')),
        NAMED_WITHIN_MS,
      );
      for (; refusedAt === 0; await sleep(100)) {
        refusedAt = unretried.sends.find(({ at, code }) => at > killed && code !== 0)?.at ?? 0;
        assert.ok(now() - killed < REFUSED_WITHIN_MS, `no send was refused: ${unretried.sends.length} sends`);
      }
      await status.first(
        'MessagesFlowing is false',
        killed,
        (snapshot) => faultOf(snapshot, 'MessagesFlowing') !== '',
        NAMED_WITHIN_MS,
      );
      assert.match(await said('status'), /NATSAvailable: 1 of 3 .*refused with a retryable error until/);
      assert.match(await said('doctor', '--cluster'), /cluster\.NATSAvailable: .*1 of 3 .*refused with a/s);
      assert.ok(named.at > killed);
    } finally {
      await api.delete(RESOURCE_QUOTA, quota);
    }
    const restored = now();
    const { whole, cleared } = await untilWhole({ status, copies }, restored);
    await cluster.untilSettled(BACK_WITHIN_MS);
    const settled = now();
    await sleep(CALM_MS);
    const stored = await unretried.finish();
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: killed, to: settled }],
    });
    const refusals = unretried.sends.filter(({ code }) => code !== 0);
    const acknowledged = unretried.sends.filter(({ code }) => code === 0);
    const resumed = acknowledged.find(({ at }) => at > restored)?.at ?? Number.NaN;
    rows.push({
      name: 'two servers killed',
      verdict,
      figures: {
        'first refusal after': seconds(refusedAt - killed),
        refusals: String(refusals.length),
        'away for': seconds(restored - killed),
        'accepts again after': seconds(resumed - restored),
        'copies whole after': seconds(whole - restored),
        'status clear after': seconds(cleared - restored),
        'cuts per client': cutsOf(traffic),
      },
    });
    process.stdout.write(`two servers: ${reasonsIn(status, killed)}\n`);
    const slow = unretried.sends.filter(({ tookMs }) => tookMs > 1_000);
    const answers = slow.map(
      ({ at, code, tookMs }) => `${code || 'stored'} at ${seconds(at - killed)} after ${seconds(tookMs)}`,
    );
    process.stdout.write(`slow answers: ${answers.join(', ')}\n`);
    assertClean(verdict);
    assert.deepEqual([...new Set(refusals.map(({ code }) => code))], [RETRYABLE]);
    const times = new Map<string, number>();
    for (const id of stored) times.set(id, (times.get(id) ?? 0) + 1);
    const wrong = acknowledged.filter(({ clientMsgID }) => times.get(clientMsgID) !== 1);
    assert.deepEqual(wrong, [], 'every acknowledged message is stored once');
    assert.equal(Math.max(...times.values()), 1, 'nothing is stored twice');
    const after = identities((await cluster.pods()).filter((pod) => !isNats(pod)));
    assert.deepEqual(after, before, 'no other pod was restarted');
  });

  test('a roll-out of the servers goes one by one, each after the copies are whole, and no client notices', {
    skip: unless('roll-out of the servers'),
    timeout: TEST_MS,
  }, async () => {
    const settled = await cluster.untilSettled();
    const others = async () => identities((await cluster.pods()).filter((pod) => !isNats(pod)));
    const untouched = await others();
    const old = await cluster.pods('nats');
    await using status = recordStatus(cluster);
    await using copies = recordCopies(cluster);
    await using traffic = await load('roll-out of NATS');
    await sleep(CALM_MS);
    const startedAt = now();
    await cluster.change({ spec: { nats: { managed: { resources: { requests: { cpu: '60m' } } } } } });
    await status.first(
      'another revision in status',
      startedAt,
      ({ resource }) => resource.status?.updateRevision !== settled.status?.updateRevision,
      NAMED_WITHIN_MS,
    );
    const done = await cluster.untilSettled(DONE_WITHIN_MS);
    const ended = now();
    await sleep(CALM_MS);
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: startedAt, to: ended }],
    });
    const { order, gaps } = replacementsIn(copies, old);
    const gapsWhole = gaps.map((looks) => looks.filter(isWhole).length);
    rows.push({
      name: 'roll-out of NATS',
      verdict,
      figures: {
        took: seconds(ended - startedAt),
        'whole looks between': gapsWhole.join(', '),
        'cuts per client': cutsOf(traffic),
      },
    });
    process.stdout.write(`roll-out of NATS: ${order.join(' → ')}; ${reasonsIn(status, startedAt)}\n`);
    assertClean(verdict);
    assert.equal(order.length, SERVERS, 'every server was replaced');
    for (const { pods } of status.snapshots.filter(({ at }) => at >= startedAt)) {
      const ready = pods.filter((pod) => isNats(pod) && isPodReady(pod)).length;
      assert.ok(ready >= SERVERS - 1, `${ready} of ${SERVERS} servers were ready`);
    }
    for (const { behind } of copies.looks.filter(({ at }) => at >= startedAt)) {
      for (const [stream, count] of behind) assert.ok(count < 2, `${count} copies of ${stream} were behind`);
    }
    assert.ok(
      gapsWhole.every((count) => count > 0),
      'the copies were whole before the next server went',
    );
    assert.equal(cutsOf(traffic), '0', 'no gateway closed a connection');
    assert.equal(done.status?.gatewayRevision, settled.status?.gatewayRevision);
    assert.deepEqual(await others(), untouched, 'no other pod was restarted');
  });

  test('another image of every role', { skip: unless('image'), timeout: TEST_MS }, async () => {
    const { product, productAgain } = cluster.testCluster.images;
    const before = await cluster.untilSettled();
    const stores = async () => identities((await cluster.pods()).filter((pod) => !isProduct(pod)));
    const isProduct = ({ spec }: Pod) =>
      spec?.containers.some(({ image }) => image === product || image === productAgain) ?? false;
    const untouched = await stores();
    await using traffic = await load('image');
    await sleep(CALM_MS);
    const startedAt = now();
    await cluster.change({ spec: { image: before.spec.image === product ? productAgain : product } });
    await using status = recordStatus(cluster);
    await status.first(
      'another revision in status',
      startedAt,
      ({ resource }) => resource.status?.updateRevision !== before.status?.updateRevision,
      NAMED_WITHIN_MS,
    );
    await cluster.untilSettled(DONE_WITHIN_MS);
    const ended = now();
    await sleep(CALM_MS);
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: startedAt, to: ended }],
    });
    const cuts = cutsOf(traffic);
    rows.push({
      name: 'image change',
      verdict,
      figures: { took: seconds(ended - startedAt), 'cuts per client': cuts },
    });
    assertClean(verdict);
    assert.match(cuts, /^(1|0 to 1)$/, 'each client is cut once at most');
    assert.deepEqual(await stores(), untouched, 'the stores were left alone');
  });

  /** What openimctl prints of the cluster, whatever its exit code is. */
  async function said(command: string, ...args: readonly string[]): Promise<string> {
    return await openimctl(cluster, command, ...args).catch(({ stdout }: { stdout: string }) => stdout);
  }
});

function isTrue({ resource }: Snapshot, type: string): boolean {
  return conditionOf(resource.status, type)?.status === 'True';
}

/** Reason and message of a condition that is not true; empty when it is. */
function faultOf(snapshot: Snapshot, type: string): string {
  const condition = conditionOf(snapshot.resource.status, type);
  return condition?.status === 'False' ? `${condition.reason}: ${condition.message}` : '';
}

/** What NATSAvailable said from a moment on, each reason once in a row. */
function reasonsIn({ snapshots }: StatusRecorder, from: number): string {
  const all = snapshots
    .filter(({ at }) => at >= from)
    .map(({ resource }) => conditionOf(resource.status, 'NATSAvailable'))
    .map((condition) => `${condition?.reason}`);
  return all.filter((reason, i) => reason !== all[i - 1]).join(' → ');
}

function isNats({ metadata }: Pod): boolean {
  return metadata.labels?.['app.kubernetes.io/component'] === 'nats';
}

/** How often clients were cut: the least and the most of them. */
function cutsOf({
  devices,
}: {
  readonly devices: readonly { readonly counts: { readonly connects: number } }[];
}): string {
  // The first connect is no cut.
  const cuts = devices.map(({ counts }) => counts.connects - 1);
  const [least, most] = [Math.min(...cuts), Math.max(...cuts)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** The order in which servers went, and the looks after each but the last until the next one was gone. */
function replacementsIn({ looks }: CopiesRecorder, old: readonly Pod[]) {
  const order: string[] = [];
  const gaps: CopiesLook[][] = Array.from({ length: old.length - 1 }, () => []);
  for (const look of looks) {
    const here = new Set(look.pods.map(({ metadata }) => metadata.uid));
    gaps[order.length - 1]?.push(look);
    for (const { metadata } of old) {
      if (!here.has(metadata.uid) && !order.includes(metadata.name)) order.push(metadata.name);
    }
  }
  return { order, gaps };
}
