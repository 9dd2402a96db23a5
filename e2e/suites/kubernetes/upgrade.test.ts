import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conditionOf } from '@im/dev-cluster';
import { assertProven } from './assert-proven.ts';
import { ABSENT } from './other-builds.ts';
import { type ProbedCluster, probedCluster, UPGRADE } from './probed-cluster.ts';
import { rolledBack } from './rolled-back.ts';
import { underLoad } from './upgrade-run.ts';

/** A fifth of it is how long an image may be missing. */
const IMPATIENT = { ...UPGRADE, stepDeadlineSeconds: 60 };
const TEST_MS = 600_000;

describe('upgrades under load, with their proof', () => {
  let probed: ProbedCluster;

  before(async () => {
    probed = await probedCluster();
  });
  after(async () => {
    await probed?.[Symbol.asyncDispose]();
  });

  test('another version of every role, with a proof', { timeout: TEST_MS }, async () => {
    const { other } = await probed.images();
    const begin = () => probed.cluster.change({ spec: { image: other } });
    const run = await underLoad(probed.cluster, { name: 'upgrade', begin, ends: 'Succeeded' });
    probed.rows.push(run.row);
    await assertProven(probed.cluster, run);
    const { status } = await probed.cluster.resource();
    assert.equal(conditionOf(status, 'UpgradeSucceeded')?.reason, 'Verified');
    assert.equal(status?.version, run.upgrade.version, 'the version is that of the new build');
  });

  test('an image that cannot be pulled is rolled back before a client notices it', {
    timeout: TEST_MS,
  }, async () => {
    await rolledBack(probed, 'unpullable', { image: ABSENT, upgrade: IMPATIENT }, ({ upgrade }) => {
      assert.equal(upgrade.failure, 'PodsFailing');
      assert.match(upgrade.message ?? '', /ImagePull|ErrImage/);
    });
  });
});
