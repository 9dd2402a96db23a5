import { Command, Option } from 'commander';
import { duration, whole } from '../../arguments.ts';
import type { LogsOptions } from '../../cluster/logs.ts';
import { withKube } from '../../cluster/options.ts';

const COMPONENTS = [
  ...['gateway', 'api', 'rpc', 'transfer', 'push', 'cron', 'prober', 'console'],
  ...['nats', 'mongodb', 'redis', 'object-storage'],
];

/** `cluster logs [name]`: the logs of a role over all of its pods. */
export function clusterLogs(): Command {
  return withKube(new Command('logs'))
    .description(
      'print the logs of all pods of a role, or of the cluster, each line behind the name of its pod',
    )
    .argument(
      '[name]',
      'name or namespace/name of the cluster; when absent the only one (env: OPENIM_CLUSTER)',
    )
    .addOption(
      new Option('--role <role>', 'pods of this role or store; of all when absent').choices(COMPONENTS),
    )
    .option('--pod <name>', 'this pod alone')
    .option('-f, --follow', 'go on with what is written, also by new pods, until Ctrl-C', false)
    .option('--since <time>', 'what was written in this time, such as 10m', duration('--since'))
    .option(
      '--tail <n>',
      'last lines of each pod; without --since 200, and 10 with --follow',
      whole('--tail'),
    )
    .action(async (name: string | undefined, options: LogsOptions) => {
      const { showLogs } = await import('../../cluster/logs.ts');
      await showLogs(name, options);
    });
}
