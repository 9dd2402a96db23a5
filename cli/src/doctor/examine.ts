import type { ServerConfig } from '@im/contract';
import { messageOf } from '@im/kit';
import { ApiError, type KubeClient } from '@im/kube';
import {
  clusterKey,
  displayName,
  type FoundCluster,
  matchingClusters,
  onlyCluster,
  withKubeClient,
} from '../cluster/find.ts';
import { opsPagesOf } from '../cluster/ops-pages.ts';
import { packageVersion } from '../commands/version.ts';
import type { DevState } from '../dev/state.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { loadServerConfig } from '../server-config.ts';
import { resolveTarget, type Target } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';
import { apiFindings } from './api.ts';
import { clusterFindings } from './cluster.ts';
import { type Finding, sorted } from './finding.ts';
import { hostFindings } from './host.ts';
import { opsPagesAt, processFindings } from './processes.ts';
import { configSecretFindings } from './secrets.ts';
import { storeFindings } from './stores.ts';

/** What is examined. */
export interface ExamineOptions extends TargetOptions {
  /** Config file of the server. */
  config?: string;
  /** URLs of ops ports. */
  ops: readonly string[];
  /** Directories whose disks are examined. */
  disk: readonly string[];
}

/** Whether options or the environment name a server, so that one must be there. */
function namesServer(options: ExamineOptions): boolean {
  const { api, ws, dataDir, cluster, kubeconfig, kubeContext } = options;
  const flags = [api, ws, dataDir, cluster, kubeconfig, kubeContext];
  const { OPENIM_API, OPENIM_CLUSTER, OPENIM_DATA_DIR } = process.env;
  return [...flags, OPENIM_API, OPENIM_CLUSTER, OPENIM_DATA_DIR].some((each) => each !== undefined);
}

/** The stores of a running dev. */
async function devConfig({ stores }: DevState): Promise<ServerConfig | undefined> {
  return stores === undefined ? undefined : await loadServerConfig(undefined, stores);
}

/** The server that the options name; undefined where a config or ops ports are examined alone. */
export async function targetOf(options: ExamineOptions): Promise<Target | undefined> {
  try {
    return await resolveTarget(options);
  } catch (error) {
    const isOptional = options.config !== undefined || options.ops.length > 0;
    if (isOptional && !namesServer(options)) return undefined;
    throw error;
  }
}

async function clusterOf(options: ExamineOptions): Promise<Finding[]> {
  const { cluster = process.env.OPENIM_CLUSTER || undefined, kubeconfig, kubeContext } = options;
  if ([cluster, kubeconfig, kubeContext].every((each) => each === undefined)) return [];
  const found: Finding[] = [];
  await withKubeClient(options, async (client) => {
    const key = clusterKey({ ...options, cluster });
    const only = onlyCluster(await matchingClusters(client, key, 15_000), key, client);
    found.push(...(await clusterFindings(client, only)));
    found.push(...(await podFindings(client, only)));
  });
  return found;
}

/** What the processes of a cluster say of themselves. */
async function podFindings(client: KubeClient, cluster: FoundCluster): Promise<Finding[]> {
  try {
    const pods = await opsPagesOf(client, cluster, 'doctor');
    // Those that begin or end are no fault; the conditions of the cluster say what is missing.
    return await processFindings(
      pods.filter(({ runs }) => runs),
      packageVersion(),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [
      {
        ...{ check: 'process.reachable', subject: `pods of ${displayName(cluster)}`, severity: 'unknown' },
        ...{ message: `they cannot be listed: ${messageOf(error)}`, meaning: '' },
        remedy:
          'Processes are examined with the right to list pods, and to get pods/proxy (docs/operations/openimctl.md).',
      },
    ];
  }
}

/** The config of the server, where one is given or a running dev has it. */
export async function configOf(
  options: ExamineOptions,
  target: Target | undefined,
): Promise<ServerConfig | undefined> {
  if (options.config !== undefined) return await loadServerConfig(options.config);
  return target?.dev && (await devConfig(target.dev));
}

/** Ops ports that are known. */
export function opsOf({ ops }: ExamineOptions, target: Target | undefined): string[] {
  return [...ops, ...(target?.dev ? [target.dev.ops] : [])].map((url) => url.replace(/\/+$/, ''));
}

/**
 * Examines a server from outside and, where a config or a running dev says where they are, its stores and processes.
 * @throws CommandError `usage` when nothing says what to examine
 */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const ofCluster = await clusterOf(options);
  const target = await unlessUnreachable(targetOf(options), ofCluster);
  const config = await configOf(options, target);
  const ops = opsOf(options, target);
  const own = options.config !== undefined || target?.dev !== undefined;
  const directories = [...options.disk, ...(options.dataDir !== undefined && own ? [options.dataDir] : [])];
  const found = await Promise.all([
    target === undefined ? [] : apiFindings(target),
    config === undefined ? [] : storeFindings(config),
    processFindings(ops.map(opsPagesAt), packageVersion()),
    own || directories.length > 0 ? hostFindings(directories) : [],
  ]);
  const secrets = config === undefined || options.config === undefined ? [] : configSecretFindings(config);
  return sorted([...ofCluster, ...found.flat(), ...secrets]);
}

/** A cluster without an address has findings that say why. */
async function unlessUnreachable(
  target: Promise<Target | undefined>,
  known: readonly Finding[],
): Promise<Target | undefined> {
  try {
    return await target;
  } catch (error) {
    const isUnreachable = error instanceof CommandError && error.exitCode === EXIT.unreachable;
    if (isUnreachable && known.length > 0) return undefined;
    throw error;
  }
}
