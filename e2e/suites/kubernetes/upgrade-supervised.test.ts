import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpgradeStatus } from '@im/dev-cluster';
import { now } from '@im/proof';
import { openimctl } from './openimctl.ts';
import { type ProbedCluster, probedCluster, UPGRADE } from './probed-cluster.ts';
import { underLoad } from './upgrade-run.ts';
import { identities } from './verdicts.ts';

const skip = process.env.FULL === '1' ? false : 'only with FULL=1';
const TEST_MS = 900_000;
const PAUSED_WITHIN_MS = 120_000;
const DAY_MS = 86_400_000;

/** A window that opens in three days. */
function closedWindow() {
  const day = new Date(Date.now() + 3 * DAY_MS).toLocaleDateString('en', {
    weekday: 'short',
    timeZone: 'UTC',
  });
  return { days: [day], from: '12:00', to: '12:01' };
}

describe('an upgrade that people decide about', { skip }, () => {
  let probed: ProbedCluster;

  before(async () => {
    probed = await probedCluster();
  });
  after(async () => {
    await probed?.[Symbol.asyncDispose]();
  });

  test('approved, held until a window opens, paused, and replaced by another change amid it', {
    timeout: TEST_MS,
  }, async () => {
    const { running, other } = await probed.images();
    const seen: string[] = [];
    let wasPaused = false;
    const supervised = { ...UPGRADE, mode: 'Supervised' };
    const begin = () =>
      probed.cluster.change({
        spec: { image: other, upgrade: { ...supervised, windows: [closedWindow()] } },
      });
    const during = async ({ phase = '', step = '' }: UpgradeStatus) => {
      seen.push(`${phase} ${step}`);
      if (phase === 'WaitingForApproval') {
        assert.match(await openimctl(probed.cluster, 'upgrade', 'plan'), /gateway canary[\s\S]*all/);
        await openimctl(probed.cluster, 'upgrade', 'approve');
      } else if (phase === 'WaitingForWindow') {
        assert.match(await openimctl(probed.cluster, 'upgrade', 'status'), /the next one opens at 20/);
        await probed.cluster.change({ spec: { upgrade: { windows: null } } });
      } else if (step === 'transfer' && !wasPaused) {
        wasPaused = true;
        await openimctl(probed.cluster, 'upgrade', 'pause');
        await untilPaused();
        const before = identities(await probed.cluster.pods());
        // Long enough for the next step to begin.
        await sleep(10_000);
        assert.deepEqual(identities(await probed.cluster.pods()), before, 'no pod was replaced');
        assert.match(await openimctl(probed.cluster, 'upgrade', 'status'), /paused before push and cron/);
        await openimctl(probed.cluster, 'upgrade', 'resume');
      } else if (step === 'api') {
        await probed.cluster.change({ spec: { image: running } });
      }
    };
    const taken = await underLoad(probed.cluster, { name: 'replaced', begin, ends: 'Superseded', during });
    probed.rows.push(taken.row);
    for (const phase of ['WaitingForApproval', 'WaitingForWindow', 'RollingOut'])
      assert.ok(
        seen.some((state) => state.startsWith(phase)),
        seen.join(', '),
      );
    assert.ok(wasPaused);
    assert.deepEqual([...new Set(taken.cuts)], [0], 'no connection was cut');
    assert.match(await openimctl(probed.cluster, 'upgrade', 'history'), /Superseded/);
    await probed.cluster.change({ spec: { upgrade: { ...UPGRADE, mode: null } } });
    await probed.cluster.untilSettled();
  });

  async function untilPaused(): Promise<void> {
    for (const deadline = now() + PAUSED_WITHIN_MS; ; await sleep(500)) {
      const { upgrade } = (await probed.cluster.resource()).status ?? {};
      if (upgrade?.message?.startsWith('paused before push and cron')) return;
      assert.ok(now() < deadline, JSON.stringify(upgrade));
    }
  }
});
