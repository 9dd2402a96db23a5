import { Command } from 'commander';
import { callApi } from '../../api-client.ts';
import { whole } from '../../arguments.ts';
import { type OutputFormat, outputOption, printRows } from '../../output.ts';
import { asAdmin, resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  page: number;
  size: number;
  output: OutputFormat;
}

interface User {
  userID: string;
  nickname: string;
  faceURL: string;
  createTime: number;
}

/** `user list`: one page of the registered users. */
export function userList(): Command {
  return withTarget(new Command('list'))
    .description('list registered users, a page at a time')
    .option('--page <n>', 'page, from 1', whole('--page'), 1)
    .option('--size <n>', 'users on a page', whole('--size'), 100)
    .addOption(outputOption())
    .action(async (options: Options) => {
      const pagination = { pageNumber: options.page, showNumber: options.size };
      const admin = await asAdmin(await resolveTarget(options));
      const found = await callApi<{ total: number; users: User[] | null }>(admin, '/user/get_users', {
        pagination,
      });
      const rows = (found.users ?? []).map((u) => ({
        userID: u.userID,
        nickname: u.nickname,
        created: new Date(u.createTime).toISOString(),
      }));
      await printRows(rows, ['userID', 'nickname', 'created'], options.output);
      if (options.output === 'table') console.error(`${rows.length} of ${found.total}`);
    });
}
