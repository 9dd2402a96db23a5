import assert from 'node:assert/strict';
import type { DeployedCluster } from '@im/dev-cluster';
import { storedBetween, storedProbes } from './stored-probes.ts';
import type { UpgradeRun } from './upgrade-run.ts';

/** Messages of the prober that are sent at the same time: at most so many acknowledgements die with a killed one. */
const STREAMS = 6;

/** Holds a proof to what is stored, and the fact to the plan. @param interruptions probers that were killed amid it. */
export async function assertProven(
  cluster: DeployedCluster,
  { upgrade, cuts, replaced }: UpgradeRun,
  interruptions = 0,
): Promise<void> {
  const { proof, plan, fact } = upgrade;
  assert.ok(proof?.until, 'status has a proof');
  const stored = await storedProbes(cluster);
  assert.deepEqual(stored.faults, []);
  const count = storedBetween(stored, proof.from, proof.until);
  process.stdout.write(
    `proof: ${proof.sent} sent, ${proof.acknowledged} acknowledged, ${proof.received} received from ${proof.from} to ${proof.until}; stored: ${count}\n`,
  );
  assert.ok(proof.acknowledged > 0);
  assert.deepEqual([proof.lost, proof.duplicated, proof.reordered], [0, 0, 0]);
  const open = count - proof.acknowledged;
  assert.ok(open >= 0 && open <= STREAMS * interruptions, `${count} stored, ${JSON.stringify(proof)}`);
  assert.ok(proof.sent >= count, `${count} stored of ${proof.sent}`);
  assert.equal(fact?.restarts, plan?.restarts, 'as many pods as planned');
  assert.equal(replaced, plan?.restarts, 'as many pods as status counts');
  assert.ok(Math.max(...cuts) <= 1, `moved at most once: ${cuts.join(' ')}`);
  const moved = cuts.filter((count) => count > 0).length;
  const { reconnects = 0 } = fact ?? {};
  // Those of the prober are among them, which may go to new gateways by themselves before they would be moved.
  assert.ok(reconnects >= moved, `${reconnects} moved, of clients alone ${moved}`);
  assert.ok(reconnects <= (plan?.reconnects ?? 0), `${reconnects} moved of ${plan?.reconnects}`);
}
