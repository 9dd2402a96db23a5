import type { ActiveGroup } from '@im/admin-api';
import { Command, Option } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { printList } from '../../admin/list.ts';
import { notCounted } from './not-counted.ts';
import { type StatsOptions, withDays } from './options.ts';

interface Options extends StatsOptions {
  order: string;
}

/** Groups of one page, all of which have the same length. */
const PAGE = 250;

/** `stats groups`: groups by the messages that were sent in them. */
export function statsGroups(): Command {
  return withDays(new Command('groups'))
    .description('rank groups by the messages that were sent in them')
    .addOption(new Option('--order <order>', 'what comes first').choices(['most', 'least']).default('most'))
    .action(async (options: Options) => {
      const { listActiveGroups } = await import('@im/admin-api');
      const { from, to, order } = options;
      await withAdmin(options, (admin) =>
        printList<ActiveGroup>(admin, listActiveGroups, { query: { from, to, order } }, options, {
          field: 'groups',
          pages: PAGE,
          warning: notCounted,
          columns: ['groupID', 'groupName', 'messages'],
          row: (group) => group,
        }),
      );
    });
}
