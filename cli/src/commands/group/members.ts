import type { GroupMember } from '@im/admin-api';
import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { type ListOptions, printList, timeText, withList } from '../../admin/list.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

/** Most members of a page of the API: pages of a list all have the same length. */
const PAGE = 200;
const ROLES: Readonly<Record<number, string>> = { 100: 'owner', 60: 'admin', 20: 'member' };

/** `group members <groupID>`. */
export function groupMembers(): Command {
  return withList(withTarget(new Command('members')))
    .description('list the members of a group: owner, admins, members')
    .argument('<groupID>', 'group')
    .action(async (groupID: string, options: TargetOptions & ListOptions) => {
      const { listGroupMembers } = await import('@im/admin-api');
      await withAdmin(options, (admin) =>
        printList<GroupMember>(admin, listGroupMembers, { params: { groupID } }, options, {
          field: 'members',
          columns: ['userID', 'nickname', 'role', 'joined', 'mutedUntil'],
          pages: PAGE,
          row: ({ userID, nickname, roleLevel, joinTime, muteEndTime }) => ({
            ...{ userID, nickname, role: ROLES[roleLevel] ?? String(roleLevel) },
            ...{ joined: timeText(joinTime), mutedUntil: timeText(muteEndTime) },
          }),
        }),
      );
    });
}
