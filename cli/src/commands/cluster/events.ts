import { Command, Option } from 'commander';
import { duration } from '../../arguments.ts';
import { withKube } from '../../cluster/options.ts';
import type { EventsOptions } from '../../cluster/show-events.ts';
import { outputOption } from '../../output.ts';

/** `cluster events [name]`: what happened to a cluster. */
export function clusterEvents(): Command {
  return withKube(new Command('events'))
    .description('show what happened to an OpenIMCluster and its objects, the oldest first; ! marks warnings')
    .argument(
      '[name]',
      'name or namespace/name of the cluster; when absent the only one (env: OPENIM_CLUSTER)',
    )
    .option('--watch', 'go on with what happens next, until Ctrl-C; with -o json a line each', false)
    .option(
      '--since <time>',
      'what happened in this time, such as 30m; all that is kept when absent',
      duration('--since'),
    )
    .addOption(new Option('--type <type>', 'events of this type alone').choices(['Normal', 'Warning']))
    .option('--own', 'events of the OpenIMCluster itself, without those of its pods and other objects', false)
    .addOption(outputOption())
    .action(async (name: string | undefined, options: EventsOptions) => {
      const { showEvents } = await import('../../cluster/show-events.ts');
      await showEvents(name, options);
    });
}
