import { Command } from 'commander';
import { type ApiTarget, callApi } from '../../api-client.ts';
import { DryRun, withDryRun } from '../../dry-run.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printRows } from '../../output.ts';
import { asAdmin, resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  nickname?: string;
  faceUrl: string;
  output: OutputFormat;
}

/** `user create <userID...>`: registers users; none is made if one of them exists. */
export function userCreate(): Command {
  return withDryRun(withTarget(new Command('create')))
    .description('register users')
    .argument('<userID...>', 'user ids: letters, digits and _')
    .option('--nickname <name>', 'nickname; the user id when absent')
    .option('--face-url <url>', 'picture', '')
    .addOption(outputOption())
    .action(async (userIDs: string[], options: Options) => {
      const admin = await asAdmin(await resolveTarget(options));
      const users = userIDs.map((userID) => ({
        userID,
        nickname: options.nickname ?? userID,
        faceURL: options.faceUrl,
      }));
      if (options.dryRun) await wouldRegister(admin, userIDs);
      await callApi(admin, '/user/user_register', { users });
      await printRows(users, ['userID', 'nickname'], options.output);
    });
}

/** Ends a dry run. @throws RefusedError when one of the users exists. */
async function wouldRegister(admin: ApiTarget, userIDs: readonly string[]): Promise<never> {
  const { existingUsers } = await import('../../user/existing.ts');
  const [taken] = await existingUsers(admin, userIDs);
  if (taken !== undefined) throw new CommandError(EXIT.refused, `the user ${taken} exists already`);
  throw new DryRun('register users', { server: admin.apiUrl, users: userIDs });
}
