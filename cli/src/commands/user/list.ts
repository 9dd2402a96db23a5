import type { User } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListOptions, printList, timeText, withList } from '../../admin/list.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions, ListOptions {
  id?: string;
  nickname?: string;
}

function stateOf({ ban, deleted }: User): string {
  if (deleted) return 'deleted';
  if (!ban) return '';
  return ban.untilTime === 0 ? 'banned' : `banned until ${timeText(ban.untilTime)}`;
}

/** `user list`: registered users, newest first. */
export function userList(): Command {
  return withList(withTarget(new Command('list')))
    .description('list or search users, newest first')
    .option('--id <text>', 'users whose id contains this')
    .option('--nickname <text>', 'users whose nickname contains this')
    .action(async (options: Options) => {
      const { listUsers } = await import('@im/admin-api');
      const { id: userID, nickname } = options;
      await withAdmin(options, (admin) =>
        printList<User>(admin, listUsers, { query: { userID, nickname } }, options, {
          field: 'users',
          columns: ['userID', 'nickname', 'created', 'state'],
          row: (user) => ({
            ...{ userID: user.userID, nickname: user.nickname },
            ...{ created: timeText(user.createTime), state: stateOf(user) },
            ...{ faceURL: user.faceURL, ex: user.ex },
          }),
        }),
      );
    });
}
