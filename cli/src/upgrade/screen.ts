import {
  numberOrShare,
  type OpenIMClusterStatusUpgrade,
  type OpenIMClusterStatusUpgradeHistory,
  paceOf,
  planSteps,
  sumOf,
  UPGRADE_SOAK_SECONDS,
  type UpgradeEstimate,
  type UpgradeProof,
} from '@im/operator';
import type { FoundCluster } from '../cluster/find.ts';
import { formatObject, formatTable, type Row } from '../output.ts';

/** The text of `upgrade status`: phase, versions, steps with gates, proof. */
export function upgradeScreen(cluster: string, upgrade: OpenIMClusterStatusUpgrade | undefined): string {
  if (!upgrade) return `${cluster} has had no upgrade`;
  const {
    phase,
    version,
    image,
    fromVersion,
    fromImage,
    steps = [],
    gates = [],
    proof,
    plan,
    fact,
  } = upgrade;
  const rows = steps.map(({ name, startedAt = '', settledAt = '', passedAt = '' }): Row => {
    const state = passedAt ? 'passed' : settledAt ? 'verifying' : startedAt ? 'running' : 'pending';
    return { step: name, state, started: startedAt, available: settledAt, passed: passedAt };
  });
  return [
    `${cluster}: ${phase}${upgrade.message ? `: ${upgrade.message}` : ''}`,
    formatObject({
      from: `${fromVersion} ${fromImage} (${upgrade.fromRevision})`,
      to: `${version} ${image} (${upgrade.revision})`,
      started: upgrade.startedAt ?? null,
      finished: upgrade.finishedAt ?? null,
      proof: proofText(proof),
      plan: plan ? figuresText(plan) : null,
      fact: fact ? figuresText(fact) : null,
    }),
    rows.length === 0 ? '' : formatTable(rows, ['step', 'state', 'started', 'available', 'passed']),
    gates.length === 0
      ? ''
      : formatTable(
          gates.map(({ name, state, message = '' }): Row => ({ gate: name, state, message })),
          ['gate', 'state', 'message'],
        ),
  ]
    .filter((section) => section !== '')
    .join('\n\n');
}

/** Figures of a plan or of what happened. Operators of earlier versions counted no reconnects. */
function figuresText({ restarts, reconnects, seconds }: UpgradeEstimate): string {
  const moved = reconnects === undefined ? [] : [`${reconnects} reconnects`];
  return [`${restarts} restarts`, ...moved, `${seconds} s`].join(', ');
}

function proofText(proof: UpgradeProof | undefined): string {
  if (!proof) return 'none: the prober is not enabled (spec.prober.enabled)';
  const { sent, acknowledged, received, lost, duplicated, reordered, longestGapMilliseconds } = proof;
  return `${sent} sent, ${acknowledged} acknowledged, ${received} received; ${lost} lost, ${duplicated} duplicated, ${reordered} reordered; longest gap ${longestGapMilliseconds} ms`;
}

/** The history as rows, newest first. */
export function historyRows(history: readonly OpenIMClusterStatusUpgradeHistory[]) {
  const rows = history.map(
    ({
      revision,
      version = '',
      image = '',
      outcome,
      startedAt = '',
      finishedAt = '',
      message = '',
      proof,
      plan,
      fact,
    }): Row => ({
      ...{ outcome, version, image, revision, started: startedAt, finished: finishedAt },
      acknowledged: proof?.acknowledged ?? null,
      restarts: fact?.restarts ?? null,
      reconnects: fact?.reconnects ?? null,
      plannedSeconds: plan?.seconds ?? null,
      seconds: fact?.seconds ?? null,
      harmed: proof ? (proof.lost ?? 0) + (proof.duplicated ?? 0) + (proof.reordered ?? 0) : null,
      message,
    }),
  );
  const columns = [
    ...['outcome', 'version', 'image', 'started', 'restarts', 'reconnects', 'plannedSeconds', 'seconds'],
    ...['acknowledged', 'harmed', 'message'],
  ];
  return { rows, columns };
}

/** Steps of a rollout of the service, in order, with the components that they replace. */
const STEPS: readonly (readonly [name: string, components: readonly string[]])[] = [
  ['prober', ['prober']],
  ['rpc', ['rpc']],
  ['transfer', ['transfer']],
  ['push and cron', ['push', 'cron']],
  ['console', ['console']],
  ['api', ['api']],
  ['gateway canary', []],
  ['gateway', ['gateway']],
];

/** What a change of version would do to a cluster as it is, as rows; the last one is the sum. */
export function planRows({ spec, status }: FoundCluster) {
  const podsOf = (components: readonly string[]) =>
    (status?.components ?? []).reduce(
      (sum, { name, desired }) => sum + (components.includes(name) ? desired : 0),
      0,
    );
  const hasProber = spec.prober?.enabled === true;
  const hasConsole = podsOf(['console']) > 0;
  const gateways = podsOf(['gateway']);
  const effective = status?.effective as
    | { readonly gateway?: { readonly drain?: Readonly<Record<string, number | string>> } }
    | undefined;
  const {
    maxConnectionsPerSecond,
    deadlineSeconds,
    maxConcurrentPods = '25%',
  } = effective?.gateway?.drain ?? {};
  const steps = planSteps({
    steps: STEPS.filter(
      ([name]) => (name !== 'prober' || hasProber) && (name !== 'console' || hasConsole),
    ).map(([name, components]) => ({
      name,
      pods: podsOf(components),
    })),
    connections: status?.connections ?? 0,
    maxPerSecond: Number(maxConnectionsPerSecond ?? 1),
    concurrentDrains: Math.max(1, Math.floor(numberOrShare(maxConcurrentPods, gateways))),
    gateways,
    drainDeadlineSeconds: Number(deadlineSeconds ?? 540),
    soakSeconds: hasProber ? (spec.upgrade?.soakSeconds ?? UPGRADE_SOAK_SECONDS) : 0,
    pace: paceOf(status?.upgradeHistory ?? [], hasProber),
  });
  const rows: Row[] = steps.map(({ name, ...figures }) => ({ step: name, ...figures }));
  rows.push({ step: 'all', ...sumOf(steps) });
  return { rows, columns: ['step', 'restarts', 'reconnects', 'seconds'] };
}
