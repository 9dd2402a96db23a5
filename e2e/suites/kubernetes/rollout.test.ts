import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_PORTS, type ProcessStatus } from '@im/contract';
import type { DeployedCluster, Pod } from '@im/dev-cluster';
import { isApiError } from '@im/kube';
import { now } from '@im/proof';
import { sharedCluster } from './shared-cluster.ts';
import { recordStatus } from './status-recorder.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, overTheService, type Row, seconds, tableOf } from './verdicts.ts';

const USERS = 20;
const MESSAGES_PER_SECOND = 60;
const CALM_MS = 2_000;
/** Time of a whole roll-out, with everything on two cores. */
const DONE_WITHIN_MS = 240_000;
const DELIVER_WITHIN_MS = 10_000;
/** Time within which the operator starts to reconcile a change. */
const BEGUN_WITHIN_MS = 30_000;
/** Kubelets renew a mounted file within two minutes; the key of a cluster takes two such changes. */
const KEYED_WITHIN_MS = 360_000;
const RESTARTED_AT = 'openim.io/restarted-at';

describe(`roll-outs while ${USERS} clients send ${MESSAGES_PER_SECOND} messages/s`, () => {
  let cluster: DeployedCluster;
  const rows: Row[] = [];

  before(async () => {
    cluster = await sharedCluster();
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.close();
  });

  /** Changes the cluster under traffic, waits until it is stable, and checks the guarantees. */
  async function rollOut(
    name: string,
    patch: { metadata?: unknown; spec?: unknown },
  ): Promise<{ replaced: number; kept: number }> {
    const pods = new Set((await cluster.pods()).map(({ metadata }) => metadata.uid));
    const before = (await cluster.resource()).status;
    await using statusRecorder = recordStatus(cluster);
    await using traffic = await startTraffic(overTheService(cluster), {
      name,
      users: USERS,
      messagesPerSecond: MESSAGES_PER_SECOND,
    });
    await sleep(CALM_MS);
    const startedAt = now();
    await cluster.change(patch);
    // It stays there, however short the roll-out is.
    await statusRecorder.first(
      'another revision in status',
      startedAt,
      ({ resource }) => resource.status?.updateRevision !== before?.updateRevision,
      BEGUN_WITHIN_MS,
    );
    const settled = await cluster.untilSettled(DONE_WITHIN_MS);
    const done = now();
    await sleep(CALM_MS);
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: startedAt, to: done }],
    });
    // The first connect is no cut.
    const cuts = traffic.devices.map(({ counts }) => counts.connects - 1);
    const gatewayRevisions = settled.status?.gatewayRevision === before?.gatewayRevision ? 0 : 1;
    rows.push({
      name,
      verdict,
      figures: {
        took: seconds(done - startedAt),
        'cuts per client': `${Math.min(...cuts)} to ${Math.max(...cuts)}`,
        'gateway revisions': String(gatewayRevisions),
      },
    });
    assertClean(verdict);
    assert.equal(gatewayRevisions, 1, 'the gateways have a new revision');
    assert.ok(Math.max(...cuts) <= gatewayRevisions, `cut at most once: ${cuts.join(' ')}`);
    const stages = statusRecorder.snapshots.map(({ resource }) => resource.status?.rollout?.stage ?? '');
    process.stdout.write(`${name}: ${stages.filter((stage, i) => stage !== stages[i - 1]).join(' → ')}\n`);
    const after = await cluster.pods();
    const kept = after.filter(({ metadata }) => pods.has(metadata.uid)).length;
    return { replaced: after.length - kept, kept };
  }

  /** The response of the ops port of a pod, through the API server. */
  const ops = ({ metadata: { name } }: Pod, path: string, method?: 'POST') =>
    cluster.testCluster.api.proxy({ namespace: cluster.namespace, name }, DEFAULT_PORTS.ops, path, {
      method,
    });

  /** The authentication that each process of the cluster requires of its callers. */
  async function keyUses(): Promise<string[]> {
    const roles = ['gateway', 'api', 'rpc', 'transfer', 'push', 'cron'] as const;
    const pods = (await Promise.all(roles.map((role) => cluster.pods(role)))).flat();
    const uses = await Promise.all(
      pods.map(async (pod) => (JSON.parse(await ops(pod, 'status')) as ProcessStatus).rpcKey ?? ''),
    );
    return [...new Set(uses)];
  }

  async function untilRequired(): Promise<void> {
    const startedAt = now();
    for (let last = ''; ; await sleep(1_000)) {
      const uses = (await keyUses()).join(' ');
      if (uses !== last) process.stdout.write(`key: ${uses} after ${seconds(now() - startedAt)}\n`);
      last = uses;
      if (uses === 'required') break;
      assert.ok(now() - startedAt < KEYED_WITHIN_MS, `it is ${uses}`);
    }
  }

  test('every process requires the key of the cluster, and no drain starts without it', {
    timeout: 400_000,
  }, async () => {
    await untilRequired();
    const [gateway] = await cluster.pods('gateway');
    assert.ok(gateway);
    await assert.rejects(ops(gateway, 'drain', 'POST'), (error) => isApiError(error, 401));
  });

  test('rolling restart of every pod, stores included', { timeout: 400_000 }, async () => {
    const annotations = { [RESTARTED_AT]: new Date().toISOString() };
    const { kept } = await rollOut('rolling restart', { metadata: { annotations } });
    assert.equal(kept, 0, 'every pod is a new one');
  });

  test('another image of every role', { timeout: 400_000 }, async () => {
    const { product, productAgain } = cluster.testCluster.images;
    const { spec } = await cluster.resource();
    const image = spec.image === productAgain ? product : productAgain;
    const { kept } = await rollOut('image change', { spec: { image } });
    const pods = await cluster.pods();
    const images = pods.flatMap(({ spec }) => spec?.containers.map(({ image = '' }) => image) ?? []);
    const ours = images.filter(isProduct);
    assert.deepEqual([...new Set(ours)], [image], 'every role runs the new image');
    assert.equal(kept, pods.length - ours.length, 'the stores were left alone');
  });

  test('the key of the cluster is required again after an image of another name', {
    timeout: 400_000,
  }, async () => {
    const pods = async () => (await cluster.pods()).map(({ metadata }) => metadata.uid).sort();
    const before = await pods();
    await untilRequired();
    assert.deepEqual(await pods(), before, 'no pod was restarted for it');
  });

  function isProduct(image: string): boolean {
    const { product, productAgain } = cluster.testCluster.images;
    return image === product || image === productAgain;
  }
});
