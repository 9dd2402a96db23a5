import { Command } from 'commander';
import type { ClusterListOptions } from '../../cluster/list.ts';
import { withKube } from '../../cluster/options.ts';
import { outputOption } from '../../output.ts';

/** `cluster list`: the clusters of a namespace, or of all. */
export function clusterList(): Command {
  return withKube(new Command('list'))
    .description(
      'list OpenIMClusters: whether they are ready and why not, versions, gateways, connections, lag',
    )
    .option('-A, --all-namespaces', 'those of all namespaces', false)
    .addOption(outputOption())
    .action(async (options: ClusterListOptions) => {
      const { listClusters } = await import('../../cluster/list.ts');
      await listClusters(options);
    });
}
