import { Command } from 'commander';
import { withKube } from '../../cluster/options.ts';
import type { GatewayOptions } from '../../gateway/run.ts';
import { outputOption } from '../../output.ts';

/** `gateway list [name]`: the gateways of a cluster, and what drains. */
export function gatewayList(): Command {
  return withKube(new Command('list'))
    .description(
      'list the gateways of an OpenIMCluster: connections, and drains with their reason, rest and time',
    )
    .argument(
      '[name]',
      'name or namespace/name of the cluster; when absent the only one (env: OPENIM_CLUSTER)',
    )
    .addOption(outputOption())
    .action(async (name: string | undefined, options: GatewayOptions) => {
      const { listGateways } = await import('../../gateway/run.ts');
      await listGateways(name, options);
    });
}
