import { type KubeClient, labelSelectorOf, POD, type Pod, type Stored } from '@im/kube';
import { ANNOTATION, REVISION_LABEL, selectorLabels } from '@im/operator';
import { withCluster, withKubeClient } from '../cluster/find.ts';
import type { KubeOptions } from '../cluster/options.ts';
import { type DryRunOption, noteDryRun } from '../dry-run.ts';
import { usageError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printRows } from '../output.ts';
import { GATEWAY_COLUMNS, gatewayRows } from './rows.ts';

/** Options of the commands on gateways. */
export interface GatewayOptions extends KubeOptions, DryRunOption {
  /** Cluster of the context. */
  cluster?: string;
  output: OutputFormat;
}

const DEADLINE_MS = 15_000;

/** Runs `openimctl gateway list`. */
export async function listGateways(name: string | undefined, options: GatewayOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (cluster, client) => {
    const { name: clusterName, namespace } = cluster.metadata;
    const labelSelector = labelSelectorOf(selectorLabels(clusterName, 'gateway'));
    const { items } = await client.list(POD, { namespace, labelSelector, deadlineMs: DEADLINE_MS });
    await printRows(gatewayRows(items, cluster.status), GATEWAY_COLUMNS, options.output);
  });
}

/** Runs `openimctl gateway drain`: asks the operator to replace gateways. No pod is asked for if one is no gateway. */
export async function drainGateways(
  names: readonly string[],
  options: GatewayOptions & { readonly reason: string },
): Promise<void> {
  await withKubeClient(options, async (client) => {
    const pods = await gatewaysNamed(client, names, options);
    const leaving = pods.find(({ metadata }) => metadata.deletionTimestamp !== undefined);
    if (leaving) throw usageError(`${leaving.metadata.name} is being deleted, and drains by itself`);
    await annotate(client, pods, options.reason, options);
  });
}

/** Runs `openimctl gateway undrain`: takes such a request back. */
export async function undrainGateways(names: readonly string[], options: GatewayOptions): Promise<void> {
  await withKubeClient(options, async (client) => {
    const pods = await gatewaysNamed(client, names, options);
    for (const { metadata } of pods) {
      if (metadata.annotations?.[ANNOTATION.drain] !== undefined) continue;
      const reason = metadata.annotations?.[ANNOTATION.drainReason];
      throw usageError(
        reason === undefined
          ? `${metadata.name} was not asked to drain; openimctl gateway list -n ${metadata.namespace} shows what drains`
          : `${metadata.name} drains for another reason: ${reason}; change what causes it (docs/operations/gateways.md)`,
      );
    }
    await annotate(client, pods, null, options);
  });
}

async function annotate(
  client: KubeClient,
  pods: readonly Stored<Pod>[],
  value: string | null,
  { output, dryRun }: GatewayOptions,
): Promise<void> {
  const changed: Stored<Pod>[] = [];
  for (const { metadata } of pods) {
    const { namespace, name } = metadata;
    const patch = { metadata: { annotations: { [ANNOTATION.drain]: value } } };
    changed.push(await client.patch(POD, { namespace, name }, patch, { deadlineMs: DEADLINE_MS, dryRun }));
  }
  await printRows(gatewayRows(changed, undefined), ['pod', 'node', 'state', 'reason'], output);
  const namespace = pods[0]?.metadata.namespace;
  if (dryRun) noteDryRun(output);
  else if (isForPeople(output)) {
    process.stderr.write(`openimctl: follow it with: openimctl gateway list -n ${namespace}\n`);
  }
}

async function gatewaysNamed(
  client: KubeClient,
  names: readonly string[],
  options: KubeOptions,
): Promise<Stored<Pod>[]> {
  const namespace = options.namespace ?? client.namespace;
  const pods: Stored<Pod>[] = [];
  for (const name of names) {
    const pod = await client.get(POD, { namespace, name }, { deadlineMs: DEADLINE_MS });
    if (pod?.metadata.labels?.[REVISION_LABEL] === undefined) {
      const what = pod ? `pod ${name} is no gateway` : `there is no pod ${name} in namespace ${namespace}`;
      throw usageError(`${what}; openimctl gateway list -n ${namespace} lists gateways`);
    }
    pods.push(pod);
  }
  return pods;
}
