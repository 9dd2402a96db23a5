import { type Command, Option } from 'commander';
import { withKube } from '../../cluster/options.ts';

/** Adds where the tenant of a command is. */
export function withKeyPlace(command: Command): Command {
  return withKube(command)
    .argument(
      '<tenant>',
      'name of the OpenIMTenant; with --cluster that or the id of the tenant; with --config the id',
    )
    .option(
      '--cluster <name>',
      'name or namespace/name of the OpenIMCluster whose tenant is meant, in whatever namespace that is (env: OPENIM_CLUSTER)',
    )
    .addOption(configOption());
}

/** The config file in which a command works, instead of on Kubernetes. */
function configOption(): Option {
  return new Option('--config <file>', 'config file of the processes, instead of a cluster on Kubernetes');
}
