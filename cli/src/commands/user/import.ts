import { Command, Option } from 'commander';
import { withDryRun } from '../../dry-run.ts';
import { outputOption } from '../../output.ts';
import { withTarget } from '../../target-options.ts';

/** `user import`: registers the users of a CSV file. */
export function userImport(): Command {
  return withDryRun(withTarget(new Command('import')))
    .description(
      'register the users of a CSV file, whose first line names columns: userID, nickname, faceURL, ex; all lines are checked before anything is written',
    )
    .requiredOption('-f, --file <file>', 'CSV file, - for standard input')
    .addOption(
      new Option(
        '--conflict <what>',
        'what to do when users exist: stop, with nothing written, or skip them; with skip an import that was interrupted goes on',
      )
        .choices(['stop', 'skip'])
        .default('stop'),
    )
    .option('--skipped <file>', 'CSV file to write the users to that were skipped')
    .addOption(outputOption())
    .action(async (options) => {
      const { importUsers } = await import('../../user/import.ts');
      await importUsers(options);
    });
}
