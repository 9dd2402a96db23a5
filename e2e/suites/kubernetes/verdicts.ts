import assert from 'node:assert/strict';
import type { DeployedCluster, Pod } from '@im/dev-cluster';
import { FAULTS, type LoadTarget, textTable, type Verdict } from '@im/proof';

/** Clients spread round-robin over the current gateways, each by its own port. */
export function overEachGateway(cluster: DeployedCluster): LoadTarget {
  return placeOf(
    cluster,
    cluster.gateways.map((_, i) => cluster.endpoint('default', i)),
  );
}

/** Clients that the gateways' Service spreads, as those of users. */
export function overTheService(cluster: DeployedCluster): LoadTarget {
  return placeOf(cluster, [cluster.anyGateway]);
}

function placeOf(cluster: DeployedCluster, endpoints: LoadTarget['endpoints']): LoadTarget {
  return { endpoints, admin: cluster.admin('default'), dir: cluster.dir };
}

/** Holds a run to the promise: nothing lost, doubled or reordered, and nearly everything acknowledged. */
export function assertClean(verdict: Verdict): void {
  const texts = verdict.examples.map((e) => `${e.fault} ${e.conversation}: ${e.text}`).join('\n');
  for (const fault of FAULTS) assert.equal(verdict.counts[fault], 0, `${fault}\n${texts}`);
  const { sent, acknowledged } = verdict;
  assert.ok(acknowledged > sent * 0.9, `${acknowledged} of ${sent} acknowledged`);
}

/** One line of a suite's table: the operation, the outcome of the messages, and further figures. */
export interface Row {
  readonly name: string;
  readonly verdict: Verdict;
  readonly figures: Readonly<Record<string, string>>;
}

/** The table of a suite; figures that a row lacks stay empty. */
export function tableOf(rows: readonly Row[]): string {
  const figures = [...new Set(rows.flatMap((row) => Object.keys(row.figures)))];
  const faults = ['lost', 'doubled', 'reordered', 'late'] as const;
  return textTable([
    ['', 'sent', 'acknowledged', ...faults, 'slowest delivery', ...figures],
    ...rows.map(({ name, verdict, figures: own }) => [
      name,
      String(verdict.sent),
      String(verdict.acknowledged),
      ...faults.map((fault) => String(verdict.counts[fault])),
      seconds(verdict.slowestDeliveryMs),
      ...figures.map((figure) => own[figure] ?? ''),
    ]),
  ]);
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Names, uids and restarts of pods, to see that none was touched. */
export function identities(pods: readonly Pod[]): string[] {
  return pods
    .map(({ metadata, status }) => {
      const restarts = status?.containerStatuses?.[0]?.restartCount ?? 0;
      return `${metadata.name} ${metadata.uid} restarts=${restarts}`;
    })
    .sort();
}
