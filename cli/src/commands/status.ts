import { Command } from 'commander';
import { duration } from '../arguments.ts';
import { withKube } from '../cluster/options.ts';
import { outputOption } from '../output.ts';
import type { StatusOptions } from '../status/run.ts';

/** `status [name]`: the state of a cluster on Kubernetes on one screen. */
export function status(): Command {
  return withKube(new Command('status'))
    .summary('show the state of a cluster on Kubernetes')
    .description(
      'show the state of an OpenIMCluster on one screen: versions, conditions with what is wrong and what to do, pods of every part, connections and drains by gateway, what the log has not stored yet, endpoints',
    )
    .argument(
      '[name]',
      'name or namespace/name; when absent the only one, or a line for each (env: OPENIM_CLUSTER)',
    )
    .option('--watch', 'show it again at every change, until Ctrl-C; with -o json a line each', false)
    .option(
      '--wait',
      'end when it is ready; until then a line on stderr every two seconds says what it waits for',
      false,
    )
    .option(
      '--timeout <time>',
      'longest time to --wait, after which the exit code is 3; 10m when absent',
      duration('--timeout'),
    )
    .addOption(outputOption())
    .action(async (name: string | undefined, options: StatusOptions) => {
      const { runStatus } = await import('../status/run.ts');
      await runStatus(name, options);
    });
}
