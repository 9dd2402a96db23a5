import { Command } from 'commander';
import { withKube } from '../../cluster/options.ts';
import { outputOption } from '../../output.ts';

/** A command about the upgrade of one cluster. */
export function upgradeCommand(verb: string, description: string): Command {
  return withKube(new Command(verb))
    .description(description)
    .argument(
      '[name]',
      'name or namespace/name of the cluster; when absent the only one (env: OPENIM_CLUSTER)',
    )
    .addOption(outputOption());
}
