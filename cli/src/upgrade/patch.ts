import type { KubeClient } from '@im/kube';
import { OPENIM_CLUSTER } from '@im/operator';
import type { FoundCluster } from '../cluster/find.ts';
import type { DryRunOption } from '../dry-run.ts';

const DEADLINE_MS = 15_000;

/** Changes fields of a cluster, or has the API server check the change alone. A value of null removes one. */
export async function patchCluster(
  client: KubeClient,
  { metadata }: FoundCluster,
  patch: object,
  { dryRun }: DryRunOption,
): Promise<void> {
  const { namespace, name } = metadata;
  await client.patch(OPENIM_CLUSTER, { namespace, name }, patch, { deadlineMs: DEADLINE_MS, dryRun });
}
