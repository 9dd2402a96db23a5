import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedCluster, Pod, UpgradeStatus } from '@im/dev-cluster';
import { now, type Verdict } from '@im/proof';
import { startTraffic } from './traffic.ts';
import { assertClean, overTheService, type Row, seconds } from './verdicts.ts';

/** An upgrade, or the end of one, under checked load. */
export interface UpgradeRun {
  /** As status has it at the end. */
  readonly upgrade: UpgradeStatus;
  readonly verdict: Verdict;
  /** Connections that each client lost. */
  readonly cuts: readonly number[];
  /** Pods of the product that are new. */
  readonly replaced: number;
  /** Users of the load, whose messages stay. */
  readonly users: readonly string[];
  readonly row: Row;
}

/** Options of {@link underLoad}. */
export interface UpgradeRunOptions {
  readonly name: string;
  /** Makes the change. */
  readonly begin: () => Promise<unknown>;
  /** Phase in which it ends. */
  readonly ends: 'Succeeded' | 'RolledBack' | 'Superseded';
  /** Called with each new phase, step and stage of this upgrade. @default nothing */
  readonly during?: (upgrade: UpgradeStatus, stage: string) => Promise<void>;
  /** Longest time for all of it, ms. @default ten minutes */
  readonly withinMs?: number;
}

const TRAFFIC = { users: 12, messagesPerSecond: 30 };
const CALM_MS = 2_000;
const DELIVER_WITHIN_MS = 15_000;
const WITHIN_MS = 600_000;
const POLL_MS = 300;
const OVER = new Set(['Succeeded', 'RolledBack', 'Superseded']);

/** Makes a change under load, waits for the end of the upgrade, and holds the service to its promise meanwhile. */
export async function underLoad(cluster: DeployedCluster, options: UpgradeRunOptions): Promise<UpgradeRun> {
  const { name, begin, ends, during = async () => {}, withinMs = WITHIN_MS } = options;
  const pods = identitiesOf(await cluster.pods());
  const before = (await cluster.resource()).status?.upgrade;
  await using traffic = await startTraffic(overTheService(cluster), { name, ...TRAFFIC });
  await sleep(CALM_MS);
  const startedAt = now();
  await begin();
  const upgrade = await untilOver(cluster, before, during, startedAt + withinMs);
  await cluster.untilSettled(withinMs);
  const done = now();
  await sleep(CALM_MS);
  const outages = [{ from: startedAt, to: done }];
  const verdict = await traffic.finish({ deliverWithinMs: DELIVER_WITHIN_MS, outages });
  // The first connect is no cut.
  const cuts = traffic.devices.map(({ counts }) => counts.connects - 1);
  const replaced = identitiesOf(await cluster.pods()).filter((pod) => !pods.includes(pod)).length;
  const row = { name, verdict, figures: figuresOf(upgrade, done - startedAt, cuts, replaced) };
  process.stdout.write(`${name}: ${storyOf(upgrade)}\n`);
  assert.equal(upgrade.phase, ends, JSON.stringify(upgrade));
  assertClean(verdict);
  const users = traffic.devices.map(({ device }) => device.slice(0, device.lastIndexOf('/')));
  return { upgrade, verdict, cuts, replaced, users, row };
}

/** Waits for the end of an upgrade that is another one than `before`. */
async function untilOver(
  cluster: DeployedCluster,
  before: UpgradeStatus | undefined,
  during: NonNullable<UpgradeRunOptions['during']>,
  deadline: number,
): Promise<UpgradeStatus> {
  for (let last = ''; ; await sleep(POLL_MS)) {
    const { upgrade = {}, rollout } = (await cluster.resource()).status ?? {};
    const stage = rollout?.stage ?? '';
    const { phase = '', step = '', finishedAt, startedAt, revision } = upgrade;
    const isOther = finishedAt !== before?.finishedAt || startedAt !== before?.startedAt;
    if (OVER.has(phase) && isOther && finishedAt !== undefined) return upgrade;
    const state = `${revision} ${phase} ${step} ${stage}`;
    // One that waits has no time yet.
    const isNews = isOther || phase !== (before?.phase ?? '');
    if (isNews && state !== last) {
      last = state;
      await during(upgrade, stage);
    }
    assert.ok(now() < deadline, `the upgrade is not over: ${JSON.stringify(upgrade)}`);
  }
}

function identitiesOf(pods: readonly Pod[]): string[] {
  return pods.map(({ metadata }) => metadata.uid);
}

function figuresOf(
  { plan, fact, proof }: UpgradeStatus,
  tookMs: number,
  cuts: readonly number[],
  replaced: number,
) {
  const moved = cuts.reduce((sum, count) => sum + Math.min(count, 1), 0);
  return {
    took: seconds(tookMs),
    planned: plan ? `${plan.restarts} pods, ${plan.reconnects} connections, ${plan.seconds} s` : '',
    fact: fact
      ? `${fact.restarts} pods, ${fact.reconnects} connections, ${fact.seconds} s (${fact.secondsPerPod} a pod, ${fact.gateSeconds} at gates)`
      : `${replaced} pods`,
    moved: `${moved} of ${cuts.length}, ${Math.max(...cuts)} at most`,
    proof: proof
      ? `${proof.acknowledged} acknowledged, ${proof.received} received, ${proof.lost}/${proof.duplicated}/${proof.reordered}`
      : '',
  };
}

/** The steps with the time each took, for people. */
function storyOf({ steps = [], phase, failure, message }: UpgradeStatus): string {
  const told = steps.map(({ name, startedAt, settledAt, passedAt }) => {
    const after = (time: string | undefined) =>
      time && startedAt ? seconds(Date.parse(time) - Date.parse(startedAt)) : '-';
    return `${name} (available ${after(settledAt)}, passed ${after(passedAt)})`;
  });
  return [...told, failure ? `${phase}: ${failure}: ${message}` : phase].join(' → ');
}
