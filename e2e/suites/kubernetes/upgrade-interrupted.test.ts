import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isPodReady, POD } from '@im/kube';
import { assertProven } from './assert-proven.ts';
import { openimctl } from './openimctl.ts';
import { killOperators, untilLed } from './operator-killer.ts';
import { type ProbedCluster, probedCluster, UPGRADE } from './probed-cluster.ts';
import { underLoad } from './upgrade-run.ts';

const skip = process.env.FULL === '1' ? false : 'only with FULL=1';
const TEST_MS = 900_000;

describe('an upgrade is interrupted', { skip }, () => {
  let probed: ProbedCluster;

  before(async () => {
    probed = await probedCluster();
  });
  after(async () => {
    await probed?.[Symbol.asyncDispose]();
  });

  test('operators and probers that are killed at every step are continued by the next', {
    timeout: 2 * TEST_MS,
  }, async () => {
    const { testCluster } = probed.cluster;
    const { other } = await probed.images();
    const upgrade = { ...UPGRADE, stepDeadlineSeconds: 600 };
    let [operators, probers] = [0, 0];
    const kill = async () => {
      await killOperators(testCluster);
      operators += 1;
      const [prober] = await probed.cluster.pods('prober');
      // It may be on its way between two versions.
      if (prober && isPodReady(prober)) {
        // A pod of its own each time: restarts of one are delayed ever longer.
        const { namespace, name } = prober.metadata;
        await testCluster.api.delete(POD, { namespace, name }, { gracePeriodSeconds: 0 });
        probers += 1;
      }
      await untilLed(testCluster);
    };
    const killed = new Set<string>();
    const once = async (step: string) => {
      if (step === '' || killed.has(step)) return;
      killed.add(step);
      await kill();
    };
    const there = await underLoad(probed.cluster, {
      name: 'upgrade, killed',
      begin: () => probed.cluster.change({ spec: { image: other, upgrade } }),
      ends: 'Succeeded',
      during: async ({ phase, step }) => once(`${phase} ${step}`),
      withinMs: TEST_MS,
    });
    probed.rows.push(there.row);
    process.stdout.write(`killed: ${operators} times the operators, ${probers} times the prober\n`);
    await assertProven(probed.cluster, there, probers);
    killed.clear();
    const back = await underLoad(probed.cluster, {
      name: 'rollback, killed',
      begin: () => openimctl(probed.cluster, 'upgrade', 'rollback', '--yes'),
      ends: 'RolledBack',
      during: async ({ phase }, stage) => (phase === 'RollingBack' ? once(stage) : undefined),
      withinMs: TEST_MS,
    });
    probed.rows.push(back.row);
    process.stdout.write(`killed: ${operators} times the operators, ${probers} times the prober\n`);
    assert.deepEqual(back.upgrade.proof, there.upgrade.proof, 'the proof stays');
    assert.ok(Math.max(...back.cuts) <= 1, back.cuts.join(' '));
    await probed.rollOut(other);
  });
});
