import { Command, Option } from 'commander';
import { duration, positive, whole } from '../arguments.ts';
import { withDryRun } from '../dry-run.ts';
import { outputOption } from '../output.ts';
import { withTarget } from '../target-options.ts';
import type { VerifyCommandOptions } from '../verify/run.ts';

/** `verify`: proves that a server loses, doubles and reorders nothing, or finds that it does. */
export function verify(): Command {
  return withDryRun(withTarget(new Command('verify')))
    .summary('prove that a server loses, doubles and reorders nothing')
    .description(
      'send checked messages between users that it creates through any OpenIM-compatible server, and decide whether each acknowledged one arrived once and in order; exit code 4 when not',
    )
    .option(
      '--users <n>',
      'users, at least 3; neighbours chat, and each is in every group',
      whole('--users', 3),
      10,
    )
    .option('--groups <n>', 'groups', whole('--groups', 0), 1)
    .option('--rate <n>', 'messages per second, over all users', positive('--rate'), 50)
    .addOption(
      new Option('--duration <time>', 'how long messages are sent')
        .argParser(duration('--duration'))
        .default(10_000, '10s'),
    )
    .option(
      '--deliver-within <time>',
      'longest time from acknowledgement to arrival before it counts as a violation',
      duration('--deliver-within'),
    )
    .option('--keep-logs <dir>', 'keep the log of everything seen in this directory')
    .option('--logs <dir>', 'send nothing: decide about the logs (*.facts) of this directory')
    .option('--no-pull', 'with --logs: the run had no final pull, so judge deliveries alone')
    .addOption(outputOption())
    .action(async (options: VerifyCommandOptions) => {
      const { runVerify } = await import('../verify/run.ts');
      await runVerify(options);
    });
}
