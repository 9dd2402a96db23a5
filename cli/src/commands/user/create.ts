import { Command } from 'commander';
import { callApi } from '../../api-client.ts';
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
  return withTarget(new Command('create'))
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
      await callApi(admin, '/user/user_register', { users });
      await printRows(users, ['userID', 'nickname'], options.output);
    });
}
