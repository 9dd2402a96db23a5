import assert from 'node:assert/strict';
import { type ProbedCluster, UPGRADE } from './probed-cluster.ts';
import { type UpgradeRun, type UpgradeRunOptions, underLoad } from './upgrade-run.ts';

/**
 * Rolls an image out that must not stay: it is rolled back, and no client is harmed. Leaves the image from before.
 * @param during as of `underLoad`.
 */
export async function rolledBack(
  { cluster, rows, images }: ProbedCluster,
  name: string,
  spec: { readonly image: string; readonly upgrade: object },
  judge: (run: UpgradeRun) => void,
  during?: UpgradeRunOptions['during'],
): Promise<UpgradeRun> {
  const { running } = await images();
  try {
    const begin = () => cluster.change({ spec });
    const run = await underLoad(cluster, { name, begin, ends: 'RolledBack', ...(during && { during }) });
    rows.push(run.row);
    judge(run);
    assert.deepEqual([...new Set(run.cuts)], [0], 'no connection was cut');
    return run;
  } finally {
    await cluster.change({ spec: { image: running, upgrade: UPGRADE } });
    await cluster.untilSettled();
  }
}
