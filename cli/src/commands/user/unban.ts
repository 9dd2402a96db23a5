import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { withDryRun } from '../../dry-run.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

/** `user unban <userID>`. */
export function userUnban(): Command {
  return withDryRun(withTarget(new Command('unban')))
    .description('end the ban of a user')
    .argument('<userID>', 'user')
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(outputOption())
    .action(async (userID: string, options: TargetOptions & { reason: string; output: OutputFormat }) => {
      const { unbanUser } = await import('@im/admin-api');
      const { reason } = options;
      const { ended } = await withAdmin(options, (admin) =>
        admin.call(unbanUser, { params: { userID }, query: { reason } }),
      );
      await printObject({ userID, wasBanned: ended }, options.output);
    });
}
