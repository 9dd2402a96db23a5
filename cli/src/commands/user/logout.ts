import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { withDryRun } from '../../dry-run.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { parsePlatform } from '../../platform.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  platform?: string;
  reason: string;
  output: OutputFormat;
}

/** `user logout <userID>`: ends logins; the user may log in again. */
export function userLogout(): Command {
  return withDryRun(withTarget(new Command('logout')))
    .description('end the logins of a user, who may log in again')
    .argument('<userID>', 'user')
    .option('--platform <platform>', 'on this platform alone, by name or number')
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(outputOption())
    .action(async (userID: string, options: Options) => {
      const { logoutUser } = await import('@im/admin-api');
      const { platform, reason, output } = options;
      const platformID = platform === undefined ? undefined : (await parsePlatform(platform)).id;
      await withAdmin(options, (admin) =>
        admin.call(logoutUser, { params: { userID }, body: { platformID, reason } }),
      );
      await printObject({ userID, loggedOut: platformID ?? 'all platforms' }, output);
    });
}
