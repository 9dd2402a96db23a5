import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedCluster } from '@im/dev-cluster';
import { now } from '@im/proof';
import { watchDrains } from './drain-steps.ts';
import { sharedCluster } from './shared-cluster.ts';
import { startTraffic } from './traffic.ts';
import { assertClean, overTheService, type Row, seconds, tableOf } from './verdicts.ts';

const USERS = 20;
const MESSAGES_PER_SECOND = 60;
const CALM_MS = 2_000;
const DELIVER_WITHIN_MS = 10_000;

describe(`gateways 3 → 2 while ${USERS} clients send ${MESSAGES_PER_SECOND} messages/s`, () => {
  let cluster: DeployedCluster;
  const rows: Row[] = [];

  before(async () => {
    cluster = await sharedCluster();
    await cluster.change({ spec: { gateway: { replicas: 3 } } });
    await cluster.untilSettled();
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${tableOf(rows)}\n\n`);
    await cluster?.change({ spec: { gateway: { replicas: 2 } } });
    await cluster?.close();
  });

  test('the drained pod is the one that goes, and its clients alone are moved', {
    timeout: 240_000,
  }, async () => {
    const pods = await cluster.pods('gateway');
    assert.equal(pods.length, 3);
    await using drains = await watchDrains(cluster);
    await using traffic = await startTraffic(overTheService(cluster), {
      name: 'scale_in',
      users: USERS,
      messagesPerSecond: MESSAGES_PER_SECOND,
    });
    await sleep(CALM_MS);
    const startedAt = now();
    await cluster.change({ spec: { gateway: { replicas: 2 } } });
    await cluster.untilSettled();
    const done = now();
    await sleep(CALM_MS);
    const verdict = await traffic.finish({
      deliverWithinMs: DELIVER_WITHIN_MS,
      outages: [{ from: startedAt, to: done }],
    });
    const moved = traffic.devices.filter(({ counts }) => counts.connects > 1).length;
    rows.push({
      name: '3 → 2 gateways',
      verdict,
      figures: { took: seconds(done - startedAt), 'clients moved': `${moved} of ${USERS}` },
    });
    assertClean(verdict);
    const left = new Set((await cluster.pods('gateway')).map(({ metadata }) => metadata.name));
    const gone = pods.map(({ metadata }) => metadata.name).filter((name) => !left.has(name));
    assert.deepEqual(gone, drains.drained(), 'the pod that was drained is the one that is gone');
    assert.ok(moved < USERS, 'clients of the other gateways stay where they are');
    assert.ok(
      traffic.devices.every(({ counts }) => counts.connects <= 2),
      'each is moved once at most',
    );
  });
});
