import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { withDryRun } from '../../dry-run.ts';
import { EXIT, usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printRows } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  user?: string;
  token?: string;
  text: string;
  output: OutputFormat;
}

/** `push test`: sends a notification to the devices of a user, or to one, and prints what the providers answered. */
export function pushTest(): Command {
  return withDryRun(withTarget(new Command('test')))
    .description('send a test notification, and print what the provider of each device answered')
    .option('--user <userID>', 'every device of this user')
    .option('--token <token>', 'one device, by its token with the prefix of its kind, such as apns:')
    .option('--text <text>', 'text of the notification', 'Test')
    .addOption(outputOption())
    .action(async (options: Options) => {
      const { user, token, text, output } = options;
      if ((user === undefined) === (token === undefined)) throw usageError('give either --user or --token');
      const { testPush } = await import('@im/admin-api');
      const { results, faults } = await withAdmin(options, (admin) =>
        admin.call(testPush, { body: { userID: user, token, text } }),
      );
      const columns = [
        'kind',
        'platformID',
        'token',
        'provider',
        'outcome',
        'reason',
        'afterMs',
        'notificationID',
      ] as const;
      await printRows(results, columns, output);
      for (const fault of faults) console.error(`unusable: ${fault}`);
      if (results.length === 0)
        console.error('no device: the user has no token, and no provider that takes aliases');
      if (!results.some(({ outcome }) => outcome === 'taken')) process.exitCode = EXIT.refused;
    });
}
