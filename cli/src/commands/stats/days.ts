import type { StatisticsDay } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { printList } from '../../admin/list.ts';
import { notCounted } from './not-counted.ts';
import { type StatsOptions, withDays } from './options.ts';

/** `stats days`: the figures of each day. */
export function statsDays(): Command {
  return withDays(new Command('days'))
    .description('list messages, active users, accounts, peaks and storage of each day')
    .action(async (options: StatsOptions) => {
      const { listStatisticsDays } = await import('@im/admin-api');
      const { from, to } = options;
      await withAdmin(options, (admin) =>
        printList<StatisticsDay>(admin, listStatisticsDays, { query: { from, to } }, options, {
          field: 'days',
          warning: notCounted,
          columns: [
            ...['date', 'single', 'group', 'notification', 'activeUsers', 'activeGroups', 'registrations'],
            ...['users', 'groupsCreated', 'groups', 'peakUsers', 'peakConnections', 'storageBytes'],
            ...['storageObjects', 'throttled'],
          ],
          row: ({ types: _, ...figures }) => figures,
        }),
      );
    });
}
