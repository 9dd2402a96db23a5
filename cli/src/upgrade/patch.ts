import type { KubeClient } from '@im/kube';
import { OPENIM_CLUSTER } from '@im/operator';
import type { FoundCluster } from '../cluster/find.ts';

/** Changes fields of a cluster. A value of null removes one. */
export async function patchCluster(
  client: KubeClient,
  { metadata }: FoundCluster,
  patch: object,
  deadlineMs: number,
): Promise<void> {
  const { namespace, name } = metadata;
  await client.patch(OPENIM_CLUSTER, { namespace, name }, patch, { deadlineMs });
}
