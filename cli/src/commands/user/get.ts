import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { timeText } from '../../admin/list.ts';
import { isForPeople, type OutputFormat, outputOption, printObject, printValue } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

/** `user get <userID>`: profile, ban and online platforms. */
export function userGet(): Command {
  return withTarget(new Command('get'))
    .description('show a user: profile, ban, platforms that are online')
    .argument('<userID>', 'user')
    .addOption(outputOption())
    .action(async (userID: string, options: TargetOptions & { output: OutputFormat }) => {
      const { getUser } = await import('@im/admin-api');
      const found = await withAdmin(options, (admin) => admin.call(getUser, { params: { userID } }));
      if (!isForPeople(options.output)) {
        await printValue(found, options.output);
        return;
      }
      const { user, onlinePlatformIDs } = found;
      const { ban, createTime, ...profile } = user;
      await printObject(
        {
          ...{ ...profile, created: timeText(createTime), onlinePlatformIDs },
          banned: ban !== undefined,
          ...(ban && {
            bannedUntil: timeText(ban.untilTime) || 'no end',
            banReason: ban.reason,
            bannedBy: ban.adminID,
          }),
        },
        options.output,
      );
    });
}
