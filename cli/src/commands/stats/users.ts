import type { ActiveUser } from '@im/admin-api';
import { Command, Option } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { printList } from '../../admin/list.ts';
import { notCounted } from './not-counted.ts';
import { type StatsOptions, withDays } from './options.ts';

interface Options extends StatsOptions {
  order: string;
}

/** Users of one page, all of which have the same length. */
const PAGE = 500;

/** `stats users`: users by the messages that they sent. */
export function statsUsers(): Command {
  return withDays(new Command('users'))
    .description('rank users by the messages that they sent to single chats and groups')
    .addOption(new Option('--order <order>', 'what comes first').choices(['most', 'least']).default('most'))
    .action(async (options: Options) => {
      const { listActiveUsers } = await import('@im/admin-api');
      const { from, to, order } = options;
      await withAdmin(options, (admin) =>
        printList<ActiveUser>(admin, listActiveUsers, { query: { from, to, order } }, options, {
          field: 'users',
          pages: PAGE,
          warning: notCounted,
          columns: ['userID', 'nickname', 'messages'],
          row: (user) => user,
        }),
      );
    });
}
