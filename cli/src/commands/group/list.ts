import type { Group } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListOptions, printList, timeText, withList } from '../../admin/list.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions, ListOptions {
  name?: string;
}

/** Most groups of a page of the API: pages of a list all have the same length. */
const PAGE = 200;

/** `group list`: groups, newest first. */
export function groupList(): Command {
  return withList(withTarget(new Command('list')))
    .description('list or search groups that are not dismissed, newest first')
    .option('--name <text>', 'groups whose name contains this')
    .action(async (options: Options) => {
      const { listGroups } = await import('@im/admin-api');
      const query = { groupName: options.name };
      await withAdmin(options, (admin) =>
        printList<Group>(admin, listGroups, { query }, options, {
          field: 'groups',
          columns: ['groupID', 'name', 'owner', 'members', 'created'],
          pages: PAGE,
          row: (group) => ({
            ...{ groupID: group.groupID, name: group.groupName, owner: group.ownerUserID },
            ...{ members: group.memberCount, created: timeText(group.createTime) },
          }),
        }),
      );
    });
}
