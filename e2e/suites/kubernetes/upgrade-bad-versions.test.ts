import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { OtherBuild } from '@im/dev-cluster';
import { CRASHES, DROPS, MIGRATION_FAILS, SLOW, WRONG_DATABASE } from './other-builds.ts';
import { PROBER, type ProbedCluster, probedCluster, UPGRADE } from './probed-cluster.ts';
import { rolledBack } from './rolled-back.ts';
import type { UpgradeRun } from './upgrade-run.ts';

const skip = process.env.FULL === '1' ? false : 'only with FULL=1';
const TEST_MS = 900_000;

describe('versions that must not stay', { skip }, () => {
  let probed: ProbedCluster;

  before(async () => {
    probed = await probedCluster();
  });
  after(async () => {
    await probed?.[Symbol.asyncDispose]();
  });

  /** A build that must not stay: it is rolled back for this reason at this step, where `limits` are in force. */
  async function buildRolledBack(
    name: string,
    build: OtherBuild,
    { step, limits, failure }: { readonly step: string; readonly limits: object; readonly failure: RegExp },
  ): Promise<UpgradeRun> {
    const image = await probed.load(build);
    const judge = (run: UpgradeRun) => {
      assert.match(`${run.upgrade.failure}: ${run.upgrade.message}`, failure);
      assert.equal(run.upgrade.step, step);
    };
    // The steps before may take the machine as long as they need.
    const upgrade = { ...UPGRADE, stepDeadlineSeconds: 600 };
    let isThere = false;
    return await rolledBack(probed, name, { image, upgrade }, judge, async (present) => {
      if (isThere || present.step !== step) return;
      isThere = true;
      await probed.cluster.change({ spec: { upgrade: limits } });
    });
  }

  const SOON = { stepDeadlineSeconds: 30 };
  const NEVER_READY = /^(StepDeadlineExceeded|PodsFailing)/;

  test('a version that crashes at its start is rolled back', { timeout: TEST_MS }, async () => {
    const failure = /^PodsFailing: \S*transfer\S* .*(exit code 1|CrashLoopBackOff)/;
    await buildRolledBack('crashes', CRASHES, {
      step: 'transfer',
      limits: { stepDeadlineSeconds: 200 },
      failure,
    });
  });

  test('a version that does not become ready is rolled back', { timeout: TEST_MS }, async () => {
    await buildRolledBack('slow', SLOW, { step: 'transfer', limits: SOON, failure: NEVER_READY });
  });

  test('a version that does not find its database is rolled back before a client notices it', {
    timeout: TEST_MS,
  }, async () => {
    const expected = { step: 'prober', limits: SOON, failure: NEVER_READY };
    await buildRolledBack('wrong database', WRONG_DATABASE, expected);
  });

  test('a version whose migration stored data contradicts is rolled back before a client notices it', {
    timeout: TEST_MS,
  }, async () => {
    const expected = { step: 'prober', limits: SOON, failure: NEVER_READY };
    await buildRolledBack('migration fails', MIGRATION_FAILS, expected);
  });

  test('a version that drops one message in a thousand is rolled back at the gateway canary', {
    timeout: TEST_MS,
  }, async () => {
    const { running } = await probed.images();
    try {
      await probed.rollOut(running, { prober: { ...PROBER, messagesPerSecond: 50 } });
      const { upgrade } = await buildRolledBack('drops 1 in 1,000', DROPS, {
        step: 'gateway canary',
        // The prober's devices come to new gateways one after the other.
        limits: { soakSeconds: 120 },
        failure: /^MessagesHarmed: .* lost/,
      });
      assert.ok((upgrade.proof?.lost ?? 0) > 0);
    } finally {
      await probed.rollOut(running, { prober: PROBER });
    }
  });
});
