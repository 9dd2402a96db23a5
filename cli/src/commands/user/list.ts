import { Command } from 'commander';
import { callApi } from '../../api-client.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printRows } from '../../output.ts';
import { asAdmin, resolveTarget, type TargetOptions, withTarget } from '../../target.ts';

interface Options extends TargetOptions {
  page: string;
  size: string;
  output: OutputFormat;
}

interface User {
  userID: string;
  nickname: string;
  faceURL: string;
  createTime: number;
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw usageError(`${option}: ${text} is not a whole number above 0`);
  return value;
}

/** `user list`: one page of the registered users. */
export function userList(): Command {
  return withTarget(new Command('list'))
    .description('list registered users, a page at a time')
    .option('--page <n>', 'page, from 1', '1')
    .option('--size <n>', 'users on a page', '100')
    .addOption(outputOption())
    .action(async (options: Options) => {
      const pagination = {
        pageNumber: positive(options.page, '--page'),
        showNumber: positive(options.size, '--size'),
      };
      const admin = await asAdmin(resolveTarget(options));
      const found = await callApi<{ total: number; users: User[] | null }>(admin, '/user/get_users', {
        pagination,
      });
      const rows = (found.users ?? []).map((u) => ({
        userID: u.userID,
        nickname: u.nickname,
        created: new Date(u.createTime).toISOString(),
      }));
      printRows(rows, ['userID', 'nickname', 'created'], options.output);
      if (options.output === 'table') console.error(`${rows.length} of ${found.total}`);
    });
}
