import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { OtherBuild } from '@im/dev-cluster';
import { CRASHES, DROPS, SLOW } from './planted-builds.ts';
import { PROBER, type ProbedCluster, probedCluster, UPGRADE } from './probed-cluster.ts';
import { takenBack } from './taken-back.ts';
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

  /** A build that must not stay: it is taken back for this reason at this step. */
  async function buildTakenBack(
    name: string,
    build: OtherBuild,
    { upgrade, failure, step }: { readonly upgrade: object; readonly failure: RegExp; readonly step: string },
  ): Promise<UpgradeRun> {
    const image = await probed.load(build);
    return await takenBack(probed, name, { image, upgrade }, (run) => {
      assert.match(`${run.upgrade.failure}: ${run.upgrade.message}`, failure);
      assert.equal(run.upgrade.step, step);
    });
  }

  test('a version that crashes at its start is taken back', { timeout: TEST_MS }, async () => {
    const expected = { failure: /^PodsFailing: .*does not start/, step: 'transfer' };
    await buildTakenBack('crashes', CRASHES, {
      upgrade: { ...UPGRADE, stepDeadlineSeconds: 60 },
      ...expected,
    });
  });

  test('a version that does not become ready is taken back', { timeout: TEST_MS }, async () => {
    const expected = { failure: /^(StepDeadlineExceeded|PodsFailing)/, step: 'transfer' };
    await buildTakenBack('slow', SLOW, { upgrade: { ...UPGRADE, stepDeadlineSeconds: 30 }, ...expected });
  });

  test('a version that drops one message in a thousand is taken back at the gateway canary', {
    timeout: TEST_MS,
  }, async () => {
    const { running } = await probed.images();
    try {
      await probed.rollOut(running, { prober: { ...PROBER, messagesPerSecond: 50 } });
      const expected = { failure: /^MessagesHarmed: .* lost/, step: 'gateway canary' };
      const { upgrade } = await buildTakenBack('drops 1 in 1,000', DROPS, {
        upgrade: { soakSeconds: 40, stepDeadlineSeconds: 300 },
        ...expected,
      });
      assert.ok((upgrade.proof?.lost ?? 0) > 0);
    } finally {
      await probed.rollOut(running, { prober: PROBER });
    }
  });
});
