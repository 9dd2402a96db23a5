import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conditionOf } from '@im/dev-cluster';
import { assertProven } from './assert-proven.ts';
import { messagesOf } from './kept-messages.ts';
import { openimctl } from './openimctl.ts';
import { BEFORE_PROBER, PREVIOUS } from './other-builds.ts';
import { PROBER, type ProbedCluster, probedCluster } from './probed-cluster.ts';
import { type UpgradeRun, underLoad } from './upgrade-run.ts';
import { identities } from './verdicts.ts';

const skip = process.env.FULL === '1' ? false : 'only with FULL=1';
const TEST_MS = 1_200_000;

describe('from older builds of this repository, and back', { skip }, () => {
  let probed: ProbedCluster;

  before(async () => {
    probed = await probedCluster();
  });
  after(async () => {
    await probed?.[Symbol.asyncDispose]();
  });

  /** An upgrade from an older build to the working tree's and back, of a cluster with stored messages. */
  async function thereAndBack(
    name: string,
    old: string,
    spec: Readonly<Record<string, unknown>> = {},
  ): Promise<{ readonly there: UpgradeRun; readonly back: UpgradeRun }> {
    const { product } = probed.cluster.testCluster.images;
    const rights = probed.cluster.admin('default');
    const down = await underLoad(probed.cluster, {
      name: `${name}, older build`,
      begin: () => probed.cluster.change({ spec: { ...spec, image: old } }),
      ends: 'Succeeded',
    });
    probed.rows.push(down.row);
    const [user = ''] = down.users;
    const stored = await messagesOf(probed.cluster, rights, user);
    assert.ok(stored.length > 10);
    if (spec.prober !== null) await probed.untilProbed();
    const begin = () => probed.cluster.change({ spec: { image: product } });
    const there = await underLoad(probed.cluster, { name: `${name}, upgrade`, begin, ends: 'Succeeded' });
    probed.rows.push(there.row);
    assert.deepEqual(
      await messagesOf(probed.cluster, rights, user),
      stored,
      'the new version reads what is stored',
    );
    const [newer = ''] = there.users;
    const storedLater = await messagesOf(probed.cluster, rights, newer);
    const undo = () => openimctl(probed.cluster, 'upgrade', 'rollback', '--yes');
    const back = await underLoad(probed.cluster, {
      name: `${name}, rollback`,
      begin: undo,
      ends: 'RolledBack',
    });
    probed.rows.push(back.row);
    assert.equal(back.upgrade.failure, 'RollbackRequested');
    assert.deepEqual(await messagesOf(probed.cluster, rights, user), stored);
    assert.deepEqual(
      await messagesOf(probed.cluster, rights, newer),
      storedLater,
      'the old version reads the new',
    );
    for (const { cuts } of [there, back]) assert.ok(Math.max(...cuts) <= 1, cuts.join(' '));
    return { there, back };
  }

  test('from the build before there was a prober, and back', { timeout: TEST_MS }, async () => {
    const old = await probed.loadOlder(BEFORE_PROBER);
    const { product } = probed.cluster.testCluster.images;
    try {
      const { there } = await thereAndBack('no prober', old, { prober: null });
      assert.equal(there.upgrade.proof, undefined);
      // What the running version would refuse waits for one that knows it.
      const { cluster } = probed;
      const pods = identities(await cluster.pods());
      await cluster.change({ spec: { image: old, prober: PROBER } });
      await cluster.untilSettled();
      assert.deepEqual(identities(await cluster.pods()), pods);
      const accepted = conditionOf((await cluster.resource()).status, 'Accepted');
      assert.match(accepted?.message ?? '', /except for spec\.prober.*does not support/);
    } finally {
      await probed.rollOut(product, { prober: PROBER });
    }
  });

  test('from an older build with a prober, and back', { timeout: TEST_MS }, async () => {
    const old = await probed.loadOlder(PREVIOUS);
    const { product } = probed.cluster.testCluster.images;
    try {
      const { there, back } = await thereAndBack('older build', old);
      await assertProven(probed.cluster, there);
      assert.deepEqual(back.upgrade.proof, there.upgrade.proof, 'the proof stays');
    } finally {
      await probed.rollOut(product);
    }
  });
});
