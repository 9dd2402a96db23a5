import { Command, Option } from 'commander';
import { callApi } from '../../api-client.ts';
import { DryRun, withDryRun } from '../../dry-run.ts';
import { CommandError, EXIT, usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { asAdmin, resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

/** Which messages reach a user, as OpenIM numbers them. */
const RECEIVE = { all: 0, none: 1, quiet: 2 } as const;

interface Options extends TargetOptions {
  nickname?: string;
  faceUrl?: string;
  ex?: string;
  receive?: keyof typeof RECEIVE;
  output: OutputFormat;
}

/** `user update <userID>`: changes a profile; what is not named stays. */
export function userUpdate(): Command {
  return withDryRun(withTarget(new Command('update')))
    .description('change the profile of a user; friends and groups are notified')
    .argument('<userID>', 'user')
    .option('--nickname <name>', 'nickname')
    .option('--face-url <url>', 'picture')
    .option('--ex <text>', 'application-defined text')
    .addOption(
      new Option('--receive <what>', 'messages that reach the user; quiet: without notifications').choices(
        Object.keys(RECEIVE),
      ),
    )
    .addOption(outputOption())
    .action(async (userID: string, options: Options) => {
      const { nickname, faceUrl, ex, receive, output } = options;
      const change = {
        ...(nickname !== undefined && { nickname }),
        ...(faceUrl !== undefined && { faceURL: faceUrl }),
        ...(ex !== undefined && { ex }),
        ...(receive !== undefined && { globalRecvMsgOpt: RECEIVE[receive] }),
      };
      if (Object.keys(change).length === 0)
        throw usageError('name what is to change: --nickname, --face-url, --ex or --receive');
      const admin = await asAdmin(await resolveTarget(options));
      const { existingUsers } = await import('../../user/existing.ts');
      if ((await existingUsers(admin, [userID])).size === 0)
        throw new CommandError(EXIT.refused, `there is no user ${userID}; openimctl user list shows all`);
      if (options.dryRun) throw new DryRun('change a user', { server: admin.apiUrl, userID, ...change });
      await callApi(admin, '/user/update_user_info_ex', { userInfo: { userID, ...change } });
      await printObject({ userID, ...change }, output);
    });
}
