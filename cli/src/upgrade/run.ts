import { ANNOTATION, type OpenIMClusterStatusUpgrade } from '@im/operator';
import { displayName, type FoundCluster, withCluster } from '../cluster/find.ts';
import type { KubeOptions } from '../cluster/options.ts';
import { confirmByName } from '../confirm.ts';
import { DryRun, type DryRunOption } from '../dry-run.ts';
import { usageError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printRows, printValue } from '../output.ts';
import { patchCluster } from './patch.ts';
import { historyRows, planRows, upgradeScreen } from './screen.ts';

/** Options of the commands on upgrades. */
export interface UpgradeOptions extends KubeOptions, DryRunOption {
  /** Cluster of the context. */
  cluster?: string;
  output: OutputFormat;
}

const DEADLINE_MS = 15_000;

/** Runs `openimctl upgrade status`. */
export async function showUpgrade(name: string | undefined, options: UpgradeOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (cluster) => {
    const { upgrade } = cluster.status ?? {};
    if (!isForPeople(options.output)) await printValue(upgrade ?? {}, options.output);
    else console.log(upgradeScreen(displayName(cluster), upgrade));
  });
}

/** Runs `openimctl upgrade history`. */
export async function listUpgrades(name: string | undefined, options: UpgradeOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async ({ status }) => {
    const { columns, rows } = historyRows(status?.upgradeHistory ?? []);
    await printRows(rows, columns, options.output);
  });
}

/** Runs `openimctl upgrade plan`. */
export async function planUpgrade(name: string | undefined, options: UpgradeOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (cluster) => {
    const { columns, rows } = planRows(cluster);
    await printRows(rows, columns, options.output);
  });
}

/** Runs `openimctl upgrade pause`. */
export async function pauseUpgrade(name: string | undefined, options: UpgradeOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (cluster, client) => {
    await patchCluster(client, cluster, { spec: { upgrade: { paused: true } } }, options);
    await say(cluster, 'paused: no further step begins', options);
  });
}

/** Runs `openimctl upgrade resume`. */
export async function resumeUpgrade(name: string | undefined, options: UpgradeOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (cluster, client) => {
    const { upgrade } = cluster.status ?? {};
    const isPaused = cluster.spec.upgrade?.paused === true;
    const isBack = upgrade?.phase === 'RolledBack' || upgrade?.phase === 'RollingBack';
    if (!isPaused && !isBack) {
      throw usageError(`${displayName(cluster)} has no upgrade that is paused or was rolled back`);
    }
    const patch = {
      ...(isPaused && { spec: { upgrade: { paused: null } } }),
      ...(isBack && {
        metadata: { annotations: { [ANNOTATION.retryUpgrade]: moment(upgrade, 'failedAt') } },
      }),
    };
    await patchCluster(client, cluster, patch, options);
    await say(cluster, isBack ? 'is tried again' : 'goes on', options);
  });
}

/** Runs `openimctl upgrade approve`. */
export async function approveUpgrade(name: string | undefined, options: UpgradeOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (cluster, client) => {
    const { phase, revision } = cluster.status?.upgrade ?? {};
    if (phase !== 'WaitingForApproval' || revision === undefined) {
      throw usageError(
        `${displayName(cluster)} has no upgrade that waits for approval (phase ${phase ?? 'none'})`,
      );
    }
    const patch = { metadata: { annotations: { [ANNOTATION.approve]: revision } } };
    await patchCluster(client, cluster, patch, options);
    await say(cluster, `approved: ${revision}`, options);
  });
}

/** Phases of an upgrade that can be rolled back. */
const UNDOABLE = new Set(['RollingOut', 'Verifying', 'Succeeded']);

/** Runs `openimctl upgrade rollback`. */
export async function rollBackUpgrade(
  name: string | undefined,
  options: UpgradeOptions & { readonly yes?: boolean },
): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (cluster, client) => {
    const { upgrade, updateRevision } = cluster.status ?? {};
    const shown = displayName(cluster);
    if (!upgrade || !UNDOABLE.has(upgrade.phase ?? '') || upgrade.revision !== updateRevision) {
      throw usageError(`${shown} has no upgrade to roll back (phase ${upgrade?.phase ?? 'none'})`);
    }
    await confirmByName(
      `roll back, to version ${upgrade.fromVersion} (${upgrade.fromImage}), the cluster`,
      shown,
      options.yes || options.dryRun,
    );
    const annotations = { [ANNOTATION.rollBackUpgrade]: moment(upgrade, 'startedAt') };
    await patchCluster(client, cluster, { metadata: { annotations } }, options);
    await say(cluster, `is rolled back to ${upgrade.fromRevision}`, options);
  });
}

/** What a person saw in status: another upgrade to the same revision is not meant. */
function moment(upgrade: OpenIMClusterStatusUpgrade | undefined, time: 'startedAt' | 'failedAt'): string {
  return `${upgrade?.revision}/${upgrade?.[time]}`;
}

async function say(cluster: FoundCluster, what: string, { output, dryRun }: UpgradeOptions): Promise<void> {
  const { name, namespace } = cluster.metadata;
  if (dryRun)
    throw new DryRun(`the upgrade of ${displayName(cluster)} ${what}`, { namespace: namespace ?? '', name });
  if (!isForPeople(output)) return printValue({ name, namespace, result: what }, output);
  console.log(
    `the upgrade of ${displayName(cluster)} ${what}; openimctl upgrade status ${name} -n ${namespace} follows it`,
  );
}
